// "quantization_config" of config.json: how the linear layers of a Hugging Face checkpoint are stored.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace spate {

struct QuantizationConfig {
  enum class Method {
    kGptq,         // qweight, qzeros, scales, g_idx                          arXiv 2210.17323, AutoGPTQ's files
    kAwq,          // qweight, qzeros, scales in AutoAWQ's "gemm" order       arXiv 2306.00978
    kCompressed,   // compressed-tensors: weight_packed, or weight beside weight_scale
    kBlockFloats,  // "fp8": weight f8_e4m3 with weight_scale_inv for each block
  };
  Method method = Method::kGptq;
  int bits = 4;
  int64_t group_size = 0;                  // input features that share a scale; 0 = all
  bool zeros_minus_one = false;            // GPTQ's first format stores a zero point less one
  int64_t block_rows = 0, block_cols = 0;  // kBlockFloats
  std::string text = {};                   // for people: "GPTQ, 4 bits, groups of 128"
};

// None where config.json has no quantization_config. Throws Error(kBadInput) for a method or variant that is not known.
std::optional<QuantizationConfig> ReadQuantizationConfig(const nlohmann::json& config);

}  // namespace spate
