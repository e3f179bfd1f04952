#include "convert/gguf/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kShownPath = 200;
constexpr mode_t kMode = 0666;  // less the umask
constexpr int kMostNames = 100;

std::string Show(const std::string& path) { return OneLine(path, kShownPath); }

[[noreturn]] void Fail(const std::string& path, int error) {
  throw Error(ErrorCode::kEnvironment, "{}: cannot write: {}", Show(path), std::strerror(error));
}

void CheckRoom(int fd, const std::string& path, int64_t bytes) {
  struct statvfs disk {};
  if (fstatvfs(fd, &disk) != 0) return;  // writing will tell
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (static_cast<double>(bytes) <= free) return;
  throw Error(ErrorCode::kDoesNotFit, "{}: needs {:.1f} MB, the disk has {:.1f} MB left; choose another disk or type",
              Show(path), static_cast<double>(bytes) / 1e6, free / 1e6);
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path, int64_t bytes) : path_(path.string()) {
  for (int i = 0; fd_ < 0; ++i) {
    beside_ = fmt::format("{}.{}-{}.part", path_, getpid(), i);
    fd_ = open(beside_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
    if (fd_ < 0 && (errno != EEXIST || i == kMostNames)) Fail(path_, errno);
  }
  try {
    CheckRoom(fd_, path_, bytes);
    if (ftruncate(fd_, bytes) != 0) Fail(path_, errno);
  } catch (...) {
    close(fd_);
    unlink(beside_.c_str());
    throw;
  }
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(beside_.c_str());
}

int OutputFile::WriteAt(int64_t offset, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += count;
  }
  return 0;
}

void OutputFile::Commit() {
  if (fsync(fd_) != 0) Fail(path_, errno);
  if (std::rename(beside_.c_str(), path_.c_str()) != 0) Fail(path_, errno);
  close(fd_);
  fd_ = -1;
}

}  // namespace spate
