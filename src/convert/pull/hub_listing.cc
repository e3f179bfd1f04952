#include "convert/pull/hub_listing.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "convert/pull/safe_name.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr JsonLimits kLimits = {.max_bytes = kMaxListingBytes, .max_depth = 32, .max_values = 2'000'000};
constexpr size_t kMaxFiles = 50'000;
constexpr int64_t kMaxFileBytes = int64_t{1} << 46;  // 64 TiB; sums of kMaxFiles of them fit
constexpr size_t kMaxShown = 100;

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

HubFile ReadFile(const json& entry, const std::string& what) {
  HubFile file;
  file.name = GetString(entry, "rfilename", std::nullopt, what);
  const std::string where = fmt::format("{}: {}", what, OneLine(file.name, kMaxShown));
  if (!IsSafeName(file.name)) {
    throw Error(ErrorCode::kBadInput, "{}: a name that does not stay in the model's folder; nothing was fetched",
                where);
  }
  const json* const lfs = FindObject(entry, "lfs", where);
  file.size = GetInt(lfs != nullptr ? *lfs : entry, "size", std::nullopt, 0, kMaxFileBytes, where);
  std::string& sum = lfs != nullptr ? file.sha256 : file.git_sha1;
  sum =
      lfs != nullptr ? GetString(*lfs, "sha256", std::nullopt, where) : GetString(entry, "blobId", std::nullopt, where);
  if (!IsHex(sum, lfs != nullptr ? 64 : 40)) {
    throw Error(ErrorCode::kBadInput, "{}: expected a sum of {} hexadecimal digits, got \"{}\"", where,
                lfs != nullptr ? 64 : 40, OneLine(sum, kMaxShown));
  }
  return file;
}

HubListing Read(std::string_view text, const std::string& what) {
  const json root = ParseJson(text, kLimits, what);
  HubListing listing;
  listing.commit = GetString(root, "sha", std::nullopt, what);
  if (!IsHex(listing.commit, 40) && !IsHex(listing.commit, 64)) {
    throw Error(ErrorCode::kBadInput, "{}: sha: expected a commit of 40 hexadecimal digits, got \"{}\"", what,
                OneLine(listing.commit, kMaxShown));
  }
  const json* const siblings = FindArray(root, "siblings", what);
  if (siblings == nullptr) throw Error(ErrorCode::kBadInput, "{}: siblings: expected the list of files", what);
  if (siblings->size() > kMaxFiles) {
    throw Error(ErrorCode::kBadInput, "{}: {} files, supported are up to {}", what, siblings->size(), kMaxFiles);
  }
  for (const json& entry : *siblings) listing.files.push_back(ReadFile(entry, what));
  std::set<std::string_view> names;
  for (const HubFile& file : listing.files) {
    if (names.insert(file.name).second) continue;
    throw Error(ErrorCode::kBadInput, "{}: {}: listed twice", what, OneLine(file.name, kMaxShown));
  }
  return listing;
}

}  // namespace

HubListing ParseHubListing(std::string_view text, std::string_view what) {
  try {
    return Read(text, std::string(what));
  } catch (const Error& error) {  // wrong is what a peer says, not what the user gave
    throw Error(ErrorCode::kEnvironment, "{}; is --endpoint a Hugging Face-compatible hub?", error.what());
  }
}

}  // namespace spate
