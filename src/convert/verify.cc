#include "convert/verify.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/model_path.h"
#include "convert/model_file_list.h"
#include "convert/pull/manifest.h"
#include "convert/pull/safe_name.h"
#include "convert/stored_tensors.h"
#include "model/arch.h"
#include "model/loader.h"
#include "model/model_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

void CheckStructure(const fs::path& path, Verification& result) {
  try {
    const ModelFiles files = OpenModelFiles(path);
    result.format = files.format;
    const Arch& arch = ArchOf(files.config);
    const ModelSpec spec = MakeSpec(files.config);
    result.architecture = spec.architecture;
    CheckWeights(*files.checkpoint, arch, files.dialect, spec);
  } catch (const Error& error) {
    result.structure_problem = error.what();
  }
}

// The stored tensors, or null where the files do not hold any that can be read.
std::unique_ptr<Checkpoint> TryOpenStored(const fs::path& path, Verification& result) {
  try {
    return OpenStoredTensors(path);
  } catch (const Error& error) {
    if (result.structure_problem.empty()) result.structure_problem = error.what();
    return nullptr;
  }
}

// The files of a list, opened: those that `weights` has mapped already are not mapped again.
class OpenedFiles {
 public:
  OpenedFiles(const ModelFileList& list, const Checkpoint* weights) {
    for (const std::string& name : list.names) {
      FilePass& pass = passes_.emplace_back();
      const fs::path path = list.folder / name;
      std::error_code error;
      if (fs::file_size(path, error) != 0 || error) pass.file = Open(path, weights);
    }
  }
  std::span<FilePass> passes() { return passes_; }  // of the list's names

 private:
  const MmapFile* Open(const fs::path& path, const Checkpoint* weights) {
    if (weights != nullptr) {
      for (const MmapFile& file : weights->files()) {
        if (fs::path(file.path()).lexically_normal() == path.lexically_normal()) return &file;
      }
    }
    return own_.emplace_back(std::make_unique<MmapFile>(MmapFile::Open(path.string()))).get();
  }

  std::vector<FilePass> passes_;
  std::vector<std::unique_ptr<MmapFile>> own_;
};

void FindBadValues(const Checkpoint& stored, std::span<const std::string_view> names, std::span<const FilePass> passes,
                   Verification& result) {
  std::vector<BadValues> found(names.size());
  for (const FilePass& pass : passes) {
    for (const TensorRange& range : pass.tensors) found[range.tensor] = range.bad;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const TensorView& view = *stored.Find(names[i]);
    if (view.maker != nullptr) found[i] = CountMadeValues(stored, view);
    if (!found[i].any()) continue;
    result.bad_tensors.push_back(
        {.name = std::string(names[i]), .format = std::string(Name(view.dtype)), .bad = found[i]});
  }
}

// What the manifest names and the list does not: hidden files.
void AddNamedFiles(const Manifest& manifest, ModelFileList& list) {
  if (!list.whole_folder) return;
  for (const auto& [name, sum] : manifest.files) {
    const auto at = std::lower_bound(list.names.begin(), list.names.end(), name);
    if ((at == list.names.end() || *at != name) && IsFileInside(list.folder, name)) list.names.insert(at, name);
  }
}

int64_t SizeOf(const FilePass& pass) {
  return pass.file == nullptr ? 0 : static_cast<int64_t>(pass.file->bytes().size());
}

void Compare(const Manifest& manifest, const ModelFileList& list, std::span<const FilePass> passes,
             Verification& result) {
  for (const auto& [name, sum] : manifest.files) {
    const auto at = std::lower_bound(list.names.begin(), list.names.end(), name);
    if (at == list.names.end() || *at != name) {
      if (list.whole_folder) result.differences.push_back({name, "missing"});
      continue;
    }
    const FilePass& pass = passes[static_cast<size_t>(at - list.names.begin())];
    if (sum.size >= 0 && sum.size != SizeOf(pass)) {
      result.differences.push_back({name, fmt::format("changed: {} bytes, were {}", SizeOf(pass), sum.size)});
    } else if (sum.sha256 != pass.sha256) {
      result.differences.push_back({name, fmt::format("changed: SHA-256 {}..., was {}...", pass.sha256.substr(0, 12),
                                                      sum.sha256.substr(0, 12))});
    }
  }
  for (const std::string& name : list.names) {
    if (manifest.files.contains(name)) continue;
    if (manifest.complete) {
      result.differences.push_back({name, "added: the manifest does not name it"});
    } else {
      result.not_covered.push_back(name);
    }
  }
}

// Before anything is read: what is replaced must have been a manifest.
void CheckTarget(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(path, ignored);
  if (!fs::exists(status)) return;
  if (!fs::is_regular_file(status))
    throw Error(ErrorCode::kEnvironment, "{}: is no regular file; choose another name, or remove it", path.string());
  try {
    ReadManifest(path);
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, "{}; --write replaces manifests alone: choose another name, or delete it",
                error.what());
  }
}

