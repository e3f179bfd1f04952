// Rows of stored tensors in the order in which a slot's parts are packed: which rows of which source follow each other.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/op_params.h"
#include "model/slot.h"
#include "model/tensor_rule.h"

namespace spate {

// Rows first, first + step, ... of one source.
struct RowRun {
  size_t source = 0;  // of one expert's sources, or of all experts' one after the other (PartRuns)
  int64_t first = 0;
  int64_t count = 0;
  int64_t step = 1;
};

// How many tensors a rule's slot is spread over, and what each must look like.
struct SourceShape {
  size_t sources = 1;  // for each expert, or for all where `stacked`
  bool stacked = false;
  std::vector<int64_t> rows;  // [sources]
};
// Whether there are as many as the slot has parts, or one with all of them.
bool Fills(const TensorRule& rule, const SlotShape& shape);
SourceShape ShapeOfSources(const TensorRule& rule, const SlotShape& shape);

// The runs of all parts in canonical order, expert by expert; of stacked sources the experts' rows lie one behind the
// other. `adjacent_pairs` is Dialect's and applies to q and k, whose leading `rotated` values of each head are turned.
std::vector<RowRun> PartRuns(const TensorRule& rule, const SlotShape& shape, const AttnSpec& attn, bool adjacent_pairs,
                             int rotated);

}  // namespace spate
