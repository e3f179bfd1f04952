#include "engine/kv_size.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/math_util.h"

namespace spate {
namespace {

// Slots of a block are numbered in 32 bits.
constexpr int64_t kMaxBlocks = std::numeric_limits<int32_t>::max() / kKvBlockTokens;

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

}  // namespace

int64_t FreeMemory(const std::string& root) {
  int64_t room = NumberIn(root + "proc/meminfo", "MemAvailable:").value_or(int64_t{1} << 30) * 1024;
  room = RoomInGroups(root + "sys/fs/cgroup", GroupOf(root, ""), "memory.max", "memory.current", "file", room);
  return RoomInGroups(root + "sys/fs/cgroup/memory", GroupOf(root, "memory"), "memory.limit_in_bytes",
                      "memory.usage_in_bytes", "total_cache", room);
}

KvSize ChooseKvSize(const KvLayout& layout, const KvWish& wish, int64_t free_bytes) {
  int64_t context = wish.context == 0 ? wish.model_context : wish.context;
  if (context < 2 || wish.blocks < 0) {
    throw Error(ErrorCode::kUsage, "context of {} with {} KV blocks: expected 2 positions or more", context,
                wish.blocks);
  }
  if (context > wish.model_context) {
    throw Error(ErrorCode::kDoesNotFit, "context: {} positions asked for, the model was made for {}", context,
                wish.model_context);
  }
  int64_t block_bytes = 0;
  for (int group = 0; group < layout.groups; ++group) block_bytes += layout.BytesPerBlock(group);
  const int64_t one_context = CeilDiv(context, kKvBlockTokens);
  int64_t blocks = wish.blocks;
  if (blocks == 0) {
    blocks = std::min(one_context * wish.sequences, free_bytes / 2 / block_bytes);
    blocks = std::clamp(blocks, one_context, std::max(one_context, kMaxBlocks));
  }
  const int64_t fitting = std::min(free_bytes / block_bytes, kMaxBlocks);
  if (blocks > fitting) {
    throw Error(ErrorCode::kDoesNotFit,
                "KV cache: {} blocks of {} tokens need {:.1f} GB, {:.1f} GB are free; try a context of {}", blocks,
                kKvBlockTokens, static_cast<double>(blocks) * static_cast<double>(block_bytes) * 1e-9,
                static_cast<double>(free_bytes) * 1e-9, std::min(context, fitting / 2 * kKvBlockTokens));
  }
  context = std::min(context, blocks * kKvBlockTokens);
  return {.blocks = static_cast<int>(blocks), .context = static_cast<int>(context)};
}

}  // namespace spate
