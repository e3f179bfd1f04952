// Norm and rotation of one row.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

void AddRmsNorm(const float* w, float eps, const float* delta, float* x, float* out, int64_t dim) {
  // Four sums, so that the additions do not wait for each other; which value goes where follows from dim alone.
  Vf sums[4] = {Zero(), Zero(), Zero(), Zero()};
  const int64_t whole = dim / kLanes * kLanes;
  const auto step = [&](int64_t i, Vf& sum) SPATE_LAMBDA {
    Vf value = Load(x + i);
    if (delta != nullptr) {
      value = value + Load(delta + i);
      Store(x + i, value);
    }
    sum = Fma(value, value, sum);
  };
  int64_t i = 0;
  for (; i + 4 * kLanes <= whole; i += 4 * kLanes) {
    step(i, sums[0]);
    step(i + kLanes, sums[1]);
    step(i + 2 * kLanes, sums[2]);
    step(i + 3 * kLanes, sums[3]);
  }
  for (; i < whole; i += kLanes) step(i, sums[0]);
  const int tail = static_cast<int>(dim - whole);
  if (tail > 0) {
    Vf value = LoadN(x + whole, tail);
    if (delta != nullptr) {
      value = value + LoadN(delta + whole, tail);
      StoreN(x + whole, value, tail);
    }
    sums[1] = Fma(value, value, sums[1]);
  }
  const float squares = ReduceAdd((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const Vf scale = Set(1.0f) / Sqrt(Set(squares / static_cast<float>(dim) + eps));
  for (i = 0; i < whole; i += kLanes) Store(out + i, Load(x + i) * scale * Load(w + i));
  if (tail > 0) StoreN(out + whole, LoadN(x + whole, tail) * scale * LoadN(w + whole, tail), tail);
}

void CopyRest(const float* in, int begin, int end, float* out) {
  for (int d = begin; d < end; ++d) out[d] = in[d];
}

void RotateHalf(const float* in, const float* cos, const float* sin, int pairs, int head_dim, float* out) {
  int i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    const Vf x = Load(in + i);
    const Vf y = Load(in + pairs + i);
    const Vf c = Load(cos + i);
    const Vf s = Load(sin + i);
    Store(out + i, x * c - y * s);
    Store(out + pairs + i, y * c + x * s);
  }
  for (; i < pairs; ++i) {
    const float x = in[i];
    const float y = in[pairs + i];
    out[i] = x * cos[i] - y * sin[i];
    out[pairs + i] = y * cos[i] + x * sin[i];
  }
  CopyRest(in, 2 * pairs, head_dim, out);
}

void RotateInterleaved(const float* in, const float* cos, const float* sin, int pairs, int head_dim, float* out) {
  for (int i = 0; i < pairs; ++i) {
    const float x = in[2 * i];
    const float y = in[2 * i + 1];
    out[2 * i] = x * cos[i] - y * sin[i];
    out[2 * i + 1] = y * cos[i] + x * sin[i];
  }
  CopyRest(in, 2 * pairs, head_dim, out);
}

}  // namespace

void FillRows(RowKernels& kernels) {
  kernels.add_rms_norm = AddRmsNorm;
  kernels.rotate_half = RotateHalf;
  kernels.rotate_interleaved = RotateInterleaved;
}

}  // namespace spate::cpu::SPATE_ISA_NS
