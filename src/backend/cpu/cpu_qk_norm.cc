#include "backend/cpu/cpu_qk_norm.h"

#include <algorithm>

#include "backend/cpu/cpu_table.h"
#include "base/check.h"

namespace spate::cpu {
namespace {

// How `heads` heads are normalized: in so many groups of values, each with the weight that lies `stride` further on.
struct Groups {
  int64_t count;
  int64_t size;
  int64_t stride;
};

Groups GroupsOf(const AttnSpec& spec, int heads) {
  if (spec.qk_norm == QkNorm::kWidth) return {1, int64_t{heads} * spec.head_dim, 0};
  return {heads, spec.head_dim, spec.qk_norm == QkNorm::kEachHead ? spec.head_dim : 0};
}

void CheckWeight(const AttnSpec& spec, const Vec* weight, int heads) {
  const Groups groups = GroupsOf(spec, heads);
  const int64_t needed = groups.size + (groups.count - 1) * groups.stride;
  CHECK(weight != nullptr && static_cast<const CpuVec*>(weight)->size() >= needed, "a norm of {} values", needed);
}

void Normalize(const AttnSpec& spec, const Vec* weight, const RowKernels& kernels, int heads, float* values) {
  const Groups groups = GroupsOf(spec, heads);
  const NormFn norm = spec.qk_norm_spec.kind == NormKind::kRms ? kernels.add_rms_norm : kernels.add_layer_norm;
  for (int64_t g = 0; g < groups.count; ++g) {
    float* x = values + g * groups.size;
    norm({.w = static_cast<const CpuVec*>(weight)->data() + g * groups.stride,
          .bias = nullptr,
          .delta = nullptr,
          .eps = spec.qk_norm_spec.eps,
          .x = x,
          .out = x,
          .dim = groups.size});
  }
}

}  // namespace

void CheckQkNorm(const AttnSpec& spec, const QkNormWeights& norms) {
  if (spec.qk_norm == QkNorm::kNone) return;
  CheckWeight(spec, norms.query, spec.heads);
  CheckWeight(spec, norms.key, spec.kv_heads);
}

void PrepareQkv(const AttnSpec& spec, const QkNormWeights& norms, const RowKernels& kernels, const float* row,
                float* out) {
  if (spec.clip > 0) {
    kernels.clip(spec.clip, row, out, spec.QkvWidth());
  } else {
    std::copy_n(row, spec.QkvWidth(), out);
  }
  if (spec.qk_norm == QkNorm::kNone) return;
  Normalize(spec, norms.query, kernels, spec.heads, out);
  Normalize(spec, norms.key, kernels, spec.kv_heads, out + spec.QueryWidth());
}

}  // namespace spate::cpu
