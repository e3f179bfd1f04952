#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kShownPath = 200;

[[noreturn]] void Fail(const std::string& path, const char* what, int error) {
  throw Error(ErrorCode::kEnvironment, "{}: {}: {}", OneLine(path, kShownPath), what, std::strerror(error));
}

// 0, or the errno of the first call that failed.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

void WriteFileAtomically(const std::string& path, std::string_view bytes) {
  std::string beside = path + ".XXXXXX";
  const int fd = mkostemp(beside.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) Fail(path, "cannot write", errno);
  int error = WriteAll(fd, bytes);
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  unlink(beside.c_str());
  Fail(path, "cannot write", error);
}

}  // namespace spate
