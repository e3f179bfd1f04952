// The steps of tokenizer.json that work on tokens: post_processor and decoder.
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/tokenizer_json_fields.h"
#include "checkpoint/tokenizer_json_parts.h"

namespace spate {
namespace {

using nlohmann::json;

// "single" of TemplateProcessing: [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}].
std::vector<TemplatePiece> ReadTemplate(const json& options, const std::string& where) {
  const json* single = FindArray(options, "single", where);
  if (single == nullptr) throw Error(ErrorCode::kBadInput, "{} has no single", where);
  if (single->size() > kMaxTokenizerSteps) throw Error(ErrorCode::kBadInput, "{} has too many pieces", where);
  const json* tokens = FindObject(options, "special_tokens", where);
  std::vector<TemplatePiece> pieces;
  bool has_text = false;
  for (const json& entry : *single) {
    TemplatePiece& piece = pieces.emplace_back();
    if (const json* sequence = FindObject(entry, "Sequence", where)) {
      const std::string id = GetString(*sequence, "id", std::nullopt, where);
      if (id != "A" || has_text) {
        throw Error(ErrorCode::kBadInput, "{}: expected Sequence A once, got '{}'", where, OneLine(id, 40));
      }
      piece.is_text = has_text = true;
      continue;
    }
    const json* special = FindObject(entry, "SpecialToken", where);
    if (special == nullptr) throw Error(ErrorCode::kBadInput, "{}: expected SpecialToken or Sequence", where);
    const std::string name = GetString(*special, "id", std::nullopt, where);
    const json* token = tokens == nullptr ? nullptr : FindObject(*tokens, name, where);
    const json* ids = token == nullptr ? nullptr : FindArray(*token, "ids", where);
    if (ids == nullptr || ids->size() > kMaxTokenizerSteps) {
      throw Error(ErrorCode::kBadInput, "{}: special token '{}' has no ids", where, OneLine(name, 40));
    }
    for (const json& id : *ids) {
      if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
        throw Error(ErrorCode::kBadInput, "{}: special token '{}' has id {}", where, OneLine(name, 40),
                    DescribeJson(id));
      }
      piece.ids.push_back(id.get<int32_t>());
    }
  }
  if (!has_text) throw Error(ErrorCode::kBadInput, "{}: expected Sequence A once, got none", where);
  return pieces;
}

// "cls" and "sep" of BertProcessing and RobertaProcessing: ["</s>", 2].
std::vector<TemplatePiece> ReadEnds(const json& options, const std::string& where) {
  const auto id = [&](std::string_view key) {
    const json* pair = FindArray(options, key, where);
    const bool fits = pair != nullptr && pair->size() == 2 && (*pair)[1].is_number_unsigned() &&
                      (*pair)[1].get<uint64_t>() <= INT32_MAX;
    if (!fits) throw Error(ErrorCode::kBadInput, "{}: {}: expected [\"text\", id]", where, key);
    return (*pair)[1].get<int32_t>();
  };
  return {{.is_text = false, .ids = {id("cls")}}, {.is_text = true, .ids = {}}, {.is_text = false, .ids = {id("sep")}}};
}

// The text of `outer` is what the steps before made.
void PutAround(std::vector<TemplatePiece> outer, std::vector<TemplatePiece>* pieces) {
  std::vector<TemplatePiece> all;
  for (TemplatePiece& piece : outer) {
    if (piece.is_text) {
      all.insert(all.end(), pieces->begin(), pieces->end());
    } else {
      all.push_back(std::move(piece));
    }
  }
  *pieces = std::move(all);
}

}  // namespace

std::vector<TemplatePiece> ReadPostProcessor(const json& root, std::string_view what) {
  const StepField field{"post_processor", "processors",
                        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel", what};
  std::vector<TemplatePiece> pieces = {{.is_text = true, .ids = {}}};
  ReadStepField(field, root, [&](const std::string& kind, const json& options) {
    if (kind == "ByteLevel") return true;  // changes offsets, which nobody asks for here
    if (kind == "TemplateProcessing") {
      PutAround(ReadTemplate(options, field.Where(kind)), &pieces);
    } else if (kind == "BertProcessing" || kind == "RobertaProcessing") {
      PutAround(ReadEnds(options, field.Where(kind)), &pieces);
    } else {
      return false;
    }
    if (pieces.size() > kMaxTokenizerSteps) throw Error(ErrorCode::kBadInput, "{}: the template is too long", what);
    return true;
  });
  return pieces;
}

std::vector<DecoderStep> ReadDecoder(const json& root, std::string_view what) {
  const StepField field{"decoder", "decoders",
                        "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, BPEDecoder, WordPiece", what};
  std::vector<DecoderStep> steps;
  ReadStepField(field, root, [&](const std::string& kind, const json& options) {
    const std::string where = field.Where(OneLine(kind, 40));
    if (kind == "ByteLevel") {
      steps.emplace_back(DecodeByteLevel{});
    } else if (kind == "Replace") {
      steps.emplace_back(
          DecodeReplace{ReadPattern(options, where), GetString(options, "content", std::nullopt, where)});
    } else if (kind == "ByteFallback") {
      steps.emplace_back(DecodeByteFallback{});
    } else if (kind == "Fuse") {
      steps.emplace_back(DecodeFuse{});
    } else if (kind == "Strip") {
      constexpr int64_t kMaxStrip = 1 << 16;
      steps.emplace_back(DecodeStrip{ReadCharacter(options, "content", where),
                                     static_cast<size_t>(GetInt(options, "start", std::nullopt, 0, kMaxStrip, where)),
                                     static_cast<size_t>(GetInt(options, "stop", std::nullopt, 0, kMaxStrip, where))});
    } else if (kind == "Metaspace") {
      steps.emplace_back(
          DecodeMetaspace{ReadCharacter(options, "replacement", where), ReadPrependScheme(options, where)});
    } else if (kind == "BPEDecoder") {
      steps.emplace_back(DecodeBpe{GetString(options, "suffix", std::nullopt, where)});
    } else if (kind == "WordPiece") {
      steps.emplace_back(DecodeWordPiece{GetString(options, "prefix", std::nullopt, where),
                                         GetBool(options, "cleanup", std::nullopt, where)});
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

}  // namespace spate
