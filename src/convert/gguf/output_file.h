// OutputFile: a large file that is there whole or not at all: written beside its place in any order, then synced and
// renamed into it. Until Commit nothing is at its place, or what was there before; without it nothing remains.
// WriteAt is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace spate {

class OutputFile {
 public:
  // Makes the file, `bytes` long and all zeros. Throws Error(kEnvironment) with path and reason, also when the disk has
  // less room.
  OutputFile(const std::filesystem::path& path, int64_t bytes);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return beside_; }  // until Commit

  // 0, or the errno of what failed.
  int WriteAt(int64_t offset, std::span<const std::byte> bytes) noexcept;
  // Throws Error(kEnvironment).
  void Commit();

 private:
  std::string path_;
  std::string beside_;
  int fd_ = -1;
};

}  // namespace spate
