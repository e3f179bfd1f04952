#include "base/free_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace spate {
namespace {

// The number behind `key` in a file of "key number" lines; with an empty key, the number the file begins with.
std::optional<int64_t> NumberIn(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word;
    if (!key.empty() && (!(words >> word) || word != key)) continue;
    int64_t number = 0;
    if (words >> number && number >= 0) return number;
    return std::nullopt;  // "max"
  }
  return std::nullopt;
}

// limit - usage, plus the page cache that the usage contains.
std::optional<int64_t> RoomIn(const std::string& group, const char* limit_file, const char* usage_file,
                              const char* cache_key) {
  const auto limit = NumberIn(group + limit_file, "");
  const auto usage = NumberIn(group + usage_file, "");
  if (!limit || !usage) return std::nullopt;
  const int64_t cache = NumberIn(group + "memory.stat", cache_key).value_or(0);
  return std::max<int64_t>(0, *limit - std::max<int64_t>(0, *usage - cache));
}

// The process's group of a hierarchy: "0::/a/b" (version 2), "7:memory:/a/b" (version 1).
std::string GroupOf(const std::string& root, const std::string& controller) {
  std::ifstream file(root + "proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == controller) return line.substr(second + 1);
  }
  return "/";
}

// The tightest of the group and those above it.
int64_t RoomInGroups(const std::string& mount, std::string group, const char* limit_file, const char* usage_file,
                     const char* cache_key, int64_t room) {
  while (true) {
    const std::string folder = mount + group + (group.ends_with('/') ? "" : "/");
    room = std::min(room, RoomIn(folder, limit_file, usage_file, cache_key).value_or(room));
    if (group.size() <= 1) return room;
    const size_t slash = group.rfind('/');
    group = slash == 0 || slash == std::string::npos ? "/" : group.substr(0, slash);
  }
}

// What `ulimit -v` leaves of the address space.
int64_t RoomInAddressSpace(const std::string& root, int64_t room) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return room;
  const int64_t pages = NumberIn(root + "proc/self/statm", "").value_or(0);
  const auto most = static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
  return std::clamp<int64_t>(most - pages * sysconf(_SC_PAGESIZE), 0, room);
}

}  // namespace

int64_t FreeMemory(const std::string& root) {
  int64_t room = NumberIn(root + "proc/meminfo", "MemAvailable:").value_or(int64_t{1} << 30) * 1024;
  room = RoomInGroups(root + "sys/fs/cgroup", GroupOf(root, ""), "memory.max", "memory.current", "file", room);
  room = RoomInGroups(root + "sys/fs/cgroup/memory", GroupOf(root, "memory"), "memory.limit_in_bytes",
                      "memory.usage_in_bytes", "total_cache", room);
  return RoomInAddressSpace(root, room);
}

}  // namespace spate
