#include "model/part_views.h"

#include <string_view>

#include "base/check.h"

namespace spate {
namespace {

size_t CountSources(const TensorRule& rule) {
  size_t count = 0;
  while (count < rule.sources.size() && !rule.sources[count].empty()) ++count;
  return count;
}

// q, k or v out of a source that keeps each key/value head's group together.
void AddGroups(int part, const AttnSpec& attn, std::vector<RowRun>& runs) {
  const int64_t dim = attn.head_dim;
  const int64_t queries = attn.heads / attn.kv_heads * dim;
  for (int g = 0; g < attn.kv_heads; ++g) {
    const int64_t group = g * (queries + 2 * dim);
    if (part == 0) runs.push_back({.first = group, .count = queries});
    if (part == 1) runs.push_back({.first = group + queries, .count = dim});
    if (part == 2) runs.push_back({.first = group + queries + dim, .count = dim});
  }
}

// The first of each pair of a head, then the second, then what is not rotated.
void AddHeads(const RowRun& run, int64_t head_dim, int64_t rotated, std::vector<RowRun>& runs) {
  for (int64_t head = run.first; head < run.first + run.count; head += head_dim) {
    runs.push_back({run.source, head, rotated / 2, 2});
    runs.push_back({run.source, head + 1, rotated / 2, 2});
    if (rotated < head_dim) runs.push_back({run.source, head + rotated, head_dim - rotated, 1});
  }
}

}  // namespace

bool Fills(const TensorRule& rule, const SlotShape& shape) {
  const size_t sources = CountSources(rule);
  return sources == 1 || sources == static_cast<size_t>(shape.parts);
}

SourceShape ShapeOfSources(const TensorRule& rule, const SlotShape& shape) {
  const size_t sources = CountSources(rule);
  const size_t parts = static_cast<size_t>(shape.parts);
  CHECK(Fills(rule, shape), "{}: {} sources for {} parts", Traits(rule.slot).name, sources, parts);
  SourceShape result{.sources = sources,
                     .stacked = shape.experts > 1 && rule.sources[0].find("{e}") == std::string_view::npos,
                     .rows = {}};
  if (sources == parts) {
    result.rows.assign(shape.rows.begin(), shape.rows.begin() + shape.parts);
  } else {
    result.rows = {shape.Rows()};
  }
  return result;
}

std::vector<RowRun> PartRuns(const TensorRule& rule, const SlotShape& shape, const AttnSpec& attn, bool adjacent_pairs,
                             int rotated) {
  const SourceShape sources = ShapeOfSources(rule, shape);
  std::vector<RowRun> runs;
  for (int e = 0; e < shape.experts; ++e) {
    int64_t before = 0;  // rows of the parts in front
    for (int part = 0; part < shape.parts; ++part) {
      const int64_t rows = shape.rows[static_cast<size_t>(part)];
      const bool own = sources.sources > 1 || shape.parts == 1;
      std::vector<RowRun> plain;
      if (rule.order == RowOrder::kByGroup) {
        AddGroups(part, attn, plain);
      } else {
        plain.push_back({.source = own ? static_cast<size_t>(part) : 0, .first = own ? 0 : before, .count = rows});
      }
      before += rows;
      for (RowRun run : plain) {
        if (sources.stacked) {
          run.first += e * sources.rows[run.source];
        } else {
          run.source += static_cast<size_t>(e) * sources.sources;
        }
        if (adjacent_pairs && rule.slot == Slot::kQkv && part < 2 && rotated > 0) {
          AddHeads(run, attn.head_dim, rotated, runs);
        } else {
          runs.push_back(run);
        }
      }
    }
  }
  return runs;
}

}  // namespace spate
