#include "convert/pull/safe_name.h"

#include <algorithm>

#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kMaxNameBytes = 1024, kMaxPartBytes = 200, kMaxFolders = 8;

}  // namespace

bool IsSafeName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || !IsValidUtf8(name)) return false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return false;
  }
  size_t folders = 0;
  for (size_t at = 0;; ++folders) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxPartBytes) return false;
    if (end == name.size()) return folders <= kMaxFolders;
    at = end + 1;
  }
}

}  // namespace spate
