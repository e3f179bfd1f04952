#include "checkpoint/read_tokenizer.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/gguf_tokenizer.h"
#include "checkpoint/model_path.h"
#include "checkpoint/sentencepiece_model.h"
#include "checkpoint/tiktoken_model.h"
#include "checkpoint/tokenizer_config.h"
#include "checkpoint/tokenizer_json.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr JsonLimits kConfigLimits = {.max_bytes = size_t{16} << 20};
constexpr size_t kMaxModelBytes = size_t{256} << 20;

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// `config`: tokenizer_config.json, or null. Of a tiktoken file it names the special tokens.
Vocabulary ReadTiktoken(std::string_view bytes, const std::string& what, const json& config) {
  Vocabulary v = ParseTiktokenModel(bytes, what);
  const bool named = !config.is_null() && AddTokensOfConfig(config, what + " (config)", &v);
  if (v.tokens.size() != kLlama3Tokens && !named) {
    throw Error(ErrorCode::kBadInput,
                "{}: a tiktoken file of {} tokens; without a tokenizer_config.json that names the special tokens only "
                "Llama 3's, of {}, can be read: convert it to tokenizer.json",
                what, v.tokens.size(), kLlama3Tokens);
  }
  if (!named) AddLlama3SpecialTokens(&v);
  return v;
}

Vocabulary ParseTokenizerFile(std::string_view bytes, const fs::path& path, const json& config) {
  const std::string what = path.string();
  if (bytes.size() > kMaxModelBytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} bytes, supported are up to {}", what, bytes.size(), kMaxModelBytes);
  }
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (path.extension() == ".json" || (first != std::string_view::npos && bytes[first] == '{')) {
    return ParseTokenizerJson(bytes, "", what);
  }
  if (bytes[0] == '\x0A') return ParseSentencePieceModel(bytes, what);  // the tag of its first piece
  if (IsTiktokenModel(bytes)) return ReadTiktoken(bytes, what, config);
  throw Error(ErrorCode::kBadInput, "{}: neither a SentencePiece model nor a tiktoken file nor tokenizer.json", what);
}

Vocabulary ReadTokenizerFile(const fs::path& path, const json& config) {
  const MmapFile file = MmapFile::Open(path.string());
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Vocabulary v = ParseTokenizerFile(bytes, path, config);
  file.ThrowIfChanged();
  return v;
}

Vocabulary ReadGgufFile(const fs::path& path) {
  const OpenedGguf opened = OpenGguf(path);
  Vocabulary v = ReadGgufTokenizer(opened.file);
  for (const MmapFile& part : opened.parts) part.ThrowIfChanged();
  return v;
}

json ReadConfigIfThere(const fs::path& path) {
  return Exists(path) ? ReadJsonFile(path.string(), kConfigLimits) : json();
}

}  // namespace

Vocabulary ReadTokenizer(const fs::path& path) {
  std::error_code error;
  if (const auto gguf = FindGguf(path)) return ReadGgufFile(*gguf);
  if (fs::is_regular_file(path, error)) return ReadTokenizerFile(path, json());
  if (!Exists(path)) {
    throw Error(ErrorCode::kBadInput, "{}: does not exist; expected a model folder or a tokenizer file", path.string());
  }
  fs::path file = path / "tokenizer.json";
  if (!Exists(file)) file = path / "tokenizer.model";
  if (!Exists(file)) {
    throw Error(ErrorCode::kBadInput, "{}: no tokenizer.json and no tokenizer.model (SentencePiece, or Llama 3's)",
                path.string());
  }
  const fs::path config_path = path / "tokenizer_config.json";
  const json config = ReadConfigIfThere(config_path);
  Vocabulary v = ReadTokenizerFile(file, config);
  if (!config.is_null()) ApplyTokenizerConfig(config, config_path.string(), &v);
  const fs::path map_path = path / "special_tokens_map.json";
  if (const json map = ReadConfigIfThere(map_path); !map.is_null()) {
    ApplySpecialTokensMap(map, map_path.string(), &v);
  }
  for (const std::string_view name : {"generation_config.json", "config.json"}) {
    // What the model's author says about generation wins; config.json is for folders that say nothing else.
    if (name == "config.json" && !v.eos.empty()) continue;
    const fs::path other = path / name;
    if (const json generation = ReadConfigIfThere(other); !generation.is_null()) {
      AddEosIds(generation, other.string(), &v);
    }
  }
  return v;
}

bool HasTokenizer(const fs::path& path) {
  if (const auto gguf = FindGguf(path)) {
    return OpenGguf(*gguf).file.metadata.GetString("tokenizer.ggml.model", "none") != "none";
  }
  return Exists(path / "tokenizer.json") || Exists(path / "tokenizer.model");
}

}  // namespace spate
