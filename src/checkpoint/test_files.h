// For tests of file formats: the committed files, what a test holds against them, and mutations of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace spate {

inline std::filesystem::path FormatFiles() { return std::filesystem::path(SPATE_SOURCE_DIR) / "tests" / "formats"; }

std::string ReadBytes(const std::filesystem::path& path);
void WriteBytes(const std::filesystem::path& path, const std::string& bytes);

// A folder of its own, which goes with it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// All of a tensor as its rows come to whoever loads it.
std::vector<std::byte> AllBytes(const TensorView& tensor, const Checkpoint& checkpoint);

// Both hold the same names, shapes, dtypes and bytes.
void ExpectSameTensors(const Checkpoint& got, const Checkpoint& want);

// What `action` throws as an Error(kBadInput) of one line; "accepted" if nothing.
std::string BadInputMessage(const std::function<void()>& action);

// `rounds` seeded mutations of `original`: bytes, numbers and lengths changed, pieces cut out, doubled or moved. Each
// is given to `read`, which takes it or throws an Error of one line, within a second and without an allocation above
// its size (small ones apart).
void ExpectSurvivesMutations(const std::string& original, int rounds,
                             const std::function<void(const std::string&)>& read);

}  // namespace spate
