#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

#include "base/error.h"
#include "checkpoint/gguf_pre_tokenizers.h"
#include "convert/gguf/gguf_tokenizer_export.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/word_scan.h"

namespace spate {
namespace {

// Of several names for one way to cut text, those of the models that people know it by.
constexpr std::array<std::string_view, 10> kPreferred = {"llama-bpe", "gpt-2",     "qwen2",       "tekken", "gpt-4o",
                                                         "starcoder", "smaug-bpe", "deepseek-v3", "falcon", "default"};

std::string PatternText(const TextPattern& pattern) {
  const KnownPattern known = pattern.is_regex ? RecognizePattern(pattern.text) : KnownPattern::kNone;
  if (known != KnownPattern::kNone) return fmt::format("known {}", static_cast<int>(known));
  return fmt::format("{} {}", pattern.is_regex ? "regex" : "text", pattern.text);
}

std::string CutAt(std::string_view pattern) { return fmt::format("{} isolated", pattern); }

// A step as text, the same for all ways to say the same; byte-level steps with a pattern are two.
void Describe(const PreTokenizerStep& step, std::vector<std::string>* out) {
  if (const auto* bytes = std::get_if<SplitByteLevel>(&step)) {
    if (bytes->add_prefix_space) out->push_back("a space before the text");
    if (bytes->use_regex) out->push_back(CutAt(fmt::format("known {}", static_cast<int>(KnownPattern::kGpt2))));
    out->push_back("bytes");
  } else if (const auto* split = std::get_if<SplitPattern>(&step)) {
    const KnownPattern known = split->pattern.is_regex ? RecognizePattern(split->pattern.text) : KnownPattern::kNone;
    // Where matches lie end to end, dropping what is between them changes nothing.
    const bool dropped = split->behavior == SplitBehavior::kRemoved && split->invert;
    const bool all = dropped && known != KnownPattern::kNone && LeavesNoGap(known);
    const bool isolated = split->behavior == SplitBehavior::kIsolated;
    out->push_back(all || isolated ? CutAt(PatternText(split->pattern))
                                   : fmt::format("{} {} {}", PatternText(split->pattern),
                                                 static_cast<int>(split->behavior), split->invert));
  } else if (const auto* digits = std::get_if<SplitDigits>(&step)) {
    out->push_back(digits->individual ? "digits" : "numbers");
  } else {
    out->push_back("metaspace");
  }
}

std::vector<std::string> Describe(const std::vector<PreTokenizerStep>& steps) {
  std::vector<std::string> described;
  for (const PreTokenizerStep& step : steps) Describe(step, &described);
  return described;
}

// GGUF has no normalizer. Text is nearly always in NFC already.
void CheckNormalizer(const Vocabulary& v, const std::string& what, std::vector<std::string>* notes) {
  for (const NormalizerStep& step : v.normalizer) {
    const auto* unicode = std::get_if<NormalizeUnicode>(&step);
    if (unicode == nullptr || unicode->form != UnicodeForm::kNfc) {
      throw Error(ErrorCode::kBadInput,
                  "{}: a byte-level tokenizer that changes the text first, which GGUF cannot "
                  "express",
                  what);
    }
    notes->push_back("the tokenizer puts text into Unicode's form NFC first; programs that read GGUF do not");
  }
}

std::vector<std::string> MergeTexts(const Vocabulary& v) {
  std::vector<const Merge*> merges;
  for (const Merge& merge : v.merges) merges.push_back(&merge);
  std::ranges::stable_sort(merges, {}, [&](const Merge* merge) {
    return merge->rank >= 0 ? int64_t{merge->rank} : merge - v.merges.data();
  });
  std::vector<std::string> texts;
  for (const Merge* merge : merges) {
    texts.push_back(SpellBytes(v.tokens[static_cast<size_t>(merge->left)]) + " " +
                    SpellBytes(v.tokens[static_cast<size_t>(merge->right)]));
  }
  return texts;
}

}  // namespace

std::string_view NameOfPreTokenizer(const Vocabulary& v) {
  const std::vector<std::string> wanted = Describe(v.pre_tokenizer);
  std::vector<std::string_view> names(kPreferred.begin(), kPreferred.end());
  for (const std::string_view name : GgufPreTokenizerNames()) names.push_back(name);
  for (const std::string_view name : names) {
    const GgufPreTokenizer* pre = FindGgufPreTokenizer(name);
    if (pre == nullptr || pre->spells_text || pre->add_sep || pre->ignore_merges != v.ignore_merges) continue;
    std::vector<PreTokenizerStep> steps = StepsOf(*pre);
    steps.emplace_back(SplitByteLevel{.add_prefix_space = false, .use_regex = false});
    if (Describe(steps) == wanted) return name;
  }
  return {};
}

void AddByteLevelTokenizer(const Vocabulary& v, const std::string& what, GgufTokenList* list, GgufHeader* header,
                           std::vector<std::string>* notes) {
  CheckNormalizer(v, what, notes);
  if (!v.subword_prefix.empty() || !v.word_suffix.empty()) {
    throw Error(ErrorCode::kBadInput, "{}: marks parts of words by a prefix or suffix, which GGUF cannot express",
                what);
  }
  const std::string_view pre = NameOfPreTokenizer(v);
  if (pre.empty()) {
    throw Error(ErrorCode::kBadInput,
                "{}: cuts text into words in a way that GGUF has no name for (--no-tokenizer "
                "leaves the tokenizer out)",
                what);
  }
  header->String("tokenizer.ggml.model", "gpt2");
  header->String("tokenizer.ggml.pre", pre);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.kinds[id] == TokenKind::kAbsent) continue;
    const bool model = v.kinds[id] == TokenKind::kModel;
    list->Set(static_cast<int32_t>(id), model ? SpellBytes(v.tokens[id]) : v.tokens[id], GgufTokenType::kNormal);
  }
  header->Strings("tokenizer.ggml.merges", MergeTexts(v));
}

}  // namespace spate
