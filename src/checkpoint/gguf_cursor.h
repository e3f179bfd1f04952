// Reads little-endian fields out of bytes from outside, front to back, never past the end. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace spate {

class GgufCursor {
 public:
  // `what` names the source in messages and outlives the cursor, as the bytes do.
  GgufCursor(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  // `field` says in messages what is being read. Throw Error(kBadInput), naming the byte, when it is not there whole.
  std::span<const std::byte> Take(uint64_t size, std::string_view field);
  std::string_view TakeString(uint64_t max_bytes, std::string_view field);  // a length of 8 bytes and that many bytes
  // A count of things of at least `min_bytes` each that follow, so at most as many as the rest of the bytes can hold.
  uint64_t TakeCount(size_t min_bytes, uint64_t max, std::string_view field);

  template <typename T>
  T Take(std::string_view field) {
    T value;
    std::memcpy(&value, Take(sizeof(T), field).data(), sizeof(T));
    return value;
  }

  [[noreturn]] void Fail(size_t position, std::string_view problem) const;

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  size_t position_ = 0;
};

}  // namespace spate
