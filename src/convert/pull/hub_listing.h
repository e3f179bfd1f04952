// What a hub says a model repository holds: names, sizes and sums of its files at one commit. Nothing of it is trusted:
// names are checked before any becomes a path. Stateless, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

struct HubFile {
  std::string name;      // relative, '/' between folders; IsSafeName
  int64_t size = 0;      // bytes
  std::string sha256;    // of a large file, else empty
  std::string git_sha1;  // of a small one: of "blob SIZE\0" and the content
};

struct HubListing {
  std::string commit;  // 40 or 64 hexadecimal digits
  std::vector<HubFile> files;
};

inline constexpr size_t kMaxListingBytes = size_t{32} << 20;  // of JSON; the largest real ones have two

// The answer of /api/models/REPO/revision/REVISION?blobs=true. `what` begins messages. Throws Error(kEnvironment) where
// it is not what was asked for: files without a name or size, one name twice, a name that leaves the folder.
HubListing ParseHubListing(std::string_view text, std::string_view what);

}  // namespace spate
