#include "base/aligned_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/free_memory.h"
#include "base/math_util.h"

namespace spate {
namespace {

constexpr size_t kSmallAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

// What a mapping takes of the address space.
size_t MappedBytes(size_t bytes) { return AlignUp(bytes, static_cast<size_t>(sysconf(_SC_PAGESIZE))); }

[[noreturn]] void ThrowTooLarge(size_t bytes) {
  throw Error(ErrorCode::kDoesNotFit, "cannot allocate {} bytes ({} MiB); the system has {} MiB available", bytes,
              bytes >> 20, FreeMemory() >> 20);
}

// An anonymous mapping that begins at a multiple of 2 MiB: one more huge page is reserved, and both ends are given
// back. What is behind the last whole huge page lies in small ones, or thousands of matrices of some MiB, as experts
// are, would each take up to 2 MiB more.
std::byte* MapHuge(size_t bytes) {
  const std::optional<size_t> padded = CheckedAdd(bytes, 2 * kHugePage);
  if (!padded) ThrowTooLarge(bytes);
  const size_t length = MappedBytes(bytes);
  const size_t reserved = AlignUp(bytes, kHugePage) + kHugePage;
  void* mapping = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) ThrowTooLarge(bytes);
  auto* begin = static_cast<std::byte*>(mapping);
  const size_t head = AlignUp(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin);
  if (head > 0) munmap(begin, head);
  munmap(begin + head + length, reserved - head - length);
  madvise(begin + head, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // refused where they are switched off: slower
  return begin + head;
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  if (bytes >= kHugePage) {
    data_ = MapHuge(bytes);
    return;
  }
  const size_t rounded = AlignUp(bytes, kSmallAlignment);
  data_ = static_cast<std::byte*>(std::aligned_alloc(kSmallAlignment, rounded));
  if (data_ == nullptr) ThrowTooLarge(bytes);
  std::memset(data_, 0, rounded);
}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ == nullptr) return;
  if (size_ >= kHugePage) {
    munmap(data_, MappedBytes(size_));
  } else {
    std::free(data_);
  }
}

}  // namespace spate
