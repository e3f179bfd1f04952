#include "convert/model_file_list.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "base/utf8.h"
#include "convert/pull/safe_name.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 4;

bool IsLeftOut(const std::string& name) { return name.starts_with('.') || name == kManifestName || name == kSumsName; }

std::vector<std::string> FilesBelow(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error, ignored;
  fs::recursive_directory_iterator it(folder, error);
  const auto check = [&] {
    if (error) throw Error(ErrorCode::kBadInput, "{}: cannot be listed: {}", folder.string(), error.message());
  };
  check();
  for (const fs::recursive_directory_iterator end; it != end; it.increment(error)) {
    if (it->is_directory(ignored) &&
        (it->is_symlink(ignored) || it.depth() >= kMaxDepth || it->path().filename().string().starts_with('.'))) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(ignored) || IsLeftOut(it->path().filename().string())) continue;
    std::string name = it->path().lexically_relative(folder).generic_string();
    if (!IsSafeName(name)) {
      throw Error(ErrorCode::kBadInput, "{}: holds \"{}\", a name that no manifest can have", folder.string(),
                  OneLine(name, 80));
    }
    if (names.size() >= kMaxManifestFiles) {
      throw Error(ErrorCode::kBadInput, "{}: more than {} files; is this a model's folder?", folder.string(),
                  kMaxManifestFiles);
    }
    names.push_back(std::move(name));
  }
  check();  // a folder below that may not be read ended the walk
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

ModelFileList ListModelFiles(const fs::path& path, const Checkpoint* weights) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return {.folder = path, .names = FilesBelow(path), .whole_folder = true};
  ModelFileList list{.folder = path.parent_path().empty() ? fs::path(".") : path.parent_path(), .names = {}};
  list.names.push_back(path.filename().string());
  if (weights != nullptr) {
    for (const MmapFile& file : weights->files()) list.names.push_back(fs::path(file.path()).filename().string());
  }
  std::sort(list.names.begin(), list.names.end());
  list.names.erase(std::unique(list.names.begin(), list.names.end()), list.names.end());
  return list;
}

bool IsFileInside(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  fs::path at = folder;
  const fs::path relative(name);
  for (const fs::path& part : relative.parent_path()) {
    at /= part;
    if (fs::symlink_status(at, ignored).type() != fs::file_type::directory) return false;
  }
  return fs::is_regular_file(folder / relative, ignored);
}

}  // namespace spate
