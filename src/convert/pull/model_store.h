// The model store: what `spate pull` fetched, under $SPATE_HOME/models/OWNER/NAME, and the names it goes by:
// OWNER/NAME[@REVISION][:QUANT]. Stateless, thread-safe.
//
//   const fs::path path = ResolveModel("Qwen/Qwen3-0.6B-GGUF:Q8_0");  // a path of -m, too
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

struct ModelName {
  std::string owner, name;  // as hubs allow them: letters, digits and -._
  std::string revision;     // branch, tag or commit; empty = main
  std::string quant;        // of a GGUF file; empty = none named

  std::string repo() const { return owner + "/" + name; }
  std::string text() const;  // as it was given
};

// None when the text is no such name; "./x/y", "/x/y" and "x/y/z" are paths.
std::optional<ModelName> ParseModelName(std::string_view text);

// Whether a hub takes it as a branch, tag or commit.
bool IsRevision(std::string_view text);

// $SPATE_HOME, else spate/ in $XDG_DATA_HOME or ~/.local/share; Error(kEnvironment) when none of them is set.
std::filesystem::path StoreFolder();

// Where a model lies or will lie.
std::filesystem::path FolderOf(const std::filesystem::path& store, const ModelName& model);

// What -m means: a path that exists, else a model of the store, its folder or its GGUF file. A text that is neither
// comes back as a path, for whoever opens it to complain about. Throws Error(kBadInput), naming what to pull, for a
// model that is not in the store or not whole. An empty `store` is StoreFolder(), asked for when it is needed.
std::filesystem::path ResolveModel(const std::string& given, const std::filesystem::path& store = {});

struct StoredModel {
  std::string name;  // for -m
  std::filesystem::path path;
  int64_t bytes = 0;
  size_t files = 0;
  bool whole = true;                   // false: a pull was broken off, or files are missing or damaged
  std::vector<std::string> missing{};  // files that the manifest names and that are not there
  std::vector<std::string> damaged{};  // ... and that have another size; what is in them, `spate verify` says
};

// All there is, by name: a GGUF model each for itself. Files are looked at, not read.
std::vector<StoredModel> ListModels(const std::filesystem::path& store);

}  // namespace spate
