#include "convert/pull/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = size_t{1} << 20;  // bytes per read; the disk reads ahead on its own

FileHash NewSum(const HubFile& file) { return {file.size, file.sha256.empty()}; }

}  // namespace

int64_t PartSize(const fs::path& root, const HubFile& file) {
  const UniqueFd fd = OpenBelow(root, file.name + ".part");
  if (!fd.valid()) return 0;
  const int64_t size = SizeOf(fd, file.name);
  return size <= file.size ? size : 0;
}

void AddToSum(const UniqueFd& fd, const std::string& shown, FileHash* sum, const std::function<void(int64_t)>& read) {
  std::vector<std::byte> piece(kPiece);
  for (int64_t at = 0;;) {
    const ssize_t count = pread(fd.get(), piece.data(), piece.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::kEnvironment, "{}: cannot read: {}", shown, std::strerror(errno));
    if (count == 0) return;
    sum->Update(std::span(piece).first(static_cast<size_t>(count)));
    at += count;
    read(count);
  }
}

PartFile::PartFile(const fs::path& root, const HubFile& file)
    : file_(file),
      shown_((root / file.name).string()),
      place_(MakePlace(root, file.name)),
      part_(place_.file + ".part"),
      fd_(openat(place_.folder.get(), part_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644)),
      sum_(NewSum(file)) {
  struct stat status {};
  if (!fd_.valid() || fstat(fd_.get(), &status) != 0) Fail("cannot write its .part");
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kEnvironment, "{}.part: is no regular file; remove it and try again", shown_);
  }
  size_ = status.st_size;
  if (size_ > file.size) {
    Restart();
  } else {
    AddToSum(fd_, shown_, &sum_, [](int64_t) {});
  }
}

void PartFile::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<uint64_t>(file_.size - size_)) {
    throw Error(ErrorCode::kEnvironment, "{}: the server sends more than the {} bytes that it listed; try again later",
                shown_, file_.size);
  }
  sum_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = pwrite(fd_.get(), bytes.data(), bytes.size(), size_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Fail("cannot write");
    size_ += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void PartFile::Restart() {
  if (ftruncate(fd_.get(), 0) != 0) Fail("cannot write");
  size_ = 0;
  sum_ = NewSum(file_);
}

std::string PartFile::Commit(const std::string& source) {
  CHECK(whole());
  const FileHash::Sums sums = sum_.Finish();
  const bool git = file_.sha256.empty();
  const std::string& expected = git ? file_.git_sha1 : file_.sha256;
  const std::string& got = git ? sums.git_sha1 : sums.sha256;
  if (got != expected) {
    unlinkat(place_.folder.get(), part_.c_str(), 0);
    throw Error(ErrorCode::kEnvironment,
                "{}: {} from {}: expected {}, got {}; what arrived was deleted: try again, or another --endpoint",
                shown_, git ? "git SHA-1" : "SHA-256", source, expected, got);
  }
  if (fdatasync(fd_.get()) != 0) Fail("cannot write");
  if (renameat(place_.folder.get(), part_.c_str(), place_.folder.get(), place_.file.c_str()) != 0)
    Fail("cannot rename");
  return sums.sha256;
}

void PartFile::Fail(const char* what) const {
  throw Error(ErrorCode::kEnvironment, "{}: {}: {}", shown_, what, std::strerror(errno));
}

}  // namespace spate
