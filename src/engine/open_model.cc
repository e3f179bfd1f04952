#include "engine/open_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "checkpoint/chat_template_file.h"
#include "checkpoint/read_tokenizer.h"
#include "model/arch.h"
#include "model/model_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

bool Takes(const Device& device, DType dtype) {
  const std::vector<DType> formats = device.WeightFormats();
  return std::find(formats.begin(), formats.end(), dtype) != formats.end();
}

// What config.json says its weights are in, for weights that are made up or computed.
DType ConfiguredFormat(const nlohmann::json& config, const Device& device) {
  const std::string name =
      GetString(config, config.contains("dtype") ? "dtype" : "torch_dtype", "bfloat16", "config.json");
  const DType dtype = name == "float32" ? DType::kF32 : name == "float16" ? DType::kF16 : DType::kBF16;
  return Takes(device, dtype) ? dtype : device.WeightFormats().front();
}

void CheckFormat(DType dtype, const Device& device) {
  if (Takes(device, dtype)) return;
  std::vector<std::string_view> names;
  for (const DType format : device.WeightFormats()) names.push_back(Name(format));
  throw Error(ErrorCode::kUsage, "--dtype: backend {} does not keep weights in {}; expected one of: {}",
              device.info().backend, Name(dtype), fmt::join(names, ", "));
}

void KeepFirstLayers(ModelSpec& spec, int num_layers) {
  if (num_layers == 0) return;
  if (num_layers < 0 || num_layers > spec.Layers()) {
    throw Error(ErrorCode::kUsage, "--num-layers: expected 1 to {}, got {}", spec.Layers(), num_layers);
  }
  spec.layers.resize(static_cast<size_t>(num_layers));
}

// Every id that ends a generation, by config.json or by the tokenizer's files. Ids without a row in the
// embedding cannot be generated.
void CollectEosIds(ModelSpec& spec, const Tokenizer* tokenizer) {
  std::vector<int32_t>& ids = spec.eos_ids;
  if (tokenizer != nullptr) ids.insert(ids.end(), tokenizer->eos().begin(), tokenizer->eos().end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids, [&](int32_t id) { return id < 0 || id >= spec.vocab; });
}

// The folder's chat template, or why there is none. Text is completed without them.
void OpenChat(Model& model, const fs::path& folder) {
  try {
    const auto file = FindChatTemplate(folder, false);
    if (!file) {
      model.chat_problem = folder.string() + ": no chat template (chat_template.jinja, tokenizer_config.json)";
      return;
    }
    model.chat = std::make_unique<ChatTemplate>(file->source, file->name, ReadSpecialTokens(folder));
  } catch (const Error& error) {
    model.chat_problem = error.what();
  }
}

}  // namespace

DType ChooseFormat(std::optional<DType> wish, const nlohmann::json& config, const Checkpoint* checkpoint,
                   const Device& device) {
  if (!wish && checkpoint != nullptr) wish = NativeFormat(*checkpoint, device);
  const DType format = wish.value_or(ConfiguredFormat(config, device));
  CheckFormat(format, device);
  return format;
}

std::unique_ptr<Model> OpenModel(const ModelOptions& options) {
  const SteadyClock clock;
  const double start = clock.NowSeconds();
  ModelFiles files;
  if (options.dummy) {
    files.config = ReadModelConfig(options.path);
  } else {
    files = OpenModelFiles(options.path);
  }
  auto model = std::make_unique<Model>();
  const Arch& arch = ArchOf(files.config);
  model->spec = MakeSpec(files.config);
  KeepFirstLayers(model->spec, options.num_layers);

  // What can be wrong is found before the device and the weights take their time.
  if (!options.dummy) CheckWeights(*files.checkpoint, arch, files.dialect, model->spec);
  if (HasTokenizer(options.path)) {
    model->tokenizer = std::make_unique<Tokenizer>(ReadTokenizer(options.path));
  } else {
    model->spec.notes.push_back("no tokenizer.json or tokenizer.model in the folder: ids in, ids out");
  }
  CollectEosIds(model->spec, model->tokenizer.get());
  OpenChat(*model, options.path);

  model->device = MakeDevice(options.backend, {.threads = options.threads});
  model->dtype = ChooseFormat(options.dtype, files.config, files.checkpoint.get(), *model->device);
  model->kv_dtype = options.kv_dtype.value_or(model->dtype == DType::kF32 ? DType::kF32 : DType::kBF16);

  LoadOptions load{.format = model->dtype,
                   .own_bits = !options.dtype,
                   .read = options.read,
                   .progress = [&](int64_t done, int64_t total) {
                     model->load_bytes = done;
                     if (options.progress) options.progress(done, total);
                   }};
  model->weights = options.dummy
                       ? DummyWeights(model->spec, options.dummy_seed, *model->device, load)
                       : LoadWeights(*files.checkpoint, arch, files.dialect, model->spec, *model->device, load);
  if (options.dummy) model->load_bytes = 0;
  model->load_seconds = clock.NowSeconds() - start;
  return model;
}

}  // namespace spate
