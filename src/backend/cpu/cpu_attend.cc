#include "backend/cpu/cpu_attend.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_qk_norm.h"
#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Rows of a tile: enough that reading keys and values once a tile costs little beside using them.
constexpr int kTileRowsWanted = 64;
// Tokens whose keys and values one task writes.
constexpr int kWriteTokens = 16;
// Below this many keys times rows times dimensions one thread is done before the others are awake.
constexpr int64_t kSmallWork = 1 << 17;
// Values of q, k and v that one task clamps and normalizes.
constexpr int64_t kSmallValues = 1 << 15;
// Longest results of parts that are kept at once.
constexpr int64_t kMaxPieceBytes = int64_t{64} << 20;

constexpr double kLog2E = 1.4426950408889634;
float InPowersOfTwo(float score) { return static_cast<float>(static_cast<double>(score) * kLog2E); }

// Queries of a tile: a power of two, so that a tile never crosses a part.
int TileQueries(int sharing) {
  int queries = 1;
  while (queries * 2 * sharing <= kTileRowsWanted) queries *= 2;
  return std::min(queries, kAttentionPart);
}

// The first position that a query at `position` sees.
int FirstKey(int position, int window) { return window == 0 ? 0 : std::max(position + 1 - window, 0); }

// Result of one part: mixed values, maxima and sums of the rows of one query.
int64_t PieceFloats(int64_t rows, int64_t dims) { return AlignUp(rows * (dims + 2), 16); }

struct Limits {  // over all layers
  int64_t sharing = 1;
  int64_t rows = kTileRowsWanted;  // of a tile
  int64_t head_dim = 1;
  int64_t query_floats = 0;  // packed queries of a tile
  int64_t mixed_floats = 0;  // mixed values of a tile
  int64_t piece_floats = 0;  // of one query's heads of one key/value head
};

Limits FindLimits(const OpsConfig& config) {
  Limits limits;
  for (const KvLayout::Layer& layer : config.kv.layers) {
    const int64_t sharing =
        std::max<int64_t>(1, CeilDiv<int64_t>(config.max_mixed, int64_t{layer.kv_heads} * layer.head_dim));
    const int64_t rows = AlignUp(std::max<int64_t>(kTileRowsWanted, sharing), kQueryRows);
    limits.sharing = std::max(limits.sharing, sharing);
    limits.rows = std::max(limits.rows, rows);
    limits.head_dim = std::max<int64_t>(limits.head_dim, layer.head_dim);
    limits.query_floats = std::max(limits.query_floats, rows * KeyDims(layer.head_dim));
    limits.mixed_floats = std::max(limits.mixed_floats, rows * PaddedDims(layer.head_dim));
    limits.piece_floats = std::max(limits.piece_floats, PieceFloats(sharing, PaddedDims(layer.head_dim)));
  }
  return limits;
}

const float* Row(const Mat& mat, int row) { return static_cast<const float*>(mat.data) + row * mat.stride; }
float* MutableRow(const Mat& mat, int row) { return static_cast<float*>(mat.data) + row * mat.stride; }

}  // namespace

struct AttentionRunner::Job {
  const AttnSpec& spec;
  const Batch& batch;
  const KvView& view;
  const Mat qkv;
  const Mat& out;
  const Rope* rope;     // null = nothing is rotated
  const float* slopes;  // [heads] or null
  KvArena::Layer& layer;
  int sharing;
  float query_scale;  // scale * log2(e): weights are powers of two
  float softcap;      // likewise
  bool split;         // a task is one part of a tile
};

