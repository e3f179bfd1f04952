#include "checkpoint/tokenizer_json_parts.h"

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

using nlohmann::json;

// The largest published tokenizer.json are 35 MB with 260,000 tokens and 580,000 merges.
constexpr size_t kMaxBytes = size_t{256} << 20;
constexpr size_t kMaxTokens = size_t{1} << 22;
constexpr size_t kMaxMerges = size_t{1} << 23;
constexpr size_t kMaxValues = size_t{1} << 21;  // in what becomes a JSON value
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxShown = 40;

class PartsReader final : public json::json_sax_t {
 public:
  PartsReader(std::string_view what, TokenizerJsonParts* parts) : what_(what), parts_(parts) {}

  bool null() override { return Value(json(nullptr), "null"); }
  bool boolean(bool v) override { return Value(json(v), "a boolean"); }
  bool number_integer(json::number_integer_t v) override { return Value(json(v), "a negative number"); }
  bool number_float(json::number_float_t v, const std::string&) override { return Value(json(v), "a fraction"); }
  bool binary(json::binary_t&) override { return Value(json(nullptr), "binary data"); }
  bool number_unsigned(json::number_unsigned_t v) override {
    if (place_ != kVocab) return Value(json(v), "a number");
    if (v >= kMaxTokens) Fail("model.vocab: '{}' has id {}, supported are ids below {}", Show(key_), v, kMaxTokens);
    parts_->vocab.emplace_back(std::move(key_), static_cast<int32_t>(v));
    return true;
  }
  bool string(std::string& v) override {
    if (place_ == kMerges) {
      LegacyMerge(v);
    } else if (place_ == kMergePair) {
      if (pair_size_ == 2) Fail("model.merges[{}] has more than two tokens", parts_->merges.size() - 1);
      parts_->merge_text += v;
      (pair_size_++ == 0 ? parts_->merges.back().middle : parts_->merges.back().end) = TextEnd();
    } else {
      return Value(json(std::move(v)), "a string");
    }
    return true;
  }
  bool key(std::string& v) override {
    key_ = std::move(v);
    return true;
  }
  bool start_object(size_t) override {
    if (place_ == kRest && InModel("vocab")) {
      if (parts_->has_vocab) Fail("model.vocab occurs twice");
      parts_->has_vocab = true;
      place_ = kVocab;
      return true;
    }
    return Open(json::object(), "an object");
  }
  bool start_array(size_t) override {
    if (place_ == kRest && InModel("merges")) {
      if (parts_->has_merges) Fail("model.merges occurs twice");
      parts_->has_merges = true;
      place_ = kMerges;
      return true;
    }
    if (place_ == kMerges) {
      AddMerge();
      place_ = kMergePair;
      pair_size_ = 0;
      return true;
    }
    return Open(json::array(), "an array");
  }
  bool end_object() override {
    if (place_ == kVocab) {
      place_ = kRest;
    } else {
      Close();
    }
    return true;
  }
  bool end_array() override {
    if (place_ == kMergePair) {
      if (pair_size_ != 2) Fail("model.merges[{}] has {} tokens, expected 2", parts_->merges.size() - 1, pair_size_);
      place_ = kMerges;
    } else if (place_ == kMerges) {
      place_ = kRest;
    } else {
      Close();
    }
    return true;
  }
  bool parse_error(size_t position, const std::string& token, const nlohmann::detail::exception&) override {
    Fail("not JSON at byte {} ('{}')", position, OneLine(token, kMaxShown));
  }

 private:
  enum Place { kRest, kVocab, kMerges, kMergePair };

  template <typename... Args>
  [[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kBadInput, "{}: {}", what_, fmt::format(format, std::forward<Args>(args)...));
  }
  static std::string Show(std::string_view text) { return OneLine(text, kMaxShown); }

  bool InModel(std::string_view name) const {
    return open_.size() == 2 && open_.back()->is_object() && outer_key_ == "model" && key_ == name;
  }

  bool Value(json value, std::string_view kind) {
    Put(std::move(value), kind);
    return true;
  }

  json* Put(json value, std::string_view kind) {
    if (place_ == kVocab) Fail("model.vocab: '{}' is {}, expected an id", Show(key_), kind);
    if (place_ != kRest) {
      Fail("model.merges[{}]: {}, expected \"a b\" or [\"a\", \"b\"]", parts_->merges.size(), kind);
    }
    if (++values_ > kMaxValues) Fail("more than {} values beside vocabulary and merges", kMaxValues);
    if (open_.empty()) {
      parts_->rest = std::move(value);
      return &parts_->rest;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool Open(json value, std::string_view kind) {
    if (open_.size() == kMaxDepth) Fail("nested deeper than {} levels", kMaxDepth);
    if (open_.size() == 1) outer_key_ = key_;
    open_.push_back(Put(std::move(value), kind));
    return true;
  }

  void Close() { open_.pop_back(); }

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

  std::string_view what_;
  TokenizerJsonParts* parts_;
  Place place_ = kRest;
  std::vector<json*> open_;  // parents of what comes next; none grows while a child is open
  std::string key_;
  std::string outer_key_;  // of the root's member that we are in
  size_t values_ = 0;
  size_t pair_size_ = 0;
};

}  // namespace

TokenizerJsonParts TakeTokenizerJsonApart(std::string_view text, std::string_view what) {
  if (text.size() > kMaxBytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} bytes, supported are up to {}", what, text.size(), kMaxBytes);
  }
  TokenizerJsonParts parts;
  PartsReader reader(what, &parts);
  json::sax_parse(text.data(), text.data() + text.size(), &reader);
  if (!parts.rest.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected a JSON object", what);
  return parts;
}

}  // namespace spate
