// The steps of tokenizer.json: normalizer, pre_tokenizer, post_processor, decoder.
#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/tokenizer_json_parts.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxSteps = 256;
constexpr int kMaxNesting = 16;

// One step field of tokenizer.json, for reading its options and for messages.
struct Field {
  std::string_view name;       // "pre_tokenizer"
  std::string_view list;       // the key of its Sequence's list
  std::string_view supported;  // kinds, for the message about another one
  std::string_view what;

  std::string Where(std::string_view kind) const { return fmt::format("{}: {} {}", what, name, kind); }
};

// Calls `step(kind, options)` for every step of the field, those inside Sequences too; false: the kind is unknown.
using StepReader = std::function<bool(const std::string& kind, const json& options)>;

void ReadSteps(const Field& field, const json* value, const StepReader& step, size_t* count, int nesting) {
  if (value == nullptr) return;
  const std::string kind = GetString(*value, "type", std::nullopt, fmt::format("{}: {}", field.what, field.name));
  if (++*count > kMaxSteps || nesting > kMaxNesting) {
    throw Error(ErrorCode::kBadInput, "{}: {} has too many steps", field.what, field.name);
  }
  if (kind != "Sequence") {
    if (step(kind, *value)) return;
    throw Error(ErrorCode::kBadInput, "{}: {} '{}' is not supported; supported: {}, Sequence", field.what, field.name,
                OneLine(kind, 40), field.supported);
  }
  const json* list = FindArray(*value, field.list, field.Where(kind));
  if (list == nullptr) throw Error(ErrorCode::kBadInput, "{} has no {}", field.Where(kind), field.list);
  for (const json& entry : *list) ReadSteps(field, &entry, step, count, nesting + 1);
}

void ReadField(const Field& field, const json& root, const StepReader& step) {
  size_t count = 0;
  ReadSteps(field, FindObject(root, field.name, field.what), step, &count, 0);
}

TextPattern ReadPattern(const json& options, const std::string& where) {
  const json* pattern = FindObject(options, "pattern", where);
  if (pattern == nullptr) throw Error(ErrorCode::kBadInput, "{} has no pattern", where);
  if (FindField(*pattern, "Regex", where) != nullptr) {
    return {GetString(*pattern, "Regex", std::nullopt, where), true};
  }
  return {GetString(*pattern, "String", std::nullopt, where), false};
}

PrependScheme ReadPrependScheme(const json& options, const std::string& where) {
  // Files from before prepend_scheme say only whether there is a prefix.
  const bool prefix = GetBool(options, "add_prefix_space", true, where);
  const std::string scheme = GetString(options, "prepend_scheme", prefix ? "always" : "never", where);
  if (scheme == "never") return PrependScheme::kNever;
  if (!prefix) {
    throw Error(ErrorCode::kBadInput, "{}: add_prefix_space is false, but prepend_scheme is '{}'", where,
                OneLine(scheme, 40));
  }
  if (scheme == "first") return PrependScheme::kFirst;
  if (scheme == "always") return PrependScheme::kAlways;
  throw Error(ErrorCode::kBadInput, "{}: prepend_scheme '{}', expected first, always or never", where,
              OneLine(scheme, 40));
}

SplitBehavior ReadBehavior(const json& options, const std::string& where) {
  const std::string name = GetString(options, "behavior", std::nullopt, where);
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  throw Error(ErrorCode::kBadInput,
              "{}: behavior '{}', expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", where,
              OneLine(name, 40));
}

std::string ReadCharacter(const json& options, std::string_view key, const std::string& where) {
  std::string text = GetString(options, key, std::nullopt, where);
  if (text.empty() || static_cast<size_t>(DecodeUtf8(text, 0).length) != text.size()) {
    throw Error(ErrorCode::kBadInput, "{}: {} is '{}', expected one character", where, key, OneLine(text, 40));
  }
  return text;
}

