#include "checkpoint/zip_directory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/byte_cursor.h"

namespace spate {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kDirectoryEnd = 0x06054b50;
constexpr uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kEntryBytes = 46, kLocalBytes = 30;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64Bits = 0xffffffff;  // "see the 64-bit field"
constexpr size_t kMaxShown = 80;

template <typename... Args>
[[noreturn]] void Fail(std::string_view file, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kBadInput, "{}: {}", file, fmt::format(format, std::forward<Args>(args)...));
}

template <typename T>
T Number(Bytes bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// The end record is the last thing in the file but for a comment, whose length it holds.
size_t FindEnd(Bytes bytes, std::string_view file) {
  const size_t last = bytes.size() < kEndBytes ? 0 : bytes.size() - kEndBytes;
  for (size_t back = 0; bytes.size() >= kEndBytes && back <= std::min(last, kMaxComment); ++back) {
    const size_t at = last - back;
    if (Number<uint32_t>(bytes, at) == kDirectoryEnd && Number<uint16_t>(bytes, at + 20) == back) return at;
  }
  Fail(file, "a zip file without its directory, which stands at the end (truncated download?)");
}

// Where the directory lies, and how many entries it has.
struct Extent {
  uint64_t offset = 0, bytes = 0, entries = 0;
};

Extent FindDirectory(Bytes bytes, std::string_view file) {
  const size_t end = FindEnd(bytes, file);
  Extent extent{Number<uint32_t>(bytes, end + 16), Number<uint32_t>(bytes, end + 12),
                Number<uint16_t>(bytes, end + 10)};
  uint64_t limit = end;
  if (end >= kLocatorBytes && Number<uint32_t>(bytes, end - kLocatorBytes) == kLocator64) {
    const uint64_t at = Number<uint64_t>(bytes, end - kLocatorBytes + 8);
    if (end < kLocatorBytes + kEnd64Bytes || at > end - kLocatorBytes - kEnd64Bytes ||
        Number<uint32_t>(bytes, static_cast<size_t>(at)) != kDirectoryEnd64) {
      Fail(file, "zip: no 64-bit end record at byte {}", at);
    }
    const auto record = static_cast<size_t>(at);
    extent = {Number<uint64_t>(bytes, record + 48), Number<uint64_t>(bytes, record + 40),
              Number<uint64_t>(bytes, record + 32)};
    limit = at;
  }
  if (extent.offset > limit || extent.bytes > limit - extent.offset) {
    Fail(file, "zip: directory of {} bytes at byte {} does not lie before its end record at {}", extent.bytes,
         extent.offset, limit);
  }
  if (extent.entries > extent.bytes / kEntryBytes) {
    Fail(file, "zip: a directory of {} bytes cannot hold {} entries", extent.bytes, extent.entries);
  }
  return extent;
}

struct Entry {
  std::string_view name;
  uint16_t flags = 0, method = 0;
  uint64_t stored = 0, size = 0, local = 0;
};

// The 64-bit values of those fields that the entry itself has no room for, in this order.
void TakeWideFields(Bytes extra, std::string_view what, Entry* entry) {
  ByteCursor cursor(extra, what);
  while (cursor.left() >= 4) {
    const auto id = cursor.Take<uint16_t>();
    const Bytes field = cursor.TakeBytes(cursor.Take<uint16_t>());
    if (id != kExtra64) continue;
    ByteCursor wide(field, what);
    for (uint64_t* value : {&entry->size, &entry->stored, &entry->local}) {
      if (*value == kIn64Bits) *value = wide.Take<uint64_t>();
    }
    return;
  }
}

Entry TakeEntry(ByteCursor& cursor, std::string_view file) {
  const Bytes fixed = cursor.TakeBytes(kEntryBytes);
  if (Number<uint32_t>(fixed, 0) != kDirectoryEntry) Fail(file, "zip: a directory entry without its signature");
  Entry entry;
  entry.flags = Number<uint16_t>(fixed, 8);
  entry.method = Number<uint16_t>(fixed, 10);
  entry.stored = Number<uint32_t>(fixed, 20);
  entry.size = Number<uint32_t>(fixed, 24);
  entry.local = Number<uint32_t>(fixed, 42);
  entry.name = cursor.TakeText(Number<uint16_t>(fixed, 28));
  const Bytes extra = cursor.TakeBytes(Number<uint16_t>(fixed, 30));
  cursor.TakeBytes(Number<uint16_t>(fixed, 32));
  TakeWideFields(extra, file, &entry);
  return entry;
}

ZipMember Locate(const Entry& entry, Bytes bytes, std::string_view file) {
  const std::string shown = OneLine(entry.name, kMaxShown);
  if (entry.flags & 1) Fail(file, "zip: member \"{}\" is encrypted", shown);
  if (bytes.size() < kLocalBytes || entry.local > bytes.size() - kLocalBytes ||
      Number<uint32_t>(bytes, static_cast<size_t>(entry.local)) != kLocalHeader) {
    Fail(file, "zip: member \"{}\": no header at byte {}", shown, entry.local);
  }
  // The local header's own extra field is what torch.save pads to align the data.
  const auto local = static_cast<size_t>(entry.local);
  const size_t begin = local + kLocalBytes + Number<uint16_t>(bytes, local + 26) + Number<uint16_t>(bytes, local + 28);
  if (begin > bytes.size() || entry.stored > bytes.size() - begin) {
    Fail(file, "zip: member \"{}\" of {} bytes at byte {} leaves the file of {} (truncated download?)", shown,
         entry.stored, begin, bytes.size());
  }
  const bool compressed = entry.method != 0;
  if (!compressed && entry.stored != entry.size) {
    Fail(file, "zip: member \"{}\" is not compressed, but has {} bytes for {}", shown, entry.stored, entry.size);
  }
  return {.bytes = bytes.subspan(begin, static_cast<size_t>(entry.stored)), .compressed = compressed};
}

}  // namespace

bool LooksLikeZip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && Number<uint32_t>(bytes, 0) == kLocalHeader;
}

ZipDirectory ReadZipDirectory(std::span<const std::byte> bytes, std::string_view file) {
  const Extent extent = FindDirectory(bytes, file);
  ByteCursor cursor(bytes.subspan(static_cast<size_t>(extent.offset), static_cast<size_t>(extent.bytes)), file);
  ZipDirectory directory;
  for (uint64_t i = 0; i < extent.entries; ++i) {
    const Entry entry = TakeEntry(cursor, file);
    if (!directory.emplace(entry.name, Locate(entry, bytes, file)).second) {
      Fail(file, "zip: two members \"{}\"", OneLine(entry.name, kMaxShown));
    }
  }
  return directory;
}

}  // namespace spate
