// Folders of MLC LLM: ndarray-cache.json (or tensor-cache.json), params_shard_*.bin and mlc-chat-config.json, beside
// the tokenizer's files. Read are q4f16_1, its kin q4f16_2, q4f32_1 and q4bf16_1, and q0f16, q0f32, q0bf16, of Llama,
// Mistral and Qwen2 models. The tensors have Hugging Face's names: qkv_proj and gate_up_proj come as their parts.
//
// q4f16_1: "X.q_weight", uint32 [out, in / 8], holds element k of a word in bits 4k, a number q of 0 to 14 (or 15);
// "X.q_scale", f16 [out, in / 32], is the scale of 32 of them. "X.weight" is (q - 7) * scale, rounded to f16 as MLC's
// own kernels do it.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"

namespace spate {

struct MlcModel {
  std::unique_ptr<Checkpoint> checkpoint;
  nlohmann::json config;  // mlc_config.h
};

bool IsMlcFolder(const std::filesystem::path& folder);

// Throws Error(kBadInput) naming the file.
MlcModel OpenMlcFolder(const std::filesystem::path& folder);

}  // namespace spate
