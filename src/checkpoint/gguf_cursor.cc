#include "checkpoint/gguf_cursor.h"

#include "base/error.h"

namespace spate {

void GgufCursor::Fail(size_t position, std::string_view problem) const {
  throw Error(ErrorCode::kBadInput, "{}: at byte {}: {}", what_, position, problem);
}

std::span<const std::byte> GgufCursor::Take(uint64_t size, std::string_view field) {
  if (size > left()) {
    Fail(position_, fmt::format("{} needs {} bytes, the file has {} left (truncated download?)", field, size, left()));
  }
  const std::span<const std::byte> taken = bytes_.subspan(position_, size);
  position_ += size;
  return taken;
}

std::string_view GgufCursor::TakeString(uint64_t max_bytes, std::string_view field) {
  const size_t begin = position_;
  const uint64_t size = Take<uint64_t>(field);
  if (size > max_bytes && size <= left()) {
    Fail(begin, fmt::format("{} of {} bytes, at most {} are allowed", field, size, max_bytes));
  }
  const std::span<const std::byte> bytes = Take(size, field);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t GgufCursor::TakeCount(size_t min_bytes, uint64_t max, std::string_view field) {
  const size_t begin = position_;
  const uint64_t count = Take<uint64_t>(field);
  if (count > left() / min_bytes) {
    Fail(begin, fmt::format("{} is {}, more than the {} bytes behind it can hold", field, count, left()));
  }
  if (count > max) Fail(begin, fmt::format("{} is {}, at most {} are allowed", field, count, max));
  return count;
}

}  // namespace spate
