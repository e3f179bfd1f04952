// Hugging Face folders with PyTorch weights: pytorch_model.bin, or pytorch_model.bin.index.json with its shards. Their
// config.json and tokenizer are those of a folder with safetensors.
#pragma once

#include <filesystem>
#include <memory>

#include "checkpoint/checkpoint.h"

namespace spate {

bool IsTorchFolder(const std::filesystem::path& folder);

// Throws Error(kBadInput) naming the file. See torch_file.h for what is read.
std::unique_ptr<Checkpoint> OpenTorchFolder(const std::filesystem::path& folder);

}  // namespace spate
