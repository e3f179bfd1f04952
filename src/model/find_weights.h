// A model's tensors, found in a checkpoint by their table and checked against the spec: all that is missing or
// misshapen is reported at once, with the names that were left over.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/arch.h"
#include "model/slot.h"
#include "model/spec.h"

namespace spate {

// Everything of one slot of one layer, in the order in which it is packed.
struct FoundSlot {
  std::vector<MatrixView> weights;
  std::vector<MatrixView> biases;          // empty, or one per weight
  std::vector<const TensorView*> tensors;  // that they lie in
};

// Views into the checkpoint, which must outlive it.
class FoundModel {
 public:
  // Throws Error(kBadInput) with everything that is wrong. Reads no weight.
  FoundModel(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec);

  const FoundSlot& Get(Slot slot, int layer) const;  // layer -1: a slot that is not per layer

  // The ranges of the files that packing reads, in its order (BuildWeights).
  std::vector<std::span<const std::byte>> Pieces() const;

 private:
  friend class WeightFinder;
  std::map<std::pair<int, Slot>, FoundSlot> slots_;  // by layer
  std::vector<std::pair<int, Slot>> order_;          // of packing
  std::deque<std::vector<float>> values_;            // of vectors that had to be put in order
  std::vector<std::unique_ptr<RowMaker>> makers_;    // of transposed tensors
  const ModelSpec& spec_;
};

}  // namespace spate
