// AlignedBuffer: zeroed memory for weights, KV arenas and scratch. Move-only. From 2 MiB on it is its own mapping,
// aligned to 2 MiB with huge pages asked for, and pages are placed by whoever touches them first; below that it is
// aligned to 64 bytes.
#pragma once

#include <cstddef>
#include <utility>

namespace spate {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // Throws Error(kDoesNotFit) with the size asked for and what is available. 0 bytes: data() is nullptr.
  explicit AlignedBuffer(size_t bytes);
  AlignedBuffer(AlignedBuffer&& other) noexcept { *this = std::move(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }  // bytes, as asked for

  template <typename T>
  T* As() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* As() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace spate
