// FileReader: reads pieces of a mapped file for code that uses each byte once, such as packing weights.
// What is not in the page cache is read around it (O_DIRECT) while the disk is fast: filling the cache with a model
// that is kept in another layout anyway costs more than such a disk does. From a slow disk the reads go through the
// cache, which costs nothing there and makes the next start fast.
// Thread-safe. The file must outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "base/math_util.h"
#include "base/mmap_file.h"

namespace spate {

class FileReader {
 public:
  static constexpr size_t kBlock = 4096;  // bytes that direct reads ask everything to be a multiple of

  explicit FileReader(const MmapFile& file);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // Whether the system holds these pages already. `range` lies within the file's bytes().
  bool InPageCache(std::span<const std::byte> range) const;

  // Reads whole blocks: `range` begins at out + Lead(range), and `out`, aligned to kBlock, has RoomFor(range) bytes.
  // Where that fails, the bytes are zeros and the reader remembers: the caller may stand where nothing may throw.
  void Read(std::span<const std::byte> range, std::byte* out) noexcept;
  static size_t Lead(std::span<const std::byte> range) { return reinterpret_cast<uintptr_t>(range.data()) % kBlock; }
  static size_t RoomFor(std::span<const std::byte> range) { return AlignUp(Lead(range) + range.size(), kBlock); }
  // Throws Error(kEnvironment) when any Read so far failed.
  void ThrowIfFailed() const;

 private:
  bool ReadDirect(size_t offset, size_t bytes, std::byte* out);
  bool ReadThroughCache(size_t offset, size_t bytes, std::byte* out);

  const MmapFile& file_;
  int direct_fd_ = -1;  // -1: this file system has no such reads
  std::atomic<bool> slow_disk_{false};
  std::atomic<bool> failed_{false};
  std::atomic<int> error_{0};  // errno of the first failure; 0 with failed_: the file ended early

  std::mutex mutex_;  // guards what follows
  int reading_ = 0;   // direct reads under way
  std::chrono::steady_clock::time_point busy_since_;
  double busy_s_ = 0;        // time in which at least one was
  size_t direct_bytes_ = 0;  // read in it
};

}  // namespace spate
