// PartFile: a file that is being fetched, as NAME.part beside its place, with the sums of what is there so far. It gets
// its name when it is whole and right; until then every way out leaves the part to go on from.
// Owned and used by one thread; the model's lock keeps other processes away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "convert/pull/file_hash.h"
#include "convert/pull/folder_files.h"
#include "convert/pull/hub_listing.h"

namespace spate {

// Bytes of NAME.part below `root`; 0 when there is none, or when it has more than `file` should and will be begun anew.
int64_t PartSize(const std::filesystem::path& root, const HubFile& file);

// `fd`'s bytes from its beginning, into `sum`. `read` is called with each piece's size and may throw. Throws
// Error(kEnvironment).
void AddToSum(const UniqueFd& fd, const std::string& shown, FileHash* sum, const std::function<void(int64_t)>& read);

class PartFile {
 public:
  // Opens or makes the part and sums up what it holds. Both outlive it. Throws Error(kEnvironment).
  PartFile(const std::filesystem::path& root, const HubFile& file);

  int64_t size() const { return size_; }  // bytes there
  int64_t expected_size() const { return file_.size; }
  bool whole() const { return size_ == file_.size; }
  void Append(std::span<const std::byte> bytes);  // Error(kEnvironment): the disk is full, or more than it should have
  void Restart();                                 // to nothing

  // Of a whole part: gives it its name when the sum is right, and returns its SHA-256. Else deletes it and throws
  // Error(kEnvironment) with both sums; `source` says where it came from.
  std::string Commit(const std::string& source);

 private:
  [[noreturn]] void Fail(const char* what) const;

  const HubFile& file_;
  std::string shown_;  // the final path, for messages
  PlaceInFolder place_;
  std::string part_;  // name of the part
  UniqueFd fd_;
  int64_t size_ = 0;
  FileHash sum_;
};

}  // namespace spate
