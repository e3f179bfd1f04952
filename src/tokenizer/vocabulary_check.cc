#include "tokenizer/vocabulary_check.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"

namespace spate {
namespace {

constexpr size_t kMaxShown = 40;    // bytes of a token in a message
constexpr double kMaxScore = 1e30;  // sums of a word's scores stay finite

template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kBadInput, "tokenizer: {}", fmt::format(format, std::forward<Args>(args)...));
}

bool InRange(const Vocabulary& v, int32_t id) { return id >= 0 && static_cast<size_t>(id) < v.tokens.size(); }

bool IsModelToken(const Vocabulary& v, int32_t id) {
  return InRange(v, id) && v.kinds[static_cast<size_t>(id)] != TokenKind::kAbsent;
}

const std::string& TextOf(const Vocabulary& v, int32_t id) { return v.tokens[static_cast<size_t>(id)]; }

void CheckTokens(const Vocabulary& v) {
  if (v.tokens.empty()) Fail("the vocabulary is empty");
  if (v.tokens.size() >= INT32_MAX) Fail("{} tokens are too many", v.tokens.size());
  if (v.kinds.size() != v.tokens.size()) Fail("{} tokens, but kinds of {}", v.tokens.size(), v.kinds.size());
  if (v.spelling == TokenSpelling::kText) {
    for (size_t id = 0; id < v.tokens.size(); ++id) {
      if (!IsValidUtf8(v.tokens[id])) Fail("token {} is not valid UTF-8", id);
    }
  }
}

void CheckMerges(const Vocabulary& v) {
  for (size_t i = 0; i < v.merges.size(); ++i) {
    const Merge& m = v.merges[i];
    for (const int32_t id : {m.left, m.right, m.result}) {
      if (!IsModelToken(v, id)) Fail("merge {} names token {}, which does not exist", i, id);
    }
    if (v.merges_by_text) continue;
    const std::string& left = TextOf(v, m.left);
    const std::string& right = TextOf(v, m.right);
    const std::string& result = TextOf(v, m.result);
    // Joining nothing would go on forever.
    if (left.empty() || right.empty()) Fail("merge {} joins an empty token", i);
    const size_t prefix = v.subword_prefix.size();
    const bool fits = right.size() >= prefix && result.size() == left.size() + right.size() - prefix &&
                      result.starts_with(left) && result.ends_with(std::string_view(right).substr(prefix));
    if (!fits) {
      Fail("merge {} of '{}' and '{}' makes '{}'", i, OneLine(left, kMaxShown), OneLine(right, kMaxShown),
           OneLine(result, kMaxShown));
    }
  }
}

void CheckAdded(const Vocabulary& v) {
  std::unordered_set<int32_t> ids;
  std::unordered_set<std::string_view> texts;
  for (const AddedToken& token : v.added) {
    if (!InRange(v, token.id)) Fail("added token id {}, expected 0 to {}", token.id, v.tokens.size() - 1);
    if (token.text.empty()) Fail("added token {} is empty", token.id);
    if (!IsValidUtf8(token.text)) Fail("added token {} is not valid UTF-8", token.id);
    if (!IsValidUtf8(token.surface)) Fail("the surface of added token {} is not valid UTF-8", token.id);
    if (!ids.insert(token.id).second) Fail("two added tokens have id {}", token.id);
    if (!texts.insert(token.text).second) Fail("added token '{}' occurs twice", OneLine(token.text, kMaxShown));
    const TokenKind kind = v.kinds[static_cast<size_t>(token.id)];
    const std::string& known = TextOf(v, token.id);
    const bool spelled = v.spelling == TokenSpelling::kBytes && kind == TokenKind::kModel;
    if (kind != TokenKind::kAbsent && token.text != (spelled ? SpellBytes(known) : known)) {
      Fail("added token '{}' has id {}, which is the model's '{}'", OneLine(token.text, kMaxShown), token.id,
           OneLine(known, kMaxShown));
    }
  }
}

void CheckModel(const Vocabulary& v) {
  for (const int32_t id : v.fixed) {
    if (!IsModelToken(v, id) || TextOf(v, id).empty()) Fail("fixed token {} does not exist or is empty", id);
  }
  if (v.model == ModelKind::kWordPiece) {
    if (!IsModelToken(v, v.unk)) Fail("a WordPiece model without an unk token");
    if (v.spelling == TokenSpelling::kBytes) Fail("WordPiece behind a ByteLevel pre-tokenizer is not supported");
  }
  if (v.model != ModelKind::kUnigram) return;
  if (v.scores.size() != v.tokens.size()) Fail("{} tokens, but scores of {}", v.tokens.size(), v.scores.size());
  for (size_t id = 0; id < v.scores.size(); ++id) {
    if (std::isnan(v.scores[id]) || v.scores[id] > kMaxScore) Fail("token {} has score {}", id, v.scores[id]);
  }
  if (!std::isfinite(v.unk_score)) Fail("unknown characters have score {}", v.unk_score);
}

void CheckNamedIds(const Vocabulary& v) {
  const auto exists = [&](int32_t id) {
    return IsModelToken(v, id) || std::ranges::any_of(v.added, [&](const AddedToken& t) { return t.id == id; });
  };
  const auto check = [&](std::string_view name, int32_t id) {
    if (id != -1 && !exists(id)) Fail("{} token id {} does not exist", name, id);
  };
  check("bos", v.bos);
  check("pad", v.pad);
  check("unk", v.unk);
  for (const int32_t id : v.eos) {
    if (id < 0) Fail("eos token id {} does not exist", id);  // a model may end on ids of a padded vocabulary
  }
  for (const TemplatePiece& piece : v.post_processor) {
    for (const int32_t id : piece.ids) {
      if (!exists(id)) Fail("the post-processor adds token {}, which does not exist", id);
    }
  }
}

void CheckBytes(const Vocabulary& v) {
  const bool splits_bytes = std::ranges::any_of(
      v.pre_tokenizer, [](const PreTokenizerStep& step) { return std::holds_alternative<SplitByteLevel>(step); });
  const bool is_bytes = v.spelling == TokenSpelling::kBytes;
  if (splits_bytes != is_bytes) {
    Fail("the tokens are {}, but the pre-tokenizer {} ByteLevel", is_bytes ? "bytes" : "text",
         splits_bytes ? "has" : "lacks");
  }
}

}  // namespace

void CheckVocabulary(const Vocabulary& v) {
  CheckTokens(v);
  CheckMerges(v);
  CheckAdded(v);
  CheckModel(v);
  CheckNamedIds(v);
  CheckBytes(v);
}

void CheckAgainstTable(const Vocabulary& v, const TokenTable& table) {
  if (const auto twice = table.duplicate(); twice.second >= 0) {
    Fail("tokens {} and {} are both '{}'", twice.first, twice.second, OneLine(TextOf(v, twice.first), kMaxShown));
  }
  for (const AddedToken& token : v.added) {
    std::string text = token.text;
    if (v.spelling == TokenSpelling::kBytes && !UnspellBytes(token.text, &text)) continue;
    const int32_t id = table.Find(text);
    if (id >= 0 && id != token.id) {
      Fail("added token '{}' has id {}, the model knows it as {}", OneLine(token.text, kMaxShown), token.id, id);
    }
  }
  if (v.spelling == TokenSpelling::kBytes && v.byte_fallback) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      if (table.Find({&c, 1}) < 0) Fail("byte_fallback of a byte-level model without a token for byte {}", byte);
    }
  }
}

}  // namespace spate
