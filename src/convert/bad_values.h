// NaN and infinity in weights, counted as a tensor's bytes stream by: of plain formats each value, of block formats
// those that a scale which is not finite makes, which are found by the scales alone. Any bytes are accepted. Used by
// one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quant/dtype.h"

namespace spate {

struct BadValues {
  int64_t nan = 0;     // values
  int64_t inf = 0;     // values
  int64_t blocks = 0;  // that hold them, of a block format
  int64_t first = -1;  // index of the first such value in the tensor; -1 = none

  bool any() const { return first >= 0; }
};

// Whether a value of this format can be NaN or infinite at all.
bool CanBeBad(DType format);

class BadValueCounter {
 public:
  explicit BadValueCounter(DType format) : format_(format) {}

  void Feed(std::span<const std::byte> bytes);  // the next ones; a block may be cut anywhere
  const BadValues& result() const { return result_; }

 private:
  void Count(std::span<const std::byte> whole);  // blocks, or elements
  void CountUnpacked(const std::byte* data, int64_t elements);

  DType format_;
  int64_t elements_ = 0;               // counted so far
  std::vector<std::byte> incomplete_;  // the beginning of a block
  BadValues result_;
};

}  // namespace spate
