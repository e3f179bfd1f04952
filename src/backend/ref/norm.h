// Residual add and norm, in double.
#pragma once

#include "backend/ops.h"
#include "backend/ref/weights.h"

namespace spate::ref {

// out = norm(x) * weight + bias over `count` values; bias null = none. out may be x.
void Normalize(const NormSpec& spec, const float* x, size_t count, const float* weight, const RefVec* bias, float* out);

// x += delta (if any), stored as f32; then out = norm(x) * w. out may be x.
void AddNorm(const RefVec& w, const NormSpec& spec, const Mat* delta, const Mat& x, const Mat& out);

}  // namespace spate::ref
