#include "convert/pull/folder_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "convert/pull/safe_name.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Split(const std::string& name) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    parts.push_back(name.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// The folder that the last part lies in; not valid() with errno set.
UniqueFd Walk(const fs::path& root, const std::vector<std::string>& parts, bool make) {
  UniqueFd folder(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; folder.valid() && i + 1 < parts.size(); ++i) {
    if (make && mkdirat(folder.get(), parts[i].c_str(), 0755) != 0 && errno != EEXIST) return UniqueFd();
    folder = UniqueFd(openat(folder.get(), parts[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return folder;
}

}  // namespace

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

PlaceInFolder MakePlace(const fs::path& root, const std::string& name) {
  CHECK(IsSafeName(name));
  const std::vector<std::string> parts = Split(name);
  UniqueFd folder = Walk(root, parts, true);
  if (!folder.valid()) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot make its folder: {}", (root / name).string(),
                std::strerror(errno));
  }
  return {std::move(folder), parts.back()};
}

UniqueFd OpenBelow(const fs::path& root, const std::string& name) {
  if (!IsSafeName(name)) return UniqueFd();
  const std::vector<std::string> parts = Split(name);
  const UniqueFd folder = Walk(root, parts, false);
  if (!folder.valid()) return UniqueFd();
  // O_NONBLOCK: a FIFO in its place does not hang.
  UniqueFd file(openat(folder.get(), parts.back().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return UniqueFd();
  return file;
}

int64_t SizeOf(const UniqueFd& file, const std::string& shown) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot read: {}", shown, std::strerror(errno));
  }
  return status.st_size;
}

}  // namespace spate
