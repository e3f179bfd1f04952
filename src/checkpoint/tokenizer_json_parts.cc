#include "checkpoint/tokenizer_json_parts.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/json_cursor.h"

namespace spate {
namespace {

// The largest published tokenizer.json are 35 MB with 260,000 tokens and 580,000 merges.
constexpr size_t kMaxBytes = size_t{256} << 20;
constexpr size_t kMaxTokens = size_t{1} << 22;
constexpr size_t kMaxMerges = size_t{1} << 23;
constexpr size_t kMaxValues = size_t{1} << 21;  // in what becomes a JSON value
constexpr int kMaxDepth = 32;
constexpr size_t kMaxShown = 40;

// What a JSON value is, by its text.
std::string_view KindOf(std::string_view value) {
  switch (value.front()) {
    case '[':
      return "an array";
    case '{':
      return "an object";
    case '"':
      return "a string";
    case 't':
    case 'f':
      return "a boolean";
    case 'n':
      return "null";
    default:
      break;
  }
  if (value.find_first_of(".eE") != std::string_view::npos) return "a fraction";
  return value.front() == '-' ? "a negative number" : "a number";
}

// Walks over the file. The vocabulary and the merges are read on the way; all else is only skipped, and the text
// without those two is what a real parser then checks.
class PartsReader {
 public:
  PartsReader(std::string_view text, std::string_view what, TokenizerJsonParts* parts)
      : text_(text), what_(what), parts_(parts), cursor_(text) {}

