// A weight's way: checkpoint views -> tensor table -> stacked parts -> backend's packing. One streaming
// pass; all missing or misshapen tensors are reported together, with the names that were left over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "backend/device.h"
#include "checkpoint/checkpoint.h"
#include "model/arch.h"
#include "model/spec.h"
#include "model/weights.h"

namespace spate {

// Called after each packed matrix with source bytes so far and in total; may print a progress bar.
using LoadProgress = std::function<void(int64_t done, int64_t total)>;

struct LoadOptions {
  DType format = DType::kBF16;  // of matrices; norm vectors and biases stay f32
  // Matrices whose stored format the device computes in keep it. Blocks of other formats then become q8_0, which takes
  // half the memory of bf16 and is finer than all of them.
  bool own_bits = false;
  ReadMode read = ReadMode::kBuffers;
  LoadProgress progress;
};

// `spec` may have fewer layers than the checkpoint (--num-layers): the rest is not read and not "left over".
// Throws Error(kBadInput) listing everything missing.
Weights LoadWeights(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec,
                    Device& device, const LoadOptions& options);

// Everything LoadWeights would complain about, without reading a weight.
void CheckWeights(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec);

// Seeded random weights of the spec's shapes: Gaussian with standard deviation 0.02, norms 1, no biases.
// Numbers depend on (seed, slot, layer) alone.
Weights DummyWeights(const ModelSpec& spec, uint64_t seed, Device& device, const LoadOptions& options);

// The plain format that a checkpoint's matrices become when nobody says otherwise and they do not keep their own: that
// of its largest matrix if the device takes it (f64 becomes f32), else the device's first. None where that matrix is
// computed or stored in blocks.
std::optional<DType> NativeFormat(const Checkpoint& checkpoint, const Device& device);

}  // namespace spate
