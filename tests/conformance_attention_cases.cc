// The cases of Attend.
#include <algorithm>

#include "tests/conformance_attention.h"

namespace spate::conformance {
namespace {

void Add(CaseList& cases, AttendShape shape) { cases.push_back(MakeAttendCase(std::move(shape))); }

void AddPlain(CaseList& cases, DType kv) {
  const RopeStyle half = RopeStyle::kHalf;
  const RopeStyle interleaved = RopeStyle::kInterleaved;
  // Head sizes around the 16 lanes of a vector and its pairs, whole and partly rotated.
  for (int dim : {1, 2, 3, 12, 15, 16, 17, 20, 31, 33, 64, 80, 96, 128, 130}) {
    Add(cases, {.head_dim = dim, .pairs = dim / 2, .kv = kv, .chunks = {{19, 1}, {3, 2}}});
  }
  Add(cases, {.head_dim = 20, .pairs = 3, .kv = kv, .chunks = {{18, 4}}});
  Add(cases, {.head_dim = 20, .pairs = 3, .style = interleaved, .kv = kv, .chunks = {{18, 4}}});
  for (int dim : {2, 12, 64}) {
    Add(cases,
        {.head_dim = dim, .pairs = dim / 2, .style = interleaved, .magnitude = 1.2f, .kv = kv, .chunks = {{33, 1, 1}}});
    Add(cases, {.head_dim = dim, .pairs = 0, .kv = kv, .chunks = {{33, 1, 1}}});
  }
  // Query heads to a key/value head.
  constexpr int kRatios[][2] = {{2, 1}, {4, 2}, {6, 2}, {7, 1}, {8, 8}, {9, 3}, {15, 3}, {32, 4}, {71, 1}};
  for (const auto& [heads, kv_heads] : kRatios) {
    Add(cases,
        {.heads = heads, .kv_heads = kv_heads, .head_dim = 16, .pairs = 8, .kv = kv, .chunks = {{21, 1}, {1, 1}}});
  }
  // Lengths around a block and around a part, as prefill and as decode.
  for (int length : {1, 2, 15, 16, 17, 31, 32, 33}) {
    Add(cases, {.heads = 2, .head_dim = 12, .pairs = 6, .style = half, .kv = kv, .chunks = {{length}}});
    Add(cases, {.heads = 2, .head_dim = 12, .pairs = 6, .kv = kv, .chunks = {{length, 1, 1}}});
  }
  for (int length : {255, 256, 257, 511, 513}) {
    Add(cases, {.heads = 4, .kv_heads = 2, .head_dim = 16, .pairs = 8, .kv = kv, .chunks = {{length, 1, 1, 2}}});
  }
  Add(cases, {.head_dim = 8, .pairs = 4, .kv = kv, .chunks = {{200, 100, 3, 300, 1}}});
  Add(cases, {.head_dim = 8, .pairs = 4, .kv = kv, .chunks = {std::vector<int>(40, 1)}});
  // Several sequences, ragged.
  Add(cases, {.heads = 4,
              .kv_heads = 2,
              .head_dim = 20,
              .pairs = 10,
              .kv = kv,
              .chunks = {{1, 1}, {17, 5}, {300, 1}, {2, 64}, {16, 16}, {250, 10}, {5}}});
  Add(cases, {.heads = 6,
              .kv_heads = 3,
              .head_dim = 15,
              .pairs = 7,
              .kv = kv,
              .chunks = {{7, 1, 1}, {256, 1, 1}, {31, 1, 1}, {33, 1, 1}, {5, 1, 1}}});
  // Decode steps long enough for a backend to share one sequence among threads.
  Add(cases, {.heads = 8, .kv_heads = 1, .head_dim = 64, .pairs = 32, .kv = kv, .chunks = {{513, 1, 1}}});
  Add(cases,
      {.heads = 8, .kv_heads = 1, .head_dim = 64, .pairs = 32, .kv = kv, .chunks = {{300, 1}, {257, 1}, {9, 1}}});
  Add(cases,
      {.heads = 2, .kv_heads = 1, .head_dim = 16, .pairs = 8, .kv = kv, .chunks = {{30, 2, 1}, {4, 20}}, .groups = 3});
  Add(cases, {.heads = 2,
              .kv_heads = 2,
              .head_dim = 17,
              .pairs = 8,
              .kv = kv,
              .chunks = {{5, 1}, {18, 1}, {270, 1}},
              .stale = true});
}

// Windows around blocks and parts, in contexts around the window, as prefill, in pieces and as decode.
void AddWindows(CaseList& cases, DType kv) {
  AttendShape shape{.heads = 4, .kv_heads = 2, .head_dim = 16, .pairs = 8, .kv = kv};
  for (int window : {1, 2, 15, 16, 17, 255, 256, 257}) {
    shape.window = window;
    shape.chunks = {{window + 1, 1, 1}, {std::max(1, window - 1), 1, 1, 1}, {window, 3}, {40}};
    Add(cases, shape);
    shape.chunks = {{2 * window + 20, 1, 1}};
    Add(cases, shape);
    shape.chunks = {{7, window, 20, 1}, {30, 30, 1}};
    Add(cases, shape);
  }
  for (int window : {1, 15, 16, 17}) {
    shape.window = window;
    shape.chunks = {std::vector<int>(40, 1)};
    Add(cases, shape);
  }
  // Rows of a kernel's tile that are several queries, with begins of their own, and that are heads of one.
  constexpr int kRatios[][2] = {{1, 1}, {2, 1}, {3, 1}, {5, 1}, {8, 1}, {6, 3}, {71, 1}};
  for (const auto& [heads, kv_heads] : kRatios) {
    for (int window : {1, 3, 17, 250}) {
      Add(cases, {.heads = heads,
                  .kv_heads = kv_heads,
                  .head_dim = 12,
                  .pairs = 6,
                  .kv = kv,
                  .chunks = {{280, 1, 1}, {21, 1}},
                  .window = window});
    }
  }
  for (int dim : {1, 5, 33, 64, 80, 96, 128, 256}) {
    Add(cases, {.head_dim = dim, .pairs = dim / 2, .kv = kv, .chunks = {{19, 1}, {3, 2}}, .window = 7});
  }
  // What a window leaves out may be anything, even NaN; and parts that are tasks of their own.
  Add(cases, {.heads = 2,
              .kv_heads = 2,
              .head_dim = 17,
              .pairs = 8,
              .kv = kv,
              .chunks = {{5, 1}, {18, 1}, {270, 1}},
              .stale = true,
              .window = 6});
  for (int window : {300, 520}) {
    Add(cases,
        {.heads = 8, .kv_heads = 1, .head_dim = 64, .pairs = 32, .kv = kv, .chunks = {{770, 1, 1}}, .window = window});
  }
}

// Soft caps, slopes, clamps and no rotation, each by itself and with a window.
void AddScores(CaseList& cases, DType kv) {
  for (int window : {0, 18, 256}) {
    AttendShape shape{.heads = 4,
                      .kv_heads = 2,
                      .head_dim = 20,
                      .pairs = 10,
                      .kv = kv,
                      .chunks = {{33, 1, 1}, {270, 1, 1}, {5, 1, 1}},
                      .window = window};
    AttendShape capped = shape;
    capped.softcap = 0.4f;
    Add(cases, capped);
    capped.stale = true;
    Add(cases, capped);
    AttendShape sloped = shape;
    sloped.alibi = true;
    Add(cases, sloped);
    sloped.pairs = -1;
    Add(cases, sloped);
    sloped.softcap = 1.5f;
    sloped.stale = true;
    Add(cases, sloped);
    shape.pairs = -1;
    Add(cases, shape);
    shape.clip = 0.6f;
    Add(cases, shape);
  }
  for (int dim : {1, 5, 33, 64, 80, 96, 128, 256}) {
    for (int sharing : {1, 3, 9}) {
      Add(cases, {.heads = 2 * sharing,
                  .kv_heads = 2,
                  .head_dim = dim,
                  .pairs = -1,
                  .kv = kv,
                  .chunks = {{19, 1}, {3, 2}},
                  .window = 11,
                  .softcap = 1,
                  .alibi = true,
                  .clip = 0.8f});
    }
  }
  // Far keys whose weights vanish, and slopes of layers with heads of their own.
  Add(cases, {.heads = 8, .kv_heads = 1, .head_dim = 16, .kv = kv, .chunks = {{600, 1}}, .alibi = true});
  Add(cases, {.heads = 4,
              .kv_heads = 2,
              .head_dim = 16,
              .kv = kv,
              .chunks = {{30, 2, 1}, {4, 20}},
              .groups = 3,
              .alibi = true});
}

void AddNorms(CaseList& cases) {
  for (QkNorm qk_norm : {QkNorm::kHead, QkNorm::kEachHead, QkNorm::kWidth}) {
    for (NormKind norm : {NormKind::kRms, NormKind::kLayer}) {
      for (int dim : {3, 15, 16, 17, 64, 80, 96, 128, 256}) {
        Add(cases, {.heads = 4,
                    .kv_heads = 2,
                    .head_dim = dim,
                    .pairs = dim / 2,
                    .chunks = {{19, 1}, {3, 2}},
                    .qk_norm = qk_norm,
                    .norm = norm});
      }
      Add(cases, {.heads = 3,
                  .kv_heads = 1,
                  .head_dim = 24,
                  .pairs = 5,
                  .style = RopeStyle::kInterleaved,
                  .magnitude = 1.2f,
                  .chunks = {{260, 1, 1}, {5, 30}},
                  .qk_norm = qk_norm,
                  .norm = norm});
      // Everything at once.
      Add(cases, {.heads = 6,
                  .kv_heads = 3,
                  .head_dim = 20,
                  .pairs = 4,
                  .chunks = {{280, 1}, {7, 9}},
                  .groups = 2,
                  .stale = true,
                  .window = 30,
                  .softcap = 2,
                  .alibi = true,
                  .clip = 0.7f,
                  .qk_norm = qk_norm,
                  .norm = norm});
    }
  }
  Add(cases, {.heads = 32,
              .kv_heads = 8,
              .head_dim = 64,
              .pairs = 32,
              .chunks = {{70, 1}},  // enough for several threads
              .qk_norm = QkNorm::kHead});
  Add(cases, {.heads = 2, .kv_heads = 1, .head_dim = 16, .pairs = 8, .chunks = {{40, 3, 1}}, .clip = 0.5f});
}

}  // namespace

CaseList AttendCases() {
  CaseList cases;
  for (DType kv : {DType::kF32, DType::kBF16}) {
    AddPlain(cases, kv);
    AddWindows(cases, kv);
    AddScores(cases, kv);
  }
  AddNorms(cases);
  return cases;
}

}  // namespace spate::conformance
