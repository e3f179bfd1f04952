#include "model/model_files.h"

#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/gguf_config.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/meta_model.h"
#include "checkpoint/mlc_model.h"
#include "checkpoint/model_path.h"
#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/quantized/quantized_checkpoint.h"
#include "checkpoint/torch_checkpoint.h"
#include "checkpoint/xllm_file.h"
#include "model/dialects.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json FolderConfig(const fs::path& folder) { return ReadJsonFile((folder / "config.json").string(), {}); }

ModelFiles OpenHuggingFace(const fs::path& folder) {
  ModelFiles files{.format = "safetensors", .config = FolderConfig(folder), .checkpoint = nullptr, .dialect = {}};
  if (IsTorchFolder(folder)) {
    files.format = "PyTorch .bin";
    files.checkpoint = OpenTorchFolder(folder);
  } else {
    files.checkpoint = OpenCheckpoint(folder);
  }
  if (const auto quantization = ReadQuantizationConfig(files.config)) {
    files.format += ", " + quantization->text;
    files.checkpoint = OpenQuantized(std::move(files.checkpoint), *quantization);
  }
  return files;
}

ModelFiles OpenGgufModel(const fs::path& path) {
  OpenedGguf opened = OpenGguf(path);
  const GgufDialect dialect = DialectOf(opened.file);
  ModelFiles files{.format = "GGUF",
                   .config = GgufConfig(opened.file),
                   .checkpoint = nullptr,
                   .dialect = GgufNames(dialect.adjacent_pairs, dialect.norms_hold_one)};
  files.checkpoint = MakeCheckpoint(&opened);
  return files;
}

}  // namespace

ModelFiles OpenModelFiles(const fs::path& path) {
  switch (KindOf(path)) {
    case ModelPathKind::kHuggingFace:
      return OpenHuggingFace(path);
    case ModelPathKind::kGguf:
      return OpenGgufModel(GgufOf(path));
    case ModelPathKind::kMeta: {
      MetaModel model = OpenMetaFolder(path);
      return {"Meta .pth", std::move(model.config), std::move(model.checkpoint), MetaNames()};
    }
    case ModelPathKind::kMlc: {
      MlcModel model = OpenMlcFolder(path);
      return {"MLC", std::move(model.config), std::move(model.checkpoint), {}};
    }
    case ModelPathKind::kXllm: {
      XllmModel model = OpenXllmFile(path);
      return {"xLLM", std::move(model.config), std::move(model.checkpoint), {}};
    }
  }
  throw Error(ErrorCode::kBadInput, "{}: no model", path.string());
}

json ReadModelConfig(const fs::path& path) {
  std::error_code ignored;
  if (fs::exists(path / "config.json", ignored)) return FolderConfig(path);
  return OpenModelFiles(path).config;
}

}  // namespace spate
