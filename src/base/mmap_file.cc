#include "base/mmap_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string Shown(const std::string& path) { return path.empty() ? "\"\"" : OneLine(path, 4096); }

[[noreturn]] void ThrowErrno(const std::string& path, const char* action, int error) {
  // What another path or other permissions would cure is the user's input; the rest is the system.
  const bool input = error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == ELOOP ||
                     error == ENAMETOOLONG || error == ENXIO || error == EISDIR;
  const char* reason = error == ENOENT ? "no such file" : std::strerror(error);
  throw Error(input ? ErrorCode::kBadInput : ErrorCode::kEnvironment, "{}: {}: {}", Shown(path), action, reason);
}

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISSOCK(mode)) return "a socket";
  return "something else";
}

// O_NONBLOCK: a FIFO without a writer must not hang us before we have seen that it is one.
int OpenForReading(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kBadInput, "{}: cannot open: the path contains a zero byte", Shown(path));
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) ThrowErrno(path, "cannot open", errno);
  return fd;
}

// Of what is a regular, non-empty file; throws otherwise.
struct stat RegularStatus(const Descriptor& file, const std::string& path) {
  struct stat status = {};
  if (fstat(file.get(), &status) != 0) ThrowErrno(path, "cannot stat", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kBadInput, "{}: expected a regular file, got {}", Shown(path), KindOf(status.st_mode));
  }
  if (status.st_size <= 0) throw Error(ErrorCode::kBadInput, "{}: the file is empty", Shown(path));
  return status;
}

}  // namespace

MmapFile MmapFile::Open(const std::string& path) {
  Descriptor file(OpenForReading(path));
  const struct stat status = RegularStatus(file, path);
  const auto size = static_cast<size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot map {} bytes: {}", Shown(path), size, std::strerror(errno));
  }
  return MmapFile(path, file.Release(), static_cast<const std::byte*>(data), status);
}

MmapFile::MmapFile(std::string path, int fd, const std::byte* data, const struct stat& status)
    : path_(std::move(path)),
      fd_(fd),
      data_(data),
      size_(static_cast<size_t>(status.st_size)),
      written_(status.st_mtim),
      range_(bytes()) {}

MmapFile::MmapFile(MmapFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      written_(other.written_),
      range_(std::move(other.range_)) {}

MmapFile& MmapFile::operator=(MmapFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(written_, other.written_);
  std::swap(range_, other.range_);
  return *this;
}

MmapFile::~MmapFile() {
  range_ = MappedRange();  // first: as soon as it is unmapped the address may be another file's
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
  if (fd_ >= 0) close(fd_);
}

void MmapFile::DropPages(std::span<const std::byte> range) const {
  if (range.empty()) return;
  CheckRange(range);
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(range.data()) + page - 1) / page * page;
  // The file's last page ends with the file: nobody else's bytes are behind it.
  const bool to_end = range.data() + range.size() == data_ + size_;
  const uintptr_t range_end = reinterpret_cast<uintptr_t>(range.data() + range.size());
  const uintptr_t end = to_end ? (range_end + page - 1) / page * page : range_end / page * page;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

void MmapFile::FetchPages(std::span<const std::byte> range) const {
  if (range.empty()) return;
  CheckRange(range);
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = reinterpret_cast<uintptr_t>(range.data());
  const uintptr_t first = begin / page * page;
  madvise(reinterpret_cast<void*>(first), begin + range.size() - first, MADV_WILLNEED);
}

void MmapFile::ThrowIfChanged() const {
  struct stat now = {};
  if (fstat(fd_, &now) != 0) ThrowErrno(path_, "cannot stat", errno);
  if (std::cmp_less(now.st_size, size_)) {
    throw Error(ErrorCode::kEnvironment, "{}: shrank from {} to {} bytes while it was read; is it being written?",
                Shown(path_), size_, now.st_size);
  }
  if (now.st_mtim.tv_sec != written_.tv_sec || now.st_mtim.tv_nsec != written_.tv_nsec) {
    throw Error(ErrorCode::kEnvironment, "{}: was written while it was read; try again when it is complete",
                Shown(path_));
  }
  if (range_.faulted()) throw Error(ErrorCode::kEnvironment, "{}: cannot read: {}", Shown(path_), std::strerror(EIO));
}

void MmapFile::CheckRange(std::span<const std::byte> range) const {
  CHECK(range.data() >= data_ && range.data() + range.size() <= data_ + size_, "range outside of {}", path_);
}

std::string ReadTextFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(OpenForReading(path));
  const auto size = static_cast<size_t>(RegularStatus(file, path).st_size);
  if (size > max_bytes) {
    throw Error(ErrorCode::kBadInput, "{}: the file has {} bytes, at most {} are read", Shown(path), size, max_bytes);
  }
  std::string text(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const ssize_t count = read(file.get(), text.data() + filled, size - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowErrno(path, "cannot read", errno);
    if (count == 0) {
      throw Error(ErrorCode::kBadInput, "{}: the file ended after {} of {} bytes; is it being written?", Shown(path),
                  filled, size);
    }
    filled += static_cast<size_t>(count);
  }
  return text;
}

}  // namespace spate
