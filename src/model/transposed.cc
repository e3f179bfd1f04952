#include "model/transposed.h"

#include <algorithm>
#include <cstring>

namespace spate {

void TransposedRows::Make(int64_t first, int64_t count, std::byte* out) const noexcept {
  const int64_t element = Traits(stored_.dtype).block_bytes;
  const int64_t cols = stored_.rows;
  constexpr int64_t kStep = 64;  // stored rows at a time: what they hold of `count` columns stays in the cache
  for (int64_t begin = 0; begin < cols; begin += kStep) {
    const int64_t step = std::min(kStep, cols - begin);
    const LoadedRows loaded = LoadRows(stored_, begin, step);
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = 0; c < step; ++c) {
        std::memcpy(out + (r * cols + begin + c) * element, loaded.rows.Row(c) + (first + r) * element,
                    static_cast<size_t>(element));
      }
    }
  }
}

}  // namespace spate
