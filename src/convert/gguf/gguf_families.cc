#include "convert/gguf/gguf_families.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"

namespace spate {
namespace {

constexpr std::array kFamilies = {
    GgufFamily{"LlamaForCausalLM", "llama"},
    GgufFamily{"MistralForCausalLM", "llama"},
    GgufFamily{"MixtralForCausalLM", "llama"},
    GgufFamily{"Qwen2ForCausalLM", "qwen2"},
    GgufFamily{"Qwen2MoeForCausalLM", "qwen2moe"},
    GgufFamily{"Qwen3ForCausalLM", "qwen3"},
    GgufFamily{"Qwen3MoeForCausalLM", "qwen3moe"},
    GgufFamily{"GemmaForCausalLM", "gemma"},
    GgufFamily{.config = "Gemma2ForCausalLM", .gguf = "gemma2", .windows = true},
    GgufFamily{.config = "Gemma3ForCausalLM", .gguf = "gemma3", .windows = true},
    GgufFamily{.config = "Phi3ForCausalLM", .gguf = "phi3", .fused_qkv = true, .fused_up = true, .longrope = true},
    GgufFamily{"Olmo2ForCausalLM", "olmo2"},
    GgufFamily{"GraniteForCausalLM", "granite"},
    GgufFamily{"InternLM2ForCausalLM", "internlm2"},
    GgufFamily{"Starcoder2ForCausalLM", "starcoder2"},
    GgufFamily{"CohereForCausalLM", "command-r"},
    GgufFamily{"StableLmForCausalLM", "stablelm"},
    GgufFamily{.config = "Glm4ForCausalLM", .gguf = "glm4", .fused_up = true},
};

}  // namespace

const GgufFamily* FindGgufFamily(std::string_view config) {
  const auto* it = std::ranges::find(kFamilies, config, &GgufFamily::config);
  return it == kFamilies.end() ? nullptr : it;
}

const GgufArch& ArchOf(const GgufFamily& family) {
  const auto archs = GgufArchs();
  const auto it = std::ranges::find(archs, family.gguf, &GgufArch::gguf);
  CHECK(it != archs.end(), "{}", family.gguf);
  return *it;
}

std::string KnownGgufFamilies() {
  std::vector<std::string_view> names;
  for (const GgufFamily& family : kFamilies) names.push_back(family.config);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace spate