AttentionRunner::AttentionRunner(const OpsConfig& config, const KernelTable& kernels, ThreadPool& pool)
    : kernels_(kernels),
      pool_(pool),
      max_tokens_(config.max_tokens),
      kv_(config.kv, config.kv_blocks),
      format_(config.kv.dtype == DType::kF32 ? kernels.attention.f32 : kernels.attention.bf16),
      prepared_stride_(AlignUp(config.max_qkv, 16)),
      // Memory is taken where it is written: nothing in a model that needs none of it.
      prepared_(static_cast<size_t>(max_tokens_ * prepared_stride_) * sizeof(float)) {
  for (const RopeTable& table : config.ropes) {
    const size_t bytes = static_cast<size_t>(max_tokens_) * table.inv_freq.size() * sizeof(float);
    ropes_.push_back({table.style, table.magnitude, table.inv_freq, AlignedBuffer(bytes), AlignedBuffer(bytes)});
  }
  slopes_ = config.alibi;
  for (AlibiSlopes& slopes : slopes_) std::transform(slopes.begin(), slopes.end(), slopes.begin(), InPowersOfTwo);
  tiles_.reserve(static_cast<size_t>(max_tokens_));

  const Limits limits = FindLimits(config);
  const int64_t row_floats = AlignUp(limits.head_dim, 16);
  for (int i = 0; i < pool.threads(); ++i) {
    Scratch& scratch = scratch_.emplace_back();
    scratch.memory = AlignedBuffer(static_cast<size_t>(limits.query_floats + kQueryRows * kAttentionPart + row_floats +
                                                       2 * (limits.mixed_floats + 2 * limits.rows)) *
                                   sizeof(float));
    float* next = scratch.memory.As<float>();
    const auto take = [&](int64_t floats) { return std::exchange(next, next + floats); };
    scratch.scores = take(kQueryRows * kAttentionPart);
    scratch.queries = take(limits.query_floats);
    scratch.row = take(row_floats);
    scratch.state = {take(limits.mixed_floats), take(limits.rows), take(limits.rows)};
    scratch.part = {take(limits.mixed_floats), take(limits.rows), take(limits.rows)};
  }
  if (pool.threads() > 1) {
    const int64_t parts = CeilDiv(int64_t{std::max(config.max_context, 1)}, kAttentionPart);
    const int64_t bytes = 4 * pool.threads() * parts * limits.piece_floats * static_cast<int64_t>(sizeof(float));
    pieces_ = AlignedBuffer(static_cast<size_t>(std::min(bytes, kMaxPieceBytes)));
  }
}

void AttentionRunner::Begin(const Batch& batch) {
  CHECK(batch.tokens <= max_tokens_, "{} tokens, planned for {}", batch.tokens, max_tokens_);
  planned_sharing_ = 0;
  decode_only_ = batch.tokens <= batch.sequences;
  for (int s = 0; s < batch.sequences; ++s) {
    decode_only_ =
        decode_only_ &&
        batch.host_query_start[static_cast<size_t>(s) + 1] - batch.host_query_start[static_cast<size_t>(s)] <= 1;
  }
  for (Rope& rope : ropes_) {
    const int64_t pairs = static_cast<int64_t>(rope.inv_freq.size());
    pool_.ParallelFor(0, batch.tokens, 64, [&](int64_t begin, int64_t end, int /*thread*/) {
      for (int64_t t = begin; t < end; ++t) {
        float* cos = rope.cos.As<float>() + t * pairs;
        float* sin = rope.sin.As<float>() + t * pairs;
        for (int64_t i = 0; i < pairs; ++i) {
          // The angle in f32, as the reference implementations have it; the rest as exact as f32 can be.
          const float angle = static_cast<float>(batch.positions[t]) * rope.inv_freq[static_cast<size_t>(i)];
          cos[i] = static_cast<float>(std::cos(static_cast<double>(angle)) * static_cast<double>(rope.magnitude));
          sin[i] = static_cast<float>(std::sin(static_cast<double>(angle)) * static_cast<double>(rope.magnitude));
        }
      }
    });
  }
}

void AttentionRunner::PlanTiles(const Batch& batch, int sharing, int window) {
  if (planned_sharing_ == sharing && planned_window_ == window) return;
  planned_sharing_ = sharing;
  planned_window_ = window;
  tiles_.clear();
  total_parts_ = 0;
  const int most = TileQueries(sharing);
  for (int s = 0; s < batch.sequences; ++s) {
    int token = batch.host_query_start[static_cast<size_t>(s)];
    const int end = batch.host_query_start[static_cast<size_t>(s) + 1];
    int position = batch.host_context_len[static_cast<size_t>(s)] - (end - token);
    CHECK(position >= 0, "{} new tokens in a context of {}", end - token,
          batch.host_context_len[static_cast<size_t>(s)]);
    while (token < end) {
      const int queries = std::min(end - token, most - position % most);
      const int first_part = FirstKey(position, window) / kAttentionPart;
      const int parts = position / kAttentionPart + 1 - first_part;
      tiles_.push_back({s, token, queries, position, first_part, parts, total_parts_});
      total_parts_ += parts;
      token += queries;
      position += queries;
    }
  }
}

