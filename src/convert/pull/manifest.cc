#include "convert/pull/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "convert/pull/safe_name.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMaxShown = 80;
constexpr size_t kSumDigits = 64;

// The sum in lower case, if it is one.
std::optional<std::string> ParseSum(std::string_view text) {
  if (text.size() != kSumDigits) return std::nullopt;
  std::string sum(text);
  for (char& c : sum) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
  }
  return sum;
}

void AddFile(std::string name, FileSum sum, std::string_view what, Manifest& manifest) {
  if (!IsSafeName(name)) {
    throw Error(ErrorCode::kBadInput, "{}: names \"{}\"; expected files inside the model's folder", what,
                OneLine(name, kMaxShown));
  }
  if (manifest.files.size() >= kMaxManifestFiles) {
    throw Error(ErrorCode::kBadInput, "{}: names more than {} files", what, kMaxManifestFiles);
  }
  const auto [at, is_new] = manifest.files.emplace(std::move(name), std::move(sum));
  if (!is_new) throw Error(ErrorCode::kBadInput, "{}: names \"{}\" twice", what, OneLine(at->first, kMaxShown));
}

// Of two members of one name the parser keeps the last: which of two sums is meant, nobody can say. `text` has been
// parsed already.
void RefuseDoubleNames(std::string_view text, std::string_view what) {
  std::vector<std::set<std::string>> open;
  const auto see = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event != json::parse_event_t::key) return true;
    const auto& name = parsed.get_ref<const std::string&>();
    if (open.back().insert(name).second) return true;
    throw Error(ErrorCode::kBadInput, "{}: names \"{}\" twice", what, OneLine(name, kMaxShown));
  };
  [[maybe_unused]] const json same = json::parse(text, see);
}

Manifest ParseJsonManifest(std::string_view text, std::string_view what) {
  const json object = ParseJson(text, {.max_bytes = kMaxManifestBytes, .max_depth = 8}, what);
  RefuseDoubleNames(text, what);
  const std::string format = GetString(object, "format", "", what);
  const int64_t version = GetInt(object, "version", 0, 0, 1'000'000, what);
  const json* files = FindObject(object, "files", what);
  if (format != "spate-manifest" || version != 1 || files == nullptr) {
    throw Error(ErrorCode::kBadInput, "{}: expected {{\"format\": \"spate-manifest\", \"version\": 1, \"files\": ...}}",
                what);
  }
  Manifest manifest{.files = {}, .complete = GetBool(object, "complete", true, what)};
  for (const auto& [name, file] : files->items()) {
    const std::string where = fmt::format("{}: \"{}\"", what, OneLine(name, kMaxShown));
    if (!file.is_object()) {
      throw Error(ErrorCode::kBadInput, "{}: expected an object, got {}", where, DescribeJson(file));
    }
    const std::optional<std::string> sum = ParseSum(GetString(file, "sha256", std::nullopt, where));
    if (!sum) throw Error(ErrorCode::kBadInput, "{}: sha256: expected 64 hexadecimal digits", where);
    AddFile(name, {.size = GetInt(file, "size", -1, 0, INT64_MAX, where), .sha256 = *sum}, what, manifest);
  }
  return manifest;
}

// Lines "<sum>  <name>", or "<sum> *<name>" of a file read as binary.
Manifest ParseSums(std::string_view text, std::string_view what) {
  Manifest manifest{.files = {}, .complete = false};
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    if (rest.empty() || rest.starts_with('#')) continue;
    const std::optional<std::string> sum = ParseSum(rest.substr(0, kSumDigits));
    rest.remove_prefix(std::min(kSumDigits, rest.size()));
    if (!sum || rest.size() < 3 || rest[0] != ' ' || (rest[1] != ' ' && rest[1] != '*')) {
      throw Error(ErrorCode::kBadInput, "{}: line {}: expected a SHA-256 sum, two spaces and a name", what, line);
    }
    rest.remove_prefix(2);
    if (rest.starts_with("./")) rest.remove_prefix(2);
    AddFile(std::string(rest), {.size = -1, .sha256 = *sum}, what, manifest);
  }
  if (manifest.files.empty()) throw Error(ErrorCode::kBadInput, "{}: names no file", what);
  return manifest;
}

}  // namespace

Manifest ParseManifest(std::string_view text, std::string_view what) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && text[first] == '{';
  return is_json ? ParseJsonManifest(text, what) : ParseSums(text, what);
}

Manifest ReadManifest(const fs::path& path) {
  return ParseManifest(ReadTextFile(path.string(), kMaxManifestBytes), path.string());
}

std::string FormatManifest(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [name, sum] : manifest.files) files[name] = {{"size", sum.size}, {"sha256", sum.sha256}};
  json object = {{"format", "spate-manifest"}, {"version", 1}, {"files", std::move(files)}};
  if (!manifest.complete) object["complete"] = false;
  return object.dump(2) + "\n";
}

void WriteManifest(const fs::path& path, const Manifest& manifest) {
  WriteFileAtomically(path.string(), FormatManifest(manifest));
  std::error_code ignored;  // as readable as the model itself: a store may be shared
  fs::permissions(path, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add, ignored);
}

std::optional<fs::path> FindManifest(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : {kManifestName, kSumsName}) {
    if (fs::exists(fs::symlink_status(folder / name, ignored))) return folder / name;
  }
  return std::nullopt;
}

}  // namespace spate
