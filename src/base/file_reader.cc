#include "base/file_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate {
namespace {

// Below this a disk, not the processor, sets the pace also through the page cache.
constexpr double kSlowDisk = 1e9;                    // bytes per second
constexpr size_t kEnoughToJudge = size_t{64} << 20;  // bytes

}  // namespace

FileReader::FileReader(const MmapFile& file) : file_(file) {
#ifdef O_DIRECT
  // The same file under another descriptor, also when its path has come to mean another one.
  direct_fd_ = open(fmt::format("/proc/self/fd/{}", file.fd()).c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
#endif
}

FileReader::~FileReader() {
  if (direct_fd_ >= 0) close(direct_fd_);
}

void FileReader::Read(std::span<const std::byte> range, std::byte* out) noexcept {
  const std::span<const std::byte> all = file_.bytes();
  CHECK(range.data() >= all.data() && range.data() + range.size() <= all.data() + all.size(), "range outside of {}",
        file_.path());
  const size_t offset = static_cast<size_t>(range.data() - all.data()) - Lead(range);  // a mapping begins with a block
  const size_t bytes = Lead(range) + range.size();
  const bool direct = direct_fd_ >= 0 && !slow_disk_ && !InPageCache(range);
  if (direct && ReadDirect(offset, bytes, out)) return;
  if (!ReadThroughCache(offset, bytes, out)) std::memset(out, 0, bytes);
}

void FileReader::ThrowIfFailed() const {
  if (!failed_.load()) return;
  const int error = error_.load();
  throw Error(ErrorCode::kEnvironment, "{}: cannot read: {}", file_.path(),
              error != 0 ? std::strerror(error) : "the file became shorter; is it being written?");
}

bool FileReader::InPageCache(std::span<const std::byte> range) const {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t at = reinterpret_cast<uintptr_t>(range.data()) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(range.data()) + range.size();
  std::array<unsigned char, 512> resident;
  uintptr_t most = page;  // mostly all of a range is there or nothing: one page often tells
  while (at < end) {
    const uintptr_t bytes = std::min<uintptr_t>(end - at, most);
    most = resident.size() * page;
    if (mincore(reinterpret_cast<void*>(at), bytes, resident.data()) != 0) return true;  // not known: the plain way
    const auto last = resident.begin() + static_cast<std::ptrdiff_t>(CeilDiv(bytes, page));
    if (std::any_of(resident.begin(), last, [](unsigned char p) { return (p & 1) == 0; })) return false;
    at += bytes;
  }
  return true;
}

bool FileReader::ReadDirect(size_t offset, size_t bytes, std::byte* out) {
  using Clock = std::chrono::steady_clock;
  {
    const std::scoped_lock lock(mutex_);
    if (reading_++ == 0) busy_since_ = Clock::now();
  }
  size_t done = 0;
  while (done < bytes) {
    // A count that is no multiple of a block ends at the end of the file, or is tried again by the plain way.
    const ssize_t count =
        pread(direct_fd_, out + done, AlignUp(bytes - done, kBlock), static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
    if (done % kBlock != 0) break;
  }
  const std::scoped_lock lock(mutex_);
  direct_bytes_ += done;
  --reading_;
  const Clock::time_point now = Clock::now();
  busy_s_ += std::chrono::duration<double>(now - busy_since_).count();
  busy_since_ = now;
  if (direct_bytes_ >= kEnoughToJudge && busy_s_ * kSlowDisk > static_cast<double>(direct_bytes_)) slow_disk_ = true;
  return done >= bytes;
}

bool FileReader::ReadThroughCache(size_t offset, size_t bytes, std::byte* out) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count = pread(file_.fd(), out + done, bytes - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (!failed_.exchange(true)) error_ = count < 0 ? errno : 0;
      return false;
    }
    done += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace spate