Mat AttentionRunner::Prepared(const AttnSpec& spec, const QkNormWeights& norms, const Mat& qkv) {
  CHECK(spec.QkvWidth() <= prepared_stride_, "{} values of a row, planned for {}", spec.QkvWidth(), prepared_stride_);
  CheckQkNorm(spec, norms);
  const Mat prepared{prepared_.data(), qkv.rows, qkv.cols, prepared_stride_, DType::kF32};
  const int64_t grain = std::max<int64_t>(1, kSmallValues / qkv.cols);
  pool_.ParallelFor(0, qkv.rows, grain, [&](int64_t begin, int64_t end, int /*thread*/) {
    for (int64_t t = begin; t < end; ++t) {
      const int token = static_cast<int>(t);
      PrepareQkv(spec, norms, kernels_.rows, Row(qkv, token), MutableRow(prepared, token));
    }
  });
  return prepared;
}

void AttentionRunner::Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch,
                             const Mat& qkv, const Mat& out) {
  CHECK(layer >= 0 && layer < kv_.layers(), "layer {}", layer);
  KvArena::Layer& kv = kv_.layer(layer);
  CHECK(spec.kv_heads == kv.kv_heads && spec.head_dim == kv.head_dim && spec.heads % spec.kv_heads == 0,
        "{} heads, {} kv heads of {}, the cache has {} of {}", spec.heads, spec.kv_heads, spec.head_dim, kv.kv_heads,
        kv.head_dim);
  CHECK(qkv.rows == batch.tokens && qkv.cols == spec.QkvWidth() && out.rows == batch.tokens &&
        out.cols == spec.QueryWidth());
  CHECK(static_cast<size_t>(kv.group) < batch.kv.size());
  CHECK(spec.rope < static_cast<int>(ropes_.size()) && spec.alibi < static_cast<int>(slopes_.size()),
        "rope {} of {}, alibi {} of {}", spec.rope, ropes_.size(), spec.alibi, slopes_.size());
  const Rope* rope = spec.rope < 0 ? nullptr : &ropes_[static_cast<size_t>(spec.rope)];
  CHECK(rope == nullptr || 2 * rope->inv_freq.size() <= static_cast<size_t>(spec.head_dim),
        "{} rotated pairs in a head of {}", rope->inv_freq.size(), spec.head_dim);
  const AlibiSlopes* slopes = spec.alibi < 0 ? nullptr : &slopes_[static_cast<size_t>(spec.alibi)];
  CHECK(slopes == nullptr || slopes->size() == static_cast<size_t>(spec.heads), "{} heads", spec.heads);
  CHECK(spec.window >= 0 && spec.softcap >= 0 && spec.clip >= 0);

  const int sharing = spec.heads / spec.kv_heads;
  PlanTiles(batch, sharing, spec.window);
  int64_t rows_keys = 0;
  int most_queries = 0;
  for (const Tile& tile : tiles_) {
    rows_keys += int64_t{tile.queries} * (tile.position + tile.queries - FirstKey(tile.position, spec.window));
    most_queries = std::max(most_queries, tile.queries);
  }
  const int64_t tasks = static_cast<int64_t>(tiles_.size()) * spec.kv_heads;
  const int64_t piece_bytes = int64_t{total_parts_} * spec.kv_heads * PieceFloats(sharing, PaddedDims(spec.head_dim)) *
                              static_cast<int64_t>(sizeof(float));
  const bool split = most_queries == 1 && tasks < 4 * pool_.threads() && tasks % pool_.threads() != 0 &&
                     total_parts_ > static_cast<int>(tiles_.size()) &&
                     piece_bytes <= static_cast<int64_t>(pieces_.size());
  const Job job{.spec = spec,
                .batch = batch,
                .view = batch.kv[static_cast<size_t>(kv.group)],
                .qkv = ChangesQkv(spec) ? Prepared(spec, norms, qkv) : qkv,
                .out = out,
                .rope = rope,
                .slopes = slopes == nullptr ? nullptr : slopes->data(),
                .layer = kv,
                .sharing = sharing,
                .query_scale = InPowersOfTwo(spec.scale),
                .softcap = InPowersOfTwo(spec.softcap),
                .split = split};
  writes_.Reset();
  tasks_.Reset();
  merges_.Reset();
  if (pool_.threads() > 1 && rows_keys * spec.heads * spec.head_dim >= kSmallWork) {
    pool_.Run([&](int thread) { RunThread(job, thread); });
    return;
  }
  for (int t = 0; t < batch.tokens; ++t) {
    for (int h = 0; h < spec.kv_heads; ++h) WriteToken(job, t, h, scratch_[0].row);
  }
  for (const Tile& tile : tiles_) {
    for (int h = 0; h < spec.kv_heads; ++h) RunTile(job, tile, h, scratch_[0]);
  }
}

