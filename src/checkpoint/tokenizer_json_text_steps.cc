// The steps of tokenizer.json that work on text: normalizer and pre_tokenizer.
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/base64.h"
#include "checkpoint/bert_pre_tokenizer.h"
#include "checkpoint/tokenizer_json_fields.h"
#include "checkpoint/tokenizer_json_parts.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr const char* kSpace = "\\s";
constexpr const char* kPunctuation = "[!-/:-@\\[-`{-~\\p{P}]";
// Rust's \w+|[^\w\s]+ spelled out, because Oniguruma's \w differs: joiners and circled and squared letters.
constexpr const char* kWordsOrOthers =
    "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\u200C\u200D\u24B6-\u24E9\U0001F130-\U0001F149\U0001F150-\U0001F169"
    "\U0001F170-\U0001F189]+|[^\\s\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\u200C\u200D\u24B6-\u24E9\U0001F130-\U0001F149"
    "\U0001F150-\U0001F169\U0001F170-\U0001F189]+";

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

std::string ReadCharsMap(const json& options, const std::string& where) {
  const std::string text = GetString(options, "precompiled_charsmap", "", where);
  std::string map;
  if (!text.empty() && !DecodeBase64(text, &map)) {
    throw Error(ErrorCode::kBadInput, "{}: precompiled_charsmap is no base64", where);
  }
  return map;
}

}  // namespace

std::vector<NormalizerStep> ReadNormalizer(const json& root, std::string_view what) {
  const StepField field{"normalizer", "normalizers",
                        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace, Precompiled, "
                        "BertNormalizer, Nmt, ByteLevel",
                        what};
  std::vector<NormalizerStep> steps;
  ReadStepField(field, root, [&](const std::string& kind, const json& options) {
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
    } else if (kind == "Precompiled") {
      steps.emplace_back(NormalizeCharsMap{ReadCharsMap(options, where)});
    } else if (kind == "BertNormalizer") {
      const bool lowercase = GetBool(options, "lowercase", std::nullopt, where);
      steps.emplace_back(NormalizeBert{.clean_text = GetBool(options, "clean_text", std::nullopt, where),
                                       .chinese_apart = GetBool(options, "handle_chinese_chars", std::nullopt, where),
                                       .strip_accents = GetBool(options, "strip_accents", lowercase, where),
                                       .lowercase = lowercase});
    } else if (kind == "Nmt") {
      steps.emplace_back(NormalizeNmt{});
    } else if (kind == "ByteLevel") {
      steps.emplace_back(NormalizeByteLevel{});
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

std::vector<PreTokenizerStep> ReadPreTokenizer(const json& root, std::string_view what) {
  const StepField field{"pre_tokenizer", "pretokenizers",
                        "ByteLevel, Split, Digits, Metaspace, Whitespace, WhitespaceSplit, CharDelimiterSplit, "
                        "Punctuation, BertPreTokenizer, FixedLength",
                        what};
  std::vector<PreTokenizerStep> steps;
  ReadStepField(field, root, [&](const std::string& kind, const json& options) {
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
    } else if (kind == "Whitespace") {
      steps.emplace_back(SplitPattern{{kWordsOrOthers, true}, SplitBehavior::kRemoved, true});
    } else if (kind == "WhitespaceSplit") {
      steps.emplace_back(SplitPattern{{kSpace, true}, SplitBehavior::kRemoved, false});
    } else if (kind == "CharDelimiterSplit") {
      steps.emplace_back(
          SplitPattern{{ReadCharacter(options, "delimiter", where), false}, SplitBehavior::kRemoved, false});
    } else if (kind == "Punctuation") {
      const bool named = FindField(options, "behavior", where) != nullptr;
      steps.emplace_back(
          SplitPattern{{kPunctuation, true}, named ? ReadBehavior(options, where) : SplitBehavior::kIsolated, false});
    } else if (kind == "BertPreTokenizer") {
      steps.push_back(BertPreTokenizer());
    } else if (kind == "FixedLength") {
      const int64_t length = GetInt(options, "length", 5, 1, 65535, where);  // up to PCRE2's limit
      steps.emplace_back(SplitPattern{{fmt::format("(?m:.{{1,{}}})", length), true}, SplitBehavior::kIsolated, false});
    } else {
      return false;
    }
    return true;
  });
  return steps;
}

}  // namespace spate
