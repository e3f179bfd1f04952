// A mixture of experts, in double.
#pragma once

#include "backend/ops.h"
#include "backend/ref/weights.h"

namespace spate::ref {

// See Ops::Experts.
void Experts(const FfnSpec& spec, const RefLinear& router, const RefLinear& gate_up, const RefLinear& down,
             const Mat& x, const Mat& out, const Epilogue& epilogue);

// See Ops::AddGated.
void AddGated(const RefLinear& gate, const Mat& x, const Mat& delta, float scale, const Mat& out);

}  // namespace spate::ref
