#include "checkpoint/model_path.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mmap_file.h"
#include "checkpoint/gguf.h"
#include "checkpoint/meta_model.h"
#include "checkpoint/mlc_model.h"
#include "checkpoint/xllm_file.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExpected =
    "expected a Hugging Face folder (config.json, *.safetensors or *.bin, tokenizer.json), a .gguf file, a folder as "
    "Meta publishes (params.json, consolidated.*.pth), one of MLC LLM, or xLLM's weight file";

// The first parts of the models in a folder, sorted.
std::vector<fs::path> GgufFiles(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".gguf")) continue;
    const size_t of = name.rfind("-of-");
    const bool later_part = of != std::string::npos && of >= 6 && name.compare(of - 6, 6, "-00001") != 0;
    if (!later_part) files.push_back(entry.path());
  }
  if (error) throw Error(ErrorCode::kBadInput, "{}: cannot be listed: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

ModelPathKind KindOf(const fs::path& path) {
  std::error_code error, ignored;
  if (!fs::exists(path, error)) {
    if (error) throw Error(ErrorCode::kBadInput, "{}: cannot be opened: {}", path.string(), error.message());
    throw Error(ErrorCode::kBadInput, "{}: {}, it does not exist", path.string(), kExpected);
  }
  if (fs::is_directory(path, ignored)) {
    if (fs::exists(path / "config.json", ignored)) return ModelPathKind::kHuggingFace;
    if (IsMetaFolder(path)) return ModelPathKind::kMeta;
    if (IsMlcFolder(path)) return ModelPathKind::kMlc;
    if (!GgufFiles(path).empty()) return ModelPathKind::kGguf;
    throw Error(ErrorCode::kBadInput, "{}: {}; this folder has none of their files", path.string(), kExpected);
  }
  const MmapFile file = MmapFile::Open(path);
  if (IsGguf(file.bytes())) return ModelPathKind::kGguf;
  if (IsXllmFile(path)) return ModelPathKind::kXllm;
  throw Error(ErrorCode::kBadInput, "{}: {}; this file is none{}", path.string(), kExpected,
              path.extension() == ".safetensors" ? ": give the folder that it lies in" : "");
}

std::optional<fs::path> FindGguf(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (fs::exists(path / "config.json", ignored) || GgufFiles(path).empty()) return std::nullopt;
    return GgufOf(path);
  }
  if (!fs::is_regular_file(path, ignored) || !IsGguf(MmapFile::Open(path).bytes())) return std::nullopt;
  return path;
}

fs::path GgufOf(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  const std::vector<fs::path> files = GgufFiles(path);
  if (files.size() == 1) return files.front();
  std::string names;
  for (const fs::path& file : files) names += (names.empty() ? "" : ", ") + file.filename().string();
  throw Error(ErrorCode::kBadInput, "{}: holds {} models, name one: {}", path.string(), files.size(), names);
}

}  // namespace spate
