// A place in little-endian bytes from outside: numbers and pieces, each checked against the end. Does not own the
// bytes. One thread. Throws Error(kBadInput) beginning with `what`, which names the source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace spate {

class ByteCursor {
 public:
  ByteCursor(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  template <typename T>
  T Take() {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, TakeBytes(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> TakeBytes(uint64_t count) {
    if (count > left()) {
      throw Error(ErrorCode::kBadInput, "{}: byte {}: {} more bytes expected, {} are left (truncated?)", what_, at_,
                  count, left());
    }
    const std::span<const std::byte> piece = bytes_.subspan(at_, static_cast<size_t>(count));
    at_ += piece.size();
    return piece;
  }
  std::string_view TakeText(uint64_t count) {
    const std::span<const std::byte> piece = TakeBytes(count);
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  size_t at_ = 0;
};

}  // namespace spate
