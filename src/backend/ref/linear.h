// out = epilogue(w x + bias) and the two copies of rows, in double, with activations as they are.
#pragma once

#include "backend/ops.h"
#include "backend/ref/weights.h"

namespace spate::ref {

void Apply(const RefLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue);

double Silu(double x);  // x / (1 + e^-x)

}  // namespace spate::ref