void AttentionRunner::RunThread(const Job& job, int thread) noexcept {
  Scratch& scratch = scratch_[static_cast<size_t>(thread)];
  const int kv_heads = job.spec.kv_heads;
  const int64_t tile_tasks = static_cast<int64_t>(tiles_.size()) * kv_heads;
  // A sequence with one new token reads no other that this step writes: its tasks write it themselves.
  if (!decode_only_) {
    for (int64_t i = writes_.Next() * kWriteTokens; i < job.batch.tokens; i = writes_.Next() * kWriteTokens) {
      const int end = std::min(static_cast<int>(i) + kWriteTokens, job.batch.tokens);
      for (int t = static_cast<int>(i); t < end; ++t) {
        for (int h = 0; h < kv_heads; ++h) WriteToken(job, t, h, scratch.row);
      }
    }
    pool_.Sync(thread);
  }
  if (!job.split) {
    for (int64_t i = tasks_.Next(); i < tile_tasks; i = tasks_.Next()) {
      // From the last, which sees most: the short ones fill the gaps at the end.
      const Tile& tile = tiles_[tiles_.size() - 1 - static_cast<size_t>(i / kv_heads)];
      const int kv_head = static_cast<int>(i % kv_heads);
      if (decode_only_) WriteToken(job, tile.token, kv_head, scratch.row);
      RunTile(job, tile, kv_head, scratch);
    }
    return;
  }
  size_t tile = 0;
  for (int64_t i = tasks_.Next(); i < int64_t{total_parts_} * kv_heads; i = tasks_.Next()) {
    const int piece = static_cast<int>(i / kv_heads);
    while (piece >= tiles_[tile].piece + tiles_[tile].parts) ++tile;
    RunPiece(job, tiles_[tile], static_cast<int>(i % kv_heads), piece - tiles_[tile].piece, scratch);
  }
  pool_.Sync(thread);
  for (int64_t i = merges_.Next(); i < tile_tasks; i = merges_.Next()) {
    MergePieces(job, tiles_[static_cast<size_t>(i / kv_heads)], static_cast<int>(i % kv_heads));
  }
}

void AttentionRunner::Rotate(const Job& job, const float* head, int token, float* out) const {
  if (job.rope == nullptr) {
    std::copy_n(head, job.spec.head_dim, out);
    return;
  }
  const Rope& rope = *job.rope;
  const int pairs = static_cast<int>(rope.inv_freq.size());
  const auto rotate = rope.style == RopeStyle::kHalf ? kernels_.rows.rotate_half : kernels_.rows.rotate_interleaved;
  rotate(head, rope.cos.As<float>() + int64_t{token} * pairs, rope.sin.As<float>() + int64_t{token} * pairs, pairs,
         job.spec.head_dim, out);
}

void AttentionRunner::WriteToken(const Job& job, int token, int kv_head, float* row) const {
  const AttnSpec& spec = job.spec;
  const float* key = Row(job.qkv, token) + (spec.heads + kv_head) * spec.head_dim;
  Rotate(job, key, token, row);
  const int32_t slot = job.view.write_slot[token];
  const int32_t block = slot / kKvBlockTokens;
  format_.write(row, key + spec.kv_heads * spec.head_dim, spec.head_dim, slot % kKvBlockTokens,
                job.layer.Keys(block, kv_head), job.layer.Values(block, kv_head));
}

