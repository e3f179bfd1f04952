// MmapFile: a whole file as read-only bytes. Move-only; unmaps in its destructor, so every view into
// bytes() must be gone by then. Reading is thread-safe. Pages come from the page cache: nothing is
// allocated however large the file says it is. A file that somebody truncates while it is mapped raises
// SIGBUS on the missing pages; checkpoints are replaced by renaming, not by rewriting.
#pragma once

#include <cstddef>
#include <span>
#include <string>

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

 private:
  MmapFile(std::string path, int fd, const std::byte* data, size_t size);

  std::string path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;  // bytes
};

// A small file (JSON, a template, a prompt) as a string. Refuses what MmapFile::Open refuses, and files above
// `max_bytes`.
std::string ReadTextFile(const std::string& path, size_t max_bytes);

}  // namespace spate
