#include "checkpoint/tiktoken_model.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/base64.h"
#include "checkpoint/merge_derivation.h"
#include "tokenizer/token_table.h"
#include "tokenizer/word_scan.h"

namespace spate {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 22;
constexpr size_t kMaxTokenBytes = size_t{1} << 16;
constexpr int kSpecialTokens = 256;

template <typename... Args>
[[noreturn]] void Fail(std::string_view what, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kBadInput, "{}: {}", what, fmt::format(format, std::forward<Args>(args)...));
}

struct Line {
  std::string token;
  uint64_t rank;
};

// False if the line has another form.
bool ParseLine(std::string_view line, Line* parsed) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !DecodeBase64(line.substr(0, space), &parsed->token)) return false;
  const char* const end = line.data() + line.size();
  const auto [next, error] = std::from_chars(line.data() + space + 1, end, parsed->rank);
  return error == std::errc() && next == end;
}

// Takes the first line, without its end, off the bytes.
std::string_view TakeLine(std::string_view* bytes) {
  const std::string_view line = bytes->substr(0, bytes->find('\n'));
  bytes->remove_prefix(std::min(bytes->size(), line.size() + 1));
  return line;
}

}  // namespace

bool IsTiktokenModel(std::string_view bytes) {
  Line first;
  return ParseLine(TakeLine(&bytes), &first);
}

Vocabulary ParseTiktokenModel(std::string_view bytes, std::string_view what) {
  Vocabulary v;
  v.spelling = TokenSpelling::kBytes;
  size_t number = 0;
  while (!bytes.empty()) {
    const std::string_view text = TakeLine(&bytes);
    ++number;
    if (text.empty()) continue;
    Line line;
    if (!ParseLine(text, &line)) {
      Fail(what, "line {} is '{}', expected a token in base64, a space and its rank", number, OneLine(text, 40));
    }
    if (line.rank != v.tokens.size())
      Fail(what, "line {} has rank {}, expected {}", number, line.rank, v.tokens.size());
    if (line.token.size() > kMaxTokenBytes) Fail(what, "line {}: a token of {} bytes", number, line.token.size());
    if (v.tokens.size() == kMaxTokens) Fail(what, "more than {} tokens", kMaxTokens);
    v.tokens.push_back(std::move(line.token));
  }
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  const TokenTable table(v.tokens, v.kinds);
  if (const auto twice = table.duplicate(); twice.second >= 0) {
    Fail(what, "tokens {} and {} are the same", twice.first, twice.second);
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (table.Find({&c, 1}) < 0) Fail(what, "no token for byte 0x{:02x}; is the file complete?", byte);
  }
  std::vector<int32_t> ranks(v.tokens.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  v.merges = DeriveMerges(v.tokens, ranks, table);
  v.merges_by_text = true;
  v.ignore_merges = true;
  v.pre_tokenizer = {SplitPattern{{std::string(RegexOf(KnownPattern::kLlama3)), true}, SplitBehavior::kIsolated, false},
                     SplitByteLevel{false, false}};
  v.decoder = {DecodeByteLevel{}};
  return v;
}

void AddLlama3SpecialTokens(Vocabulary* v) {
  const int32_t first = static_cast<int32_t>(v->tokens.size());
  constexpr std::pair<int, std::string_view> kNamed[] = {{0, "<|begin_of_text|>"},
                                                         {1, "<|end_of_text|>"},
                                                         {6, "<|start_header_id|>"},
                                                         {7, "<|end_header_id|>"},
                                                         {9, "<|eot_id|>"}};
  int reserved = 0;
  for (int i = 0; i < kSpecialTokens; ++i) {
    std::string text;
    for (const auto& [place, name] : kNamed) {
      if (place == i) text = name;
    }
    if (text.empty()) text = fmt::format("<|reserved_special_token_{}|>", reserved++);
    v->added.push_back({.id = first + i, .text = std::move(text), .special = true});
  }
  v->tokens.resize(v->tokens.size() + kSpecialTokens);
  v->kinds.resize(v->tokens.size(), TokenKind::kAbsent);
  v->bos = first;
  v->eos = {first + 1, first + 9};
  v->post_processor = {{.is_text = false, .ids = {v->bos}}, {.is_text = true, .ids = {}}};
}

}  // namespace spate
