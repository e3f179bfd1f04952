// MmapFile: a whole file as read-only bytes. Move-only; unmaps in its destructor, so every view into
// bytes() must be gone by then. Reading is thread-safe. Pages come from the page cache: nothing is
// allocated however large the file says it is. Of a file that somebody truncates meanwhile the missing bytes are zeros
// (base/mapped_faults.h), which ThrowIfChanged tells from the file's own; one that is replaced by renaming stays here.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <span>
#include <string>

#include "base/mapped_faults.h"

namespace spate {

class MmapFile {
 public:
  // Throws Error, one line with path and reason: kBadInput for a path that is missing, may not be read, is
  // empty or no regular file (a FIFO does not hang); kEnvironment when the system refuses.
  static MmapFile Open(const std::string& path);

  MmapFile(MmapFile&& other) noexcept;
  MmapFile& operator=(MmapFile&& other) noexcept;
  ~MmapFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  int fd() const { return fd_; }  // open for reading as long as this object lives

  // Gives the whole pages inside `range`, which lies within bytes(), back, so that a streaming load does not grow the
  // process. They stay in the page cache; touching them again maps them again. A hint: no error.
  void DropPages(std::span<const std::byte> range) const;
  // Asks the system to begin reading `range`, which lies within bytes(), from the disk. A hint too.
  void FetchPages(std::span<const std::byte> range) const;

  // Error(kEnvironment) if the file has been written or cut since it was opened, or could not be read: what has been
  // seen of bytes() may be of two files. Whoever has read them asks.
  void ThrowIfChanged() const;

 private:
  MmapFile(std::string path, int fd, const std::byte* data, const struct stat& status);
  void CheckRange(std::span<const std::byte> range) const;

  std::string path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;        // bytes
  timespec written_ = {};  // when the file was, last
  MappedRange range_;
};

// A small file (JSON, a template, a prompt) as a string. Refuses what MmapFile::Open refuses, and files above
// `max_bytes`.
std::string ReadTextFile(const std::string& path, size_t max_bytes);

}  // namespace spate
