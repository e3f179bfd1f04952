// What happens to a row [q | k | v] before its heads are rotated: clamping and the normalization of queries and keys
// (AttnSpec::clip and qk_norm). Plain functions; a row depends on nothing else.
#pragma once

#include "backend/cpu/row_kernels.h"
#include "backend/ops.h"

namespace spate::cpu {

inline bool ChangesQkv(const AttnSpec& spec) { return spec.clip > 0 || spec.qk_norm != QkNorm::kNone; }

// Ends the program where the weights do not fit the spec.
void CheckQkNorm(const AttnSpec& spec, const QkNormWeights& norms);

// out = what is rotated.                                                           row, out [QkvWidth]
void PrepareQkv(const AttnSpec& spec, const QkNormWeights& norms, const RowKernels& kernels, const float* row,
                float* out);

}  // namespace spate::cpu
