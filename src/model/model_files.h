// ModelFiles: what a path holds, whatever its format: the configuration as config.json would say it, the tensors, and
// how they are named. Made at load; the checkpoint's views live as long as it does.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/checkpoint.h"
#include "model/tensor_rule.h"

namespace spate {

struct ModelFiles {
  std::string format;  // for people: "safetensors", "GGUF"
  nlohmann::json config;
  std::unique_ptr<Checkpoint> checkpoint;
  Dialect dialect;
};

// A Hugging Face folder (safetensors or PyTorch weights, quantized or not), a GGUF file or a folder that holds one,
// a folder as Meta publishes, one of MLC LLM, or xLLM's weight file. Throws Error(kBadInput): one line that names the
// file and what was expected.
ModelFiles OpenModelFiles(const std::filesystem::path& path);

// The configuration alone, of a folder that may have nothing else.
nlohmann::json ReadModelConfig(const std::filesystem::path& path);

}  // namespace spate
