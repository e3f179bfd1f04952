// The members of a zip file (PKWARE's APPNOTE, with its 64-bit forms) as views into the mapped bytes. Nothing is
// decompressed: torch.save stores its members as they are. Every offset and size is checked. Checksums are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>

namespace spate {

struct ZipMember {
  std::span<const std::byte> bytes;  // as stored
  bool compressed = false;
};
using ZipDirectory = std::map<std::string_view, ZipMember>;  // by name, a view into the file

bool LooksLikeZip(std::span<const std::byte> bytes);

// `file` names the bytes in messages. Throws Error(kBadInput).
ZipDirectory ReadZipDirectory(std::span<const std::byte> bytes, std::string_view file);

}  // namespace spate
