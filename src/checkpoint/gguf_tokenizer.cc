#include "checkpoint/gguf_tokenizer.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "checkpoint/gguf_tokens.h"
#include "checkpoint/gguf_vocabularies.h"

namespace spate {
namespace {

constexpr std::string_view kModel = "tokenizer.ggml.model";
constexpr std::string_view kPre = "tokenizer.ggml.pre";

// What a kind has where the file says nothing.
struct Defaults {
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t unk = -1;
  int32_t pad = -1;
  int32_t sep = -1;
  bool add_bos = false;
  bool add_eos = false;
  bool add_sep = false;
};

const GgufPreTokenizer& PreTokenizerOf(const GgufMetadata& metadata, std::string_view model) {
  // The kind that was made for Gemma 4 leaves the name out; other files without one are older than the key.
  const std::string_view fallback = model == "gemma4" ? "gemma4" : "default";
  std::string_view name = metadata.GetString(kPre, fallback);
  if (model == "gemma4" || name.empty()) name = fallback;
  const GgufPreTokenizer* pre = FindGgufPreTokenizer(name);
  if (pre == nullptr) metadata.Fail(kPre, fmt::format("\"{}\" is not a known pre-tokenizer", OneLine(name, 60)));
  return *pre;
}

// Ids that end a generation: the tokenizer's own, those of turns and messages, then what is called so.
std::vector<int32_t> EndIds(const GgufMetadata& metadata, const GgufTokens& tokens, int32_t eos) {
  std::vector<int32_t> ends;
  const auto add = [&](int32_t id) {
    if (id >= 0 && std::ranges::find(ends, id) == ends.end()) ends.push_back(id);
  };
  add(eos);
  for (const std::string_view name : {"eot", "eom", "fim_pad", "fim_rep", "fim_sep"}) {
    add(ReadTokenId(metadata, name, tokens.texts.size(), -1));
  }
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const GgufTokenType type = tokens.types[id];
    const bool special = type == GgufTokenType::kControl || type == GgufTokenType::kUserDefined;
    if (special && EndsGeneration(tokens.texts[id])) add(static_cast<int32_t>(id));
  }
  return ends;
}

void SetNamedIds(const GgufMetadata& metadata, const GgufTokens& tokens, const Defaults& defaults, Vocabulary* v) {
  const size_t count = tokens.texts.size();
  v->bos = ReadTokenId(metadata, "bos", count, defaults.bos);
  v->pad = ReadTokenId(metadata, "padding", count, defaults.pad);
  const int32_t eos = ReadTokenId(metadata, "eos", count, defaults.eos);
  v->eos = EndIds(metadata, tokens, eos);
  // The misspelling is the format's.
  const int32_t sep = ReadTokenId(metadata, "seperator", count, defaults.sep);
  v->post_processor.clear();
  const auto put = [&](std::string_view flag, bool fallback, int32_t id) {
    if (!metadata.GetBool(fmt::format("tokenizer.ggml.add_{}_token", flag), fallback) || id < 0) return;
    v->post_processor.push_back({.is_text = false, .ids = {id}});
  };
  put("bos", defaults.add_bos, v->bos);
  v->post_processor.push_back({.is_text = true, .ids = {}});
  put("eos", defaults.add_eos, eos);
  put("sep", defaults.add_sep, sep);
}

}  // namespace

Vocabulary ReadGgufTokenizer(const GgufFile& file) {
  const GgufMetadata& metadata = file.metadata;
  const std::string_view model = metadata.GetString(kModel, std::nullopt);
  Defaults defaults;
  if (model == "llama" || model == "t5") {
    const bool bpe = model == "llama";
    defaults = bpe ? Defaults{.bos = 1, .eos = 2, .unk = 0, .add_bos = true}
                   : Defaults{.eos = 1, .unk = 2, .pad = 0, .add_eos = true};
    const GgufTokens tokens = ReadGgufTokens(metadata);
    const int32_t unk = ReadTokenId(metadata, "unknown", tokens.texts.size(), defaults.unk);
    const auto type = bpe ? SentencePieceProto::ModelType::kBpe : SentencePieceProto::ModelType::kUnigram;
    Vocabulary v = MakeGgufSentencePiece(metadata, tokens, type, unk);
    SetNamedIds(metadata, tokens, defaults, &v);
    return v;
  }
  if (model == "gpt2" || model == "gemma4" || model == "whitespace") {
    const GgufPreTokenizer& pre = PreTokenizerOf(metadata, model);
    defaults.add_bos = pre.add_bos;
    defaults.add_sep = pre.add_sep;
    const GgufTokens tokens = ReadGgufTokens(metadata);
    Vocabulary v = MakeGgufBpe(metadata, tokens, pre);
    SetNamedIds(metadata, tokens, defaults, &v);
    return v;
  }
  if (model == "bert") {
    defaults = {.bos = 101, .unk = 100, .pad = 0, .sep = 102, .add_bos = true, .add_sep = true};
    const GgufTokens tokens = ReadGgufTokens(metadata);
    const size_t count = tokens.texts.size();
    Vocabulary v = MakeGgufWordPiece(metadata, tokens, ReadTokenId(metadata, "unknown", count, defaults.unk));
    defaults.bos = ReadTokenId(metadata, "cls", count, defaults.bos);  // older files have no other name for it
    SetNamedIds(metadata, tokens, defaults, &v);
    return v;
  }
  metadata.Fail(kModel, fmt::format("a tokenizer of kind \"{}\" is not supported; known are llama, gpt2, gemma4, "
                                    "whitespace, t5 and bert",
                                    OneLine(model, 60)));
}

}  // namespace spate