// "single" of TemplateProcessing: [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}].
std::vector<TemplatePiece> ReadTemplate(const json& options, const std::string& where) {
  const json* single = FindArray(options, "single", where);
  if (single == nullptr) throw Error(ErrorCode::kBadInput, "{} has no single", where);
  if (single->size() > kMaxSteps) throw Error(ErrorCode::kBadInput, "{} has too many pieces", where);
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
    if (ids == nullptr || ids->size() > kMaxSteps) {
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

}  // namespace

std::vector<NormalizerStep> ReadNormalizer(const json& root, std::string_view what) {
  const Field field{"normalizer", "normalizers",
                    "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace", what};
  std::vector<NormalizerStep> steps;
  ReadField(field, root, [&](const std::string& kind, const json& options) {
    const std::string where = field.Where(OneLine(kind, 40));
    if (kind == "NFC") {
      steps.emplace_back(NormalizeUnicode{UnicodeForm::kNfc});
    } else if (kind == "NFD") {
      steps.emplace_back(NormalizeUnicode{UnicodeForm::kNfd});
    } else if (kind == "NFKC") {
      steps.emplace_back(NormalizeUnicode{UnicodeForm::kNfkc});
    } else if (kind == "NFKD") {
      steps.emplace_back(NormalizeUnicode{UnicodeForm::kNfkd});
    } else if (kind == "Lowercase") {
      steps.emplace_back(NormalizeLowercase{});
    } else if (kind == "Strip") {
      steps.emplace_back(NormalizeStrip{GetBool(options, "strip_left", std::nullopt, where),
                                        GetBool(options, "strip_right", std::nullopt, where)});
    } else if (kind == "StripAccents") {
      steps.emplace_back(NormalizeStripAccents{});
    } else if (kind == "Prepend") {
      steps.emplace_back(NormalizePrepend{GetString(options, "prepend", std::nullopt, where)});
    } else if (kind == "Replace") {
      steps.emplace_back(
          NormalizeReplace{ReadPattern(options, where), GetString(options, "content", std::nullopt, where)});
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

std::vector<PreTokenizerStep> ReadPreTokenizer(const json& root, std::string_view what) {
  const Field field{"pre_tokenizer", "pretokenizers", "ByteLevel, Split, Digits, Metaspace", what};
  std::vector<PreTokenizerStep> steps;
  ReadField(field, root, [&](const std::string& kind, const json& options) {
    const std::string where = field.Where(OneLine(kind, 40));
    if (kind == "ByteLevel") {
      steps.emplace_back(SplitByteLevel{GetBool(options, "add_prefix_space", std::nullopt, where),
                                        GetBool(options, "use_regex", true, where)});
    } else if (kind == "Split") {
      steps.emplace_back(SplitPattern{ReadPattern(options, where), ReadBehavior(options, where),
                                      GetBool(options, "invert", std::nullopt, where)});
    } else if (kind == "Digits") {
      steps.emplace_back(SplitDigits{GetBool(options, "individual_digits", std::nullopt, where)});
    } else if (kind == "Metaspace") {
      steps.emplace_back(SplitMetaspace{ReadCharacter(options, "replacement", where), ReadPrependScheme(options, where),
                                        GetBool(options, "split", true, where)});
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

std::vector<TemplatePiece> ReadPostProcessor(const json& root, std::string_view what) {
  const Field field{"post_processor", "processors", "TemplateProcessing, ByteLevel", what};
  std::vector<TemplatePiece> pieces;
  ReadField(field, root, [&](const std::string& kind, const json& options) {
    if (kind == "ByteLevel") return true;  // changes offsets, which nobody asks for here
    if (kind != "TemplateProcessing") return false;
    if (!pieces.empty()) throw Error(ErrorCode::kBadInput, "{}: two TemplateProcessing steps", what);
    pieces = ReadTemplate(options, field.Where(kind));
    return true;
  });
  if (pieces.empty()) pieces.push_back({.is_text = true, .ids = {}});
  return pieces;
}

std::vector<DecoderStep> ReadDecoder(const json& root, std::string_view what) {
  const Field field{"decoder", "decoders", "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace", what};
  std::vector<DecoderStep> steps;
  ReadField(field, root, [&](const std::string& kind, const json& options) {
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
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

}  // namespace spate
