#include "checkpoint/gguf_split.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxParts = 4096;

// What NAME-00002-of-00003.gguf says of itself.
struct PartName {
  std::string name;
  int64_t part = 0;  // from 1
  int64_t parts = 0;
};

std::optional<int64_t> FiveDigits(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool digits = text.size() == 5 && text[0] >= '0' && text[0] <= '9';
  return digits && error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<PartName> ParsePartName(std::string_view file) {
  constexpr std::string_view kEnd = ".gguf", kOf = "-of-";
  constexpr size_t kTail = 1 + 5 + kOf.size() + 5 + kEnd.size();
  if (file.size() <= kTail || !file.ends_with(kEnd)) return std::nullopt;
  const std::string_view tail = file.substr(file.size() - kTail);
  const auto part = FiveDigits(tail.substr(1, 5)), parts = FiveDigits(tail.substr(6 + kOf.size(), 5));
  if (tail[0] != '-' || tail.substr(6, kOf.size()) != kOf || !part || !parts) return std::nullopt;
  return PartName{std::string(file.substr(0, file.size() - kTail)), *part, *parts};
}

int64_t PartsOf(const GgufFile& file) { return file.metadata.GetInt("split.count", 1, 0, UINT16_MAX); }

void CheckPart(const GgufFile& part, int64_t number, int64_t parts) {
  if (const int64_t count = PartsOf(part); count != parts) {
    part.metadata.Fail("split.count", fmt::format("expected {} as in the file's name, got {}", parts, count));
  }
  const int64_t got = part.metadata.GetInt("split.no", std::nullopt, 0, UINT16_MAX);
  if (got != number) {
    part.metadata.Fail("split.no",
                       fmt::format("expected {} as in the file's name, got {} (parts of two models?)", number, got));
  }
}

void MoveTensors(GgufFile* part, std::unordered_set<std::string_view>* names, std::vector<GgufTensor>* all) {
  for (GgufTensor& tensor : part->tensors) {
    if (!names->insert(tensor.name).second) {
      throw Error(ErrorCode::kBadInput, "{}: tensor \"{}\" is in an earlier part too", part->what(),
                  OneLine(tensor.name, 80));
    }
    all->push_back(std::move(tensor));
  }
}

OpenedGguf OpenParts(const fs::path& folder, const PartName& name) {
  std::vector<MmapFile> files;
  std::optional<GgufFile> first;
  std::vector<GgufTensor> tensors;
  std::unordered_set<std::string_view> names;
  for (int64_t i = 0; i < name.parts; ++i) {
    const fs::path path = folder / fmt::format("{}-{:05}-of-{:05}.gguf", name.name, i + 1, name.parts);
    files.push_back(MmapFile::Open(path));
    GgufFile part = ParseGguf(files.back().bytes(), path.string());
    CheckPart(part, i, name.parts);
    MoveTensors(&part, &names, &tensors);
    if (!first) first.emplace(std::move(part));
  }
  const int64_t expected = first->metadata.GetInt("split.tensors.count", std::nullopt, 0, INT32_MAX);
  if (std::cmp_not_equal(expected, tensors.size())) {
    first->metadata.Fail("split.tensors.count",
                         fmt::format("expected {} tensors in all parts, got {}", expected, tensors.size()));
  }
  first->tensors = std::move(tensors);
  return {std::move(files), *std::move(first)};
}

}  // namespace

OpenedGguf OpenGguf(const fs::path& path) {
  std::vector<MmapFile> files;
  files.push_back(MmapFile::Open(path));
  GgufFile file = ParseGguf(files[0].bytes(), path.string());
  const int64_t parts = PartsOf(file);
  if (parts <= 1) return {std::move(files), std::move(file)};
  const std::optional<PartName> name = ParsePartName(path.filename().string());
  if (!name || name->parts != parts || parts > kMaxParts) {
    throw Error(ErrorCode::kBadInput,
                "{}: one of {} parts, whose names must end in -00001-of-{:05}.gguf and so on (at most {}); rename them "
                "as they were published",
                path.string(), parts, parts, kMaxParts);
  }
  return OpenParts(path.parent_path(), *name);
}

std::unique_ptr<Checkpoint> MakeCheckpoint(OpenedGguf* opened) {
  TensorMap tensors = TensorsOf(opened->file);
  return std::make_unique<MappedCheckpoint>(std::move(opened->parts), std::move(tensors));
}

}  // namespace spate
