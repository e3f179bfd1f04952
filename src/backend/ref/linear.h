// out = epilogue(w x + bias) and the two copies of rows, in double, with activations as they are.
#pragma once

#include "backend/ops.h"
#include "backend/ref/weights.h"

namespace spate::ref {

// With a stack of matrices, that of `expert`.
void Apply(const RefLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue, int expert = 0);

double Activate(Act act, double x);
double Sigmoid(double x);  // 1 / (1 + e^-x)

}  // namespace spate::ref