void AttentionRunner::LoadQueries(const Job& job, const Tile& tile, int kv_head, Scratch& scratch) const {
  const int head_dim = job.spec.head_dim;
  for (int q = 0; q < tile.queries; ++q) {
    const float* heads = Row(job.qkv, tile.token + q) + kv_head * job.sharing * head_dim;
    // Rows lie pages apart, which the hardware does not foresee.
    if (q + 1 < tile.queries) {
      for (int i = 0; i < job.sharing * head_dim; i += 16) __builtin_prefetch(heads + job.qkv.stride + i);
    }
    for (int g = 0; g < job.sharing; ++g) {
      Rotate(job, heads + g * head_dim, tile.token + q, scratch.row);
      kernels_.attention.pack_query(scratch.row, head_dim, job.query_scale, q * job.sharing + g, scratch.queries);
    }
  }
}

void AttentionRunner::RunPart(const Job& job, const Tile& tile, int kv_head, int part, const Scratch& scratch,
                              const AttentionState& state) const {
  part += tile.first_part;
  const int first_key = part * kAttentionPart;
  const AttentionPart args{
      .queries = scratch.queries,
      .rows = tile.queries * job.sharing,
      .sharing = job.sharing,
      .head_dim = job.spec.head_dim,
      .begin = job.spec.window == 0 ? -kAttentionPart : tile.position + 1 - job.spec.window - first_key,
      .keys = std::min(kAttentionPart, tile.position + 1 - first_key),
      .blocks = job.view.block_table + int64_t{tile.sequence} * job.view.max_blocks + part * kPartBlocks,
      .k = job.layer.Keys(0, kv_head),
      .v = job.layer.Values(0, kv_head),
      .block_bytes = job.layer.block_bytes,
      .softcap = job.softcap,
      .slopes = job.slopes == nullptr ? nullptr : job.slopes + kv_head * job.sharing,
      .distance = first_key - tile.position,
      .scores = scratch.scores,
      .state = state};
  format_.part(args);
}

void AttentionRunner::RunTile(const Job& job, const Tile& tile, int kv_head, Scratch& scratch) const {
  LoadQueries(job, tile, kv_head, scratch);
  RunPart(job, tile, kv_head, 0, scratch, scratch.state);
  for (int part = 1; part < tile.parts; ++part) {
    RunPart(job, tile, kv_head, part, scratch, scratch.part);
    kernels_.attention.merge(scratch.part, tile.queries * job.sharing, job.spec.head_dim, scratch.state);
  }
  Finish(job, tile, kv_head, scratch.state);
}

void AttentionRunner::RunPiece(const Job& job, const Tile& tile, int kv_head, int part, Scratch& scratch) {
  if (decode_only_ && part == tile.parts - 1) WriteToken(job, tile.token, kv_head, scratch.row);
  LoadQueries(job, tile, kv_head, scratch);
  RunPart(job, tile, kv_head, part, scratch, Piece(job, tile, kv_head, part));
}

void AttentionRunner::MergePieces(const Job& job, const Tile& tile, int kv_head) {
  const AttentionState state = Piece(job, tile, kv_head, 0);
  for (int part = 1; part < tile.parts; ++part) {
    kernels_.attention.merge(Piece(job, tile, kv_head, part), job.sharing, job.spec.head_dim, state);
  }
  Finish(job, tile, kv_head, state);
}

AttentionState AttentionRunner::Piece(const Job& job, const Tile& tile, int kv_head, int part) {
  const int64_t rows = job.sharing;
  const int64_t dims = PaddedDims(job.spec.head_dim);
  const int64_t index = int64_t{tile.piece + part} * job.spec.kv_heads + kv_head;
  float* mixed = pieces_.As<float>() + index * PieceFloats(rows, dims);
  return {mixed, mixed + rows * dims, mixed + rows * (dims + 1)};
}

void AttentionRunner::Finish(const Job& job, const Tile& tile, int kv_head, const AttentionState& state) const {
  const int head_dim = job.spec.head_dim;
  for (int row = 0; row < tile.queries * job.sharing; ++row) {
    const int head = kv_head * job.sharing + row % job.sharing;
    kernels_.attention.finish(state, row, head_dim,
                              MutableRow(job.out, tile.token + row / job.sharing) + head * head_dim);
  }
}

}  // namespace spate::cpu