  void Read() {
    ReadMembers([&](std::string_view key) {
      if (key == "model" && cursor_.Peek() == '{') {
        ReadMembers([&](std::string_view field) { return ReadModelField(field); });
        return true;
      }
      return cursor_.SkipValue();
    });
    const bool whole = kept_ == 0;  // then the bytes that an error counts are the file's
    if (!whole) rest_ += text_.substr(kept_);
    parts_->rest = ParseJson(whole ? text_ : rest_, {kMaxBytes, kMaxDepth, kMaxValues},
                             whole ? std::string(what_) : fmt::format("{} without model.vocab and merges", what_));
    if (!parts_->rest.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected a JSON object", what_);
    if (const auto model = parts_->rest.find("model"); model != parts_->rest.end() && model->is_object()) {
      if (parts_->has_vocab) model->erase("vocab");
      if (parts_->has_merges) model->erase("merges");
    }
  }

 private:
  template <typename... Args>
  [[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kBadInput, "{}: {}", what_, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void FailSyntax() const {
    const size_t at = std::min(cursor_.at(), text_.size());
    Fail("not JSON at byte {} ('{}')", at, Show(text_.substr(at, kMaxShown)));
  }
  static std::string Show(std::string_view text) { return OneLine(text, kMaxShown); }

  // Calls read(key) with the cursor on the value of each member of the object at the cursor. Stops in silence where the
  // text is no object: the parser will say why.
  template <typename ReadMember>
  void ReadMembers(const ReadMember& read) {
    if (!cursor_.Take('{')) return;
    do {
      std::string buffer;
      const std::optional<std::string_view> key = cursor_.String(&buffer);
      if (!key || !cursor_.Take(':') || !read(*key)) return;
    } while (cursor_.Take(','));
    cursor_.Take('}');
  }

  bool ReadModelField(std::string_view field) {
    const char opening = cursor_.Peek();
    const size_t begin = cursor_.at();
    if (field == "vocab" && opening == '{') {
      if (parts_->has_vocab) Fail("model.vocab occurs twice");
      parts_->has_vocab = true;
      ReadVocab();
    } else if (field == "merges" && opening == '[') {
      if (parts_->has_merges) Fail("model.merges occurs twice");
      parts_->has_merges = true;
      ReadMerges();
    } else {
      return cursor_.SkipValue();
    }
    if (kept_ == 0) rest_.reserve(text_.size() - (cursor_.at() - begin) + 1);
    rest_ += text_.substr(kept_, begin - kept_);
    rest_ += '0';
    kept_ = cursor_.at();
    return true;
  }

  std::string_view ReadString(std::string* buffer) {
    const std::optional<std::string_view> text = cursor_.String(buffer);
    if (!text) FailSyntax();
    return *text;
  }

  void ReadVocab() {
    cursor_.Take('{');
    if (cursor_.Take('}')) return;
    std::string buffer;
    do {
      const std::string_view token = ReadString(&buffer);
      if (!cursor_.Take(':')) FailSyntax();
      const JsonCursor value = cursor_;
      const std::optional<uint64_t> id = cursor_.Unsigned();
      if (!id || *id >= kMaxTokens) FailId(token, value);
      if (parts_->vocab.size() == kMaxTokens) Fail("model.vocab: more than {} tokens", kMaxTokens);
      const size_t begin = parts_->vocab_text.size();
      parts_->vocab_text += token;
      // Fits: the text is shorter than the file.
      parts_->vocab.push_back(
          {static_cast<uint32_t>(begin), static_cast<uint32_t>(parts_->vocab_text.size()), static_cast<int32_t>(*id)});
    } while (cursor_.Take(','));
    if (!cursor_.Take('}')) FailSyntax();
  }

  [[noreturn]] void FailId(std::string_view token, JsonCursor value_begin) {
    cursor_ = value_begin;
    const size_t begin = (cursor_.Peek(), cursor_.at());
    if (cursor_.SkipValue() && cursor_.at() > begin) {
      const std::string_view value = text_.substr(begin, cursor_.at() - begin);
      if (value.find_first_not_of("0123456789") != std::string_view::npos) {
        Fail("model.vocab: '{}' is {}, expected an id", Show(token), KindOf(value));
      }
      Fail("model.vocab: '{}' has id {}, supported are ids below {}", Show(token), Show(value), kMaxTokens);
    }
    FailSyntax();
  }

  void ReadMerges() {
    cursor_.Take('[');
    if (cursor_.Take(']')) return;
    do {
      const char first = cursor_.Peek();
      if (first == '"') {
        LegacyMerge(ReadString(&buffer_));
      } else if (first == '[') {
        AddMerge();
        PairMerge();
      } else {
        FailMerge();
      }
    } while (cursor_.Take(','));
    if (!cursor_.Take(']')) FailSyntax();
  }

  [[noreturn]] void FailMerge() {
    const size_t begin = (cursor_.Peek(), cursor_.at());
    if (!cursor_.SkipValue() || cursor_.at() == begin) FailSyntax();
    Fail("model.merges[{}]: {}, expected \"a b\" or [\"a\", \"b\"]", parts_->merges.size(),
         KindOf(text_.substr(begin, cursor_.at() - begin)));
  }

  void AddMerge() {
    if (parts_->merges.size() == kMaxMerges) Fail("more than {} merges", kMaxMerges);
    parts_->merges.push_back({TextEnd(), TextEnd(), TextEnd()});
  }

  // Fits: the text is shorter than the file.
  uint32_t TextEnd() const { return static_cast<uint32_t>(parts_->merge_text.size()); }

  void LegacyMerge(std::string_view line) {
    if (line.starts_with("#version")) return;  // the first line of the merges.txt that it was
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      Fail("model.merges[{}]: '{}', expected two tokens with a space between", parts_->merges.size(), Show(line));
    }
    AddMerge();
    parts_->merge_text += line.substr(0, space);
    parts_->merges.back().middle = TextEnd();
    parts_->merge_text += line.substr(space + 1);
    parts_->merges.back().end = TextEnd();
  }

  void PairMerge() {
    cursor_.Take('[');
    size_t tokens = 0;
    if (!cursor_.Take(']')) {
      do {
        if (cursor_.Peek() != '"') FailMerge();
        if (tokens == 2) Fail("model.merges[{}] has more than two tokens", parts_->merges.size() - 1);
        parts_->merge_text += ReadString(&buffer_);
        (tokens++ == 0 ? parts_->merges.back().middle : parts_->merges.back().end) = TextEnd();
      } while (cursor_.Take(','));
      if (!cursor_.Take(']')) FailSyntax();
    }
    if (tokens != 2) Fail("model.merges[{}] has {} tokens, expected 2", parts_->merges.size() - 1, tokens);
  }

  std::string_view text_;
  std::string_view what_;
  TokenizerJsonParts* parts_;
  JsonCursor cursor_;
  std::string buffer_;  // of strings with escapes
  std::string rest_;    // the text up to kept_ without the lists, each of which is a 0 there
  size_t kept_ = 0;
};

}  // namespace

TokenizerJsonParts TakeTokenizerJsonApart(std::string_view text, std::string_view what) {
  if (text.size() > kMaxBytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} bytes, supported are up to {}", what, text.size(), kMaxBytes);
  }
  TokenizerJsonParts parts;
  PartsReader(text, what, &parts).Read();
  return parts;
}

}  // namespace spate
