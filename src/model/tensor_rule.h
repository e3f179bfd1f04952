// TensorRule: where a checkpoint keeps the weights of a slot, under which names and in which order of rows. An
// architecture is a ModelSpec and a table of rules; so is a file format that spells every architecture alike (Dialect).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/slot.h"

namespace spate {

// How the rows of one source that holds several parts are ordered.
enum class RowOrder : uint8_t {
  kInOrder,  // all of q, all of k, all of v; all of gate, all of up
  kByGroup   // for each key/value head: its query heads, its key, its value
};

// One line of a table. "{l}" stands for the layer, "{e}" for the expert. Sources are the parts of the slot in
// canonical order (q|k|v, gate|up), or one source holds all of them. Without "{e}" a slot of experts is one tensor
// of rank 3 for each source. In the source of a norm of queries or keys "{e}" stands for the head. Several rules for
// one slot are alternatives: the first whose first source is there counts.
struct TensorRule {
  Slot slot;
  std::array<std::string_view, 3> sources{};
  RowOrder order = RowOrder::kInOrder;
  bool transposed = false;              // stored as [in, out]
  std::string_view suffix = ".weight";  // behind a source's name
  std::string_view bias = ".bias";      // likewise; a bias is there when its tensor is
};

// A file format with names of its own, the same for all architectures.
struct Dialect {
  std::span<const TensorRule> tensors{};  // instead of the architecture's; empty = those
  // Rows of q and k are ordered so that values 2i and 2i + 1 of a head are rotated together, where Hugging Face
  // checkpoints keep i and i + dims / 2.
  bool adjacent_pairs = false;
  bool norms_hold_offset = false;  // norm weights are 1 + w already
};

// Joins tables at compile time, for families that share most of their names.
template <size_t A, size_t B>
constexpr std::array<TensorRule, A + B> Join(const std::array<TensorRule, A>& a, const std::array<TensorRule, B>& b) {
  std::array<TensorRule, A + B> out{};
  for (size_t i = 0; i < A; ++i) out[i] = a[i];
  for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
  return out;
}

}  // namespace spate
