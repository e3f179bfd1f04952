// Files below one folder by names that came from outside: folders are walked one by one and no link is followed, so
// that nothing outside is read or written. Thread-safe: two threads may make the same folders.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace spate {

// Closes its file descriptor. Move-only.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

// A file's folder, open, and its name there.
struct PlaceInFolder {
  UniqueFd folder;
  std::string file;
};

// Where `name` (IsSafeName, CHECKed) lies below `root`, with the folders between made. Throws Error(kEnvironment), such
// as for a link in place of a folder.
PlaceInFolder MakePlace(const std::filesystem::path& root, const std::string& name);

// The regular file `name` below `root` for reading; not valid() when there is none, or links are on the way.
UniqueFd OpenBelow(const std::filesystem::path& root, const std::string& name);

// Bytes of the file. Throws Error(kEnvironment).
int64_t SizeOf(const UniqueFd& file, const std::string& shown);

}  // namespace spate
