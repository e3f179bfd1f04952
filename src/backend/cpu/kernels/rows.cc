// Rotation of one head, and what is done to each value of a row by itself.
#include "backend/cpu/kernels/activations.h"
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

void Add(const float* delta, float* x, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(x + i, Load(x + i) + Load(delta + i));
  const int tail = static_cast<int>(count - i);
  if (tail > 0) StoreN(x + i, LoadN(x + i, tail) + LoadN(delta + i, tail), tail);
}

void Softcap(float cap, float* x, int64_t count) {
  const Vf c = Set(cap);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(x + i, c * Tanh(Load(x + i) / c));
  const int tail = static_cast<int>(count - i);
  if (tail > 0) StoreN(x + i, c * Tanh(LoadN(x + i, tail) / c), tail);
}

// NaN stays: Min and Max return their second argument then.
void Clip(float limit, const float* x, float* out, int64_t count) {
  const Vf high = Set(limit);
  const Vf low = Set(-limit);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(out + i, Max(low, Min(high, Load(x + i))));
  const int tail = static_cast<int>(count - i);
  if (tail > 0) StoreN(out + i, Max(low, Min(high, LoadN(x + i, tail))), tail);
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
  kernels.add = Add;
  kernels.softcap = Softcap;
  kernels.clip = Clip;
  kernels.rotate_half = RotateHalf;
  kernels.rotate_interleaved = RotateInterleaved;
}

}  // namespace spate::cpu::SPATE_ISA_NS