// What other models of the folder have in it stays.
void Write(const fs::path& path, const ModelFileList& list, std::span<const FilePass> passes, Verification& result) {
  Manifest manifest;
  std::error_code ignored;
  if (!list.whole_folder)
    manifest = fs::exists(path, ignored) ? ReadManifest(path) : Manifest{.files = {}, .complete = false};
  for (size_t i = 0; i < list.names.size(); ++i) {
    if (!IsSafeName(list.names[i])) {
      throw Error(ErrorCode::kBadInput, "{}: a name that no manifest can have", OneLine(list.names[i], 80));
    }
    manifest.files[list.names[i]] = {.size = SizeOf(passes[i]), .sha256 = passes[i].sha256};
  }
  WriteManifest(path, manifest);
  result.written = true;
}

bool HoldsWeights(std::string_view name) {
  constexpr std::string_view kEnds[] = {".safetensors", ".gguf", ".bin", ".pth"};
  return std::any_of(std::begin(kEnds), std::end(kEnds), [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace

Verification Verify(const fs::path& model, const VerifyOptions& options) {
  std::error_code ignored;
  const bool named = !options.manifest.empty() || FindManifest(model).has_value();
  if (!named || options.write || !fs::is_directory(model, ignored)) KindOf(model);  // throws for what is no model
  const SteadyClock clock;
  const double start = clock.NowSeconds();
  Verification result;
  CheckStructure(model, result);
  const std::unique_ptr<Checkpoint> stored = TryOpenStored(model, result);
  std::vector<std::string_view> names;
  if (stored != nullptr) names = stored->Names();
  result.tensors = static_cast<int64_t>(names.size());

  ModelFileList list = ListModelFiles(model, stored.get());
  std::optional<fs::path> path = options.manifest.empty() ? std::nullopt : std::optional(options.manifest);
  if (!path) path = options.write ? list.folder / kManifestName : FindManifest(list.folder);
  std::optional<Manifest> manifest;
  if (path && !options.write) {
    manifest = ReadManifest(*path);
    AddNamedFiles(*manifest, list);
  }
  if (options.write) CheckTarget(*path);
  if (path) result.manifest = path->string();

  OpenedFiles files(list, stored.get());
  if (stored != nullptr) {
    try {
      AssignTensors(*stored, names, files.passes());
    } catch (const Error& error) {
      if (result.structure_problem.empty()) result.structure_problem = error.what();
      for (FilePass& pass : files.passes()) pass.tensors.clear();
    }
  }
  const bool sums = manifest || options.write;
  for (FilePass& pass : files.passes()) pass.hash = sums;
  RunFilePasses(files.passes(), options.progress);
  if (stored != nullptr) FindBadValues(*stored, names, files.passes(), result);
  for (const FilePass& pass : files.passes()) result.bytes += SizeOf(pass);
  result.files = sums ? static_cast<int64_t>(list.names.size()) : 0;
  if (manifest) Compare(*manifest, list, files.passes(), result);
  if (options.write) Write(*path, list, files.passes(), result);
  result.seconds = clock.NowSeconds() - start;
  return result;
}

void CheckSums(const fs::path& model, const PassProgress& progress) {
  std::error_code ignored;
  const bool folder = fs::is_directory(model, ignored);
  const std::unique_ptr<Checkpoint> stored = folder ? nullptr : OpenStoredTensors(model);
  ModelFileList list = ListModelFiles(model, stored.get());
  const std::optional<fs::path> path = FindManifest(list.folder);
  if (!path) {
    throw Error(ErrorCode::kBadInput, "--verify: {} has no {} and no {}; make one with: spate verify {} --write",
                list.folder.string(), kManifestName, kSumsName, model.string());
  }
  const Manifest manifest = ReadManifest(*path);
  AddNamedFiles(manifest, list);
  OpenedFiles files(list, stored.get());
  RunFilePasses(files.passes(), progress);
  Verification result;
  Compare(manifest, list, files.passes(), result);
  // A list of sums may leave out a README, but what is loaded must have been compared.
  for (const std::string& name : result.not_covered) {
    if (HoldsWeights(name)) result.differences.push_back({name, "not named by the list of sums"});
  }
  if (result.differences.empty()) return;
  const FileDifference& first = result.differences.front();
  const size_t more = result.differences.size() - 1;
  throw Error(ErrorCode::kBadInput, "--verify: {}: {}{} ({}); nothing was loaded", (list.folder / first.name).string(),
              first.what, more > 0 ? fmt::format(", and {} more", more) : "", path->string());
}

}  // namespace spate
