#include "checkpoint/gguf_tokens.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace spate {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 22;

// Turns, calls of tools and whole texts of the model families end with one of these; files rarely list them all.
constexpr std::array<std::string_view, 24> kEnds = {"<|eot_id|>",
                                                    "<|eom_id|>",
                                                    "<|im_end|>",
                                                    "<|end|>",
                                                    "<|return|>",
                                                    "<|call|>",
                                                    "<|flush|>",
                                                    "<|calls|>",
                                                    "<end_of_turn>",
                                                    "<|endoftext|>",
                                                    "<|end_of_text|>",
                                                    "</s>",
                                                    "<EOT>",
                                                    "_<EOT>",
                                                    "[EOT]",
                                                    "[EOS]",
                                                    "<eos>",
                                                    "<end_of_utterance>",
                                                    "<turn|>",
                                                    "<|tool_response>",
                                                    "<｜end▁of▁sentence｜>",
                                                    "[e~[",
                                                    "<|fim_pad|>",
                                                    "<|file_sep|>"};

}  // namespace

bool EndsGeneration(std::string_view text) { return std::ranges::find(kEnds, text) != kEnds.end(); }

GgufTokens ReadGgufTokens(const GgufMetadata& metadata) {
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens", kTypes = "tokenizer.ggml.token_type";
  const std::optional<GgufStrings> texts = metadata.FindStrings(kTokens);
  if (!texts) metadata.Fail(kTokens, "missing; the file holds no tokenizer");
  if (texts->size() == 0 || texts->size() > kMaxTokens) {
    metadata.Fail(kTokens, fmt::format("{} tokens, expected 1 to {}", texts->size(), kMaxTokens));
  }
  GgufTokens tokens;
  tokens.texts.assign(texts->begin(), texts->end());
  tokens.types.assign(texts->size(), GgufTokenType::kNormal);
  const std::optional<std::vector<int64_t>> types = metadata.FindInts(kTypes, 2 * texts->size() + 1);
  if (types && types->size() < tokens.texts.size()) {
    metadata.Fail(kTypes, fmt::format("{} types for {} tokens", types->size(), tokens.texts.size()));
  }
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    // 0 is "undefined", which says nothing; later versions may know more types.
    if (types && (*types)[id] >= 1 && (*types)[id] <= 6) tokens.types[id] = static_cast<GgufTokenType>((*types)[id]);
    if (tokens.types[id] == GgufTokenType::kNormal && EndsGeneration(tokens.texts[id])) {
      tokens.types[id] = GgufTokenType::kControl;
    }
    if (tokens.texts[id].empty()) tokens.types[id] = GgufTokenType::kUnused;
  }
  return tokens;
}

int32_t ReadTokenId(const GgufMetadata& metadata, std::string_view name, size_t tokens, int32_t fallback) {
  const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  const int64_t none = std::numeric_limits<uint32_t>::max();
  const int64_t id = metadata.GetInt(key, fallback, -1, none);
  if (id == none || id == -1) return -1;
  if (static_cast<size_t>(id) < tokens) return static_cast<int32_t>(id);
  if (metadata.Find(key) == nullptr) return -1;  // the fallback of a vocabulary that is smaller than usual
  metadata.Fail(key, fmt::format("{} is no token; there are {}", id, tokens));
}

}  // namespace spate
