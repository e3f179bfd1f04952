// Model: what an engine, a score or a bench runs: device, packed weights and tokenizer of one folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "backend/device.h"
#include "checkpoint/checkpoint.h"
#include "model/loader.h"
#include "model/spec.h"
#include "model/weights.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace spate {

struct ModelOptions {
  std::filesystem::path path{};  // of a folder or file that OpenModelFiles knows (model/model_files.h)
  std::string backend = "cpu";
  int threads = 0;                  // 0 = detected
  std::optional<DType> dtype{};     // none = the checkpoint's own; f32 also makes activations and KV f32
  std::optional<DType> kv_dtype{};  // none = bf16, or f32 with dtype f32
  int num_layers = 0;               // 0 = all; else the first so many
  bool dummy = false;               // config.json only: seeded random weights
  uint64_t dummy_seed = 0;
  ReadMode read = ReadMode::kBuffers;
  LoadProgress progress{};
};

// A model ready to run: device, packed weights, tokenizer. Immutable after OpenModel; destroyed in reverse order.
struct Model {
  ModelSpec spec;
  std::unique_ptr<Tokenizer> tokenizer;  // null when a dummy folder has none: ids in, ids out
  std::unique_ptr<ChatTemplate> chat;    // null when the folder has none that can be used; never a guess
  std::string chat_problem;              // why `chat` is null
  std::unique_ptr<Device> device;
  Weights weights;
  DType dtype = DType::kBF16;
  DType kv_dtype = DType::kBF16;
  double load_seconds = 0;
  int64_t load_bytes = 0;  // read from the checkpoint
};

// The plain format that matrices become which do not keep their own: `wish`, else the checkpoint's, else what
// config.json names. `checkpoint` may be null. Throws Error(kUsage) for one that the device does not keep.
DType ChooseFormat(std::optional<DType> wish, const nlohmann::json& config, const Checkpoint* checkpoint,
                   const Device& device);

// Throws Error: one line that names the file and what to try.
std::unique_ptr<Model> OpenModel(const ModelOptions& options);

}  // namespace spate
