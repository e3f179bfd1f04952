#include "convert/pull/model_store.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/utf8.h"
#include "convert/pull/gguf_names.h"
#include "convert/pull/http_url.h"
#include "convert/pull/store_manifest.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPartBytes = 96, kMaxRevisionBytes = 150, kMaxQuantBytes = 64;
constexpr size_t kMaxShown = 200;

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool IsWord(std::string_view text, size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), IsWordChar);
}

std::vector<std::string> NamesOf(const FileSums& manifest) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : manifest) names.push_back(name);
  return names;
}

[[noreturn]] void ThrowMissing(const ModelName& model, const fs::path& store) {
  throw Error(ErrorCode::kBadInput, "{}: no such file or folder, and no such model in {}; to fetch it: spate pull {}",
              model.text(), (store / "models").string(), model.text());
}

// The path of a model of the store. Without a quantization GGUF files count only where nothing else is.
fs::path PathOf(const ModelName& model, const fs::path& folder, const FileSums& manifest) {
  if (model.quant.empty() && manifest.contains("config.json")) return folder;
  const std::vector<GgufModel> models = GgufModelsAmong(NamesOf(manifest));
  if (models.empty() && model.quant.empty()) return folder;  // MLC's, Meta's
  const bool there = model.quant.empty() || std::any_of(models.begin(), models.end(), [&](const GgufModel& m) {
                       return CarriesQuant(m.files.front(), model.quant);
                     });
  if (!there) ThrowMissing(model, folder.parent_path().parent_path().parent_path());
  return folder / ChooseGguf(models, model.quant, model.text()).files.front();
}

std::vector<fs::path> FoldersIn(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().filename().string().front() != '.' && it->is_directory(ignored)) found.push_back(it->path());
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot be listed: {}", folder.string(), error.message());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What lies in a folder whose pull did not end.
StoredModel Unfinished(const std::string& name, const fs::path& folder) {
  StoredModel model{.name = name, .path = folder, .bytes = 0, .files = 0, .whole = false};
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    ++model.files;
    model.bytes += static_cast<int64_t>(it->file_size(ignored));
  }
  return model;
}

// What the manifest says of a file, and whether that is so. Links are followed, as they are when the model is opened.
void AddFile(const fs::path& folder, const std::string& name, int64_t size, StoredModel* model) {
  ++model->files;
  model->bytes += size;
  std::error_code error;
  if (!fs::is_regular_file(folder / name, error)) {
    model->missing.push_back(name);
  } else if (fs::file_size(folder / name, error) != static_cast<uintmax_t>(size) || error) {
    model->damaged.push_back(name);
  }
  model->whole = model->missing.empty() && model->damaged.empty();
}

void AddModels(const std::string& name, const fs::path& folder, std::vector<StoredModel>* models) {
  std::optional<FileSums> manifest;
  try {
    manifest = ReadStoreManifest(folder);
  } catch (const Error&) {  // listed as not whole; a pull writes it anew
  }
  if (!manifest) return models->push_back(Unfinished(name, folder));
  FileSums others = *manifest;
  for (const GgufModel& gguf : GgufModelsAmong(NamesOf(*manifest))) {
    StoredModel& model = models->emplace_back();
    model.name = gguf.quant.empty() ? name : name + ":" + gguf.quant;
    model.path = folder / gguf.files.front();
    for (const std::string& file : gguf.files) {
      AddFile(folder, file, manifest->at(file).size, &model);
      others.erase(file);
    }
  }
  if (others.empty()) return;
  StoredModel& rest = models->emplace_back();
  rest.name = name;
  rest.path = folder;
  for (const auto& [file, sum] : others) AddFile(folder, file, sum.size, &rest);
}

}  // namespace

std::string ModelName::text() const {
  return repo() + (revision.empty() ? "" : "@" + revision) + (quant.empty() ? "" : ":" + quant);
}

bool IsRevision(std::string_view text) {
  if (text.empty() || text.size() > kMaxRevisionBytes || text.find("..") != std::string_view::npos) return false;
  return text.front() != '/' && text.front() != '.' && text.front() != '-' && text.back() != '/' &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsWordChar(c) || c == '/'; });
}

std::optional<ModelName> ParseModelName(std::string_view text) {
  ModelName model;
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    model.quant = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (!IsWord(model.quant, kMaxQuantBytes)) return std::nullopt;
  }
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    model.revision = text.substr(at + 1);
    text = text.substr(0, at);
    if (!IsRevision(model.revision)) return std::nullopt;
    if (model.revision == "main") model.revision.clear();
  }
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  model.owner = text.substr(0, slash);
  model.name = text.substr(slash + 1);
  if (!IsWord(model.owner, kMaxPartBytes) || !IsWord(model.name, kMaxPartBytes)) return std::nullopt;
  return model;
}

fs::path StoreFolder() {
  const auto absolute = [](const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value == '/' ? fs::path(value) : fs::path();
  };
  if (const char* const home = std::getenv("SPATE_HOME"); home != nullptr && *home != '\0') {
    std::error_code error;
    fs::path folder = fs::absolute(home, error);
    if (!error) return folder;
    throw Error(ErrorCode::kEnvironment, "SPATE_HOME: {}: {}; set it to an absolute path", OneLine(home, kMaxShown),
                error.message());
  }
  if (const fs::path data = absolute("XDG_DATA_HOME"); !data.empty()) return data / "spate";
  if (const fs::path home = absolute("HOME"); !home.empty()) return home / ".local" / "share" / "spate";
  throw Error(ErrorCode::kEnvironment, "no place for models: set SPATE_HOME to a folder");
}

fs::path FolderOf(const fs::path& store, const ModelName& model) {
  std::string folder = model.name;
  if (!model.revision.empty()) folder += "@" + PercentEncode(model.revision, false);  // refs/pr/1 is no path
  return store / "models" / model.owner / folder;
}

fs::path ResolveModel(const std::string& given, const fs::path& given_store) {
  std::error_code ignored;
  if (fs::exists(given, ignored)) return given;
  const std::optional<ModelName> model = ParseModelName(given);
  if (!model) return given;
  const fs::path store = given_store.empty() ? StoreFolder() : given_store;
  const fs::path folder = FolderOf(store, *model);
  const std::optional<FileSums> manifest = ReadStoreManifest(folder);
  if (manifest) return PathOf(*model, folder, *manifest);
  if (!fs::exists(folder, ignored)) ThrowMissing(*model, store);
  throw Error(ErrorCode::kBadInput, "{}: not whole in {}, its pull was broken off; to go on: spate pull {}",
              model->text(), OneLine(folder.string(), kMaxShown), model->text());
}

std::vector<StoredModel> ListModels(const fs::path& store) {
  std::vector<StoredModel> models;
  for (const fs::path& owner : FoldersIn(store / "models")) {
    for (const fs::path& folder : FoldersIn(owner)) {
      std::string name = folder.filename();
      for (size_t at = name.find("%2F"); at != std::string::npos; at = name.find("%2F")) name.replace(at, 3, "/");
      AddModels(owner.filename().string() + "/" + name, folder, &models);
    }
  }
  return models;
}

}  // namespace spate
