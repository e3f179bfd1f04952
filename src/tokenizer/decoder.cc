#include "tokenizer/decoder.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

// <0x41> is 0x41; -1: no such token. The two digits are read as Rust's from_str_radix does, which takes a plus sign.
int FallbackByte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  const int low = digit(token[4]);
  const int high = token[3] == '+' ? 0 : digit(token[3]);
  return low < 0 || high < 0 ? -1 : high * 16 + low;
}

// How many times `content` stands at the start of `text`, at most `limit` times.
size_t CountStart(std::string_view text, std::string_view content, size_t limit) {
  size_t count = 0;
  for (; count < limit && text.starts_with(content); ++count) text.remove_prefix(content.size());
  return count;
}

size_t CountEnd(std::string_view text, std::string_view content, size_t limit) {
  size_t count = 0;
  for (; count < limit && text.ends_with(content); ++count) text.remove_suffix(content.size());
  return count;
}

}  // namespace

DecodeStream::DecodeStream(const std::vector<DecoderStep>& steps, bool join_with_spaces, bool continues)
    : join_with_spaces_(join_with_spaces), joined_any_(continues) {
  bool fused = false;
  for (const DecoderStep& step : steps) {
    Step& state = steps_.emplace_back();
    state.step = step;
    state.fused = fused;
    state.first = !continues;
    const bool fuses = std::holds_alternative<DecodeFuse>(step) || std::holds_alternative<DecodeByteLevel>(step);
    if (fused && (fuses || std::holds_alternative<DecodeByteFallback>(step))) {
      throw Error(ErrorCode::kBadInput,
                  "tokenizer: decoders Fuse, ByteLevel and ByteFallback are not supported behind Fuse or ByteLevel");
    }
    if (const auto* replace = std::get_if<DecodeReplace>(&step)) {
      if (replace->pattern.text.empty()) {
        throw Error(ErrorCode::kBadInput, "tokenizer: decoder Replace has an empty pattern");
      }
      if (replace->pattern.is_regex) {
        if (fused) {
          throw Error(ErrorCode::kBadInput,
                      "tokenizer: decoder Replace with a regular expression is not supported behind Fuse or ByteLevel");
        }
        state.regex = std::make_shared<Regex>(replace->pattern.text);
      }
    }
    if (fused && (std::holds_alternative<DecodeBpe>(step) || std::holds_alternative<DecodeWordPiece>(step))) {
      throw Error(ErrorCode::kBadInput,
                  "tokenizer: decoders BPEDecoder and WordPiece are not supported behind Fuse or ByteLevel");
    }
    if (const auto* strip = std::get_if<DecodeStrip>(&step)) {
      if (strip->content.empty()) throw Error(ErrorCode::kBadInput, "tokenizer: decoder Strip has no character");
      if (!fused || !continues) state.start_left = strip->start;
    }
    fused |= fuses;
  }
}

void DecodeStream::Push(std::string_view token, std::string* out) {
  if (join_with_spaces_) {
    if (joined_any_) *out += ' ';
    joined_any_ = true;
  }
  Feed(0, token, out);
}

void DecodeStream::Feed(size_t at, std::string_view text, std::string* out) {
  if (at == steps_.size()) {
    *out += text;
    return;
  }
  const DecoderStep& step = steps_[at].step;
  if (std::holds_alternative<DecodeByteLevel>(step)) {
    std::string bytes;
    // As the first step it is given bytes; behind others it has to undo the alphabet, token by token.
    if (at > 0 && UnspellBytes(text, &bytes)) return FeedBytes(at, bytes, out);
    return FeedBytes(at, text, out);
  }
  if (std::holds_alternative<DecodeReplace>(step)) return FeedReplace(at, text, out);
  if (std::holds_alternative<DecodeByteFallback>(step)) return FeedFallback(at, text, out);
  if (std::holds_alternative<DecodeStrip>(step)) return FeedStrip(at, text, out);
  if (std::holds_alternative<DecodeMetaspace>(step)) return FeedMetaspace(at, text, out);
  if (std::holds_alternative<DecodeBpe>(step)) return FeedBpe(at, text, out);
  if (std::holds_alternative<DecodeWordPiece>(step)) return FeedWordPiece(at, text, out);
  if (std::holds_alternative<DecodeSentencePiece>(step)) return FeedSentencePiece(at, text, out);
  Feed(at + 1, text, out);  // Fuse: from here on the tokens are pieces of one text
}

// Bytes become text as soon as the characters are complete, invalid ones U+FFFD.
void DecodeStream::FeedBytes(size_t at, std::string_view bytes, std::string* out) {
  std::string& held = steps_[at].held;
  held += bytes;
  const size_t whole = held.size() - IncompleteUtf8Tail(held);
  if (whole == 0) return;
  const std::string text = ReplaceInvalidUtf8(std::string_view(held).substr(0, whole));
  held.erase(0, whole);
  Feed(at + 1, text, out);
}

void DecodeStream::FeedReplace(size_t at, std::string_view text, std::string* out) {
  const auto& replace = std::get<DecodeReplace>(steps_[at].step);
  if (steps_[at].regex) return Feed(at + 1, ReplaceRegex(text, *steps_[at].regex, replace.content), out);
  const std::string& pattern = replace.pattern.text;
  if (!steps_[at].fused) return Feed(at + 1, ReplaceAll(text, pattern, replace.content), out);
  // The pattern may lie across pieces: hold back what could be the start of one.
  std::string& held = steps_[at].held;
  held += text;
  size_t done = 0;
  for (size_t found; (found = held.find(pattern, done)) != std::string::npos;) {
    done = found + pattern.size();
  }
  size_t hold = std::min(held.size() - done, pattern.size() - 1);
  while (hold > 0 && !pattern.starts_with(std::string_view(held).substr(held.size() - hold))) --hold;
  const std::string ready = ReplaceAll(std::string_view(held).substr(0, held.size() - hold), pattern, replace.content);
  held.erase(0, held.size() - hold);
  if (!ready.empty()) Feed(at + 1, ready, out);
}

// A run of byte tokens is text if all of it is valid UTF-8, else as many U+FFFD as there are bytes: nothing of it is
// certain before it ends.
void DecodeStream::FeedFallback(size_t at, std::string_view text, std::string* out) {
  const int byte = FallbackByte(text);
  if (byte >= 0) {
    steps_[at].held += static_cast<char>(byte);
    return;
  }
  EndFallback(at, out);
  Feed(at + 1, text, out);
}

void DecodeStream::EndFallback(size_t at, std::string* out) {
  const std::string bytes = std::move(steps_[at].held);
  steps_[at].held.clear();
  if (bytes.empty()) return;
  if (IsValidUtf8(bytes)) return Feed(at + 1, bytes, out);
  for (size_t i = 0; i < bytes.size(); ++i) Feed(at + 1, kReplacement, out);
}

void DecodeStream::FeedStrip(size_t at, std::string_view text, std::string* out) {
  Step& state = steps_[at];
  const auto& strip = std::get<DecodeStrip>(state.step);
  const size_t width = strip.content.size();
  if (!state.fused) {
    const size_t start = CountStart(text, strip.content, strip.start);
    const size_t stop = CountEnd(text.substr(start * width), strip.content, strip.stop);
    return Feed(at + 1, text.substr(start * width, text.size() - (start + stop) * width), out);
  }
  if (text.empty()) return;
  const size_t start = CountStart(text, strip.content, state.start_left);
  text.remove_prefix(start * width);
  state.start_left = text.empty() ? state.start_left - start : 0;
  std::string joined = std::move(state.held);
  joined += text;
  const size_t hold = CountEnd(joined, strip.content, strip.stop) * width;
  state.held = joined.substr(joined.size() - hold);
  joined.resize(joined.size() - hold);
  if (!joined.empty()) Feed(at + 1, joined, out);
}

void DecodeStream::FeedMetaspace(size_t at, std::string_view text, std::string* out) {
  Step& state = steps_[at];
  const auto& space = std::get<DecodeMetaspace>(state.step);
  const bool drop = state.first && space.scheme != PrependScheme::kNever;
  if (!state.fused) state.first = false;  // all of a fused text counts as its first token
  Feed(at + 1, ReplaceAll(text, space.replacement, drop ? "" : " "), out);
}

// Whether the suffix becomes a space depends on whether a token follows: the last one is held back.
void DecodeStream::FeedBpe(size_t at, std::string_view text, std::string* out) {
  Step& state = steps_[at];
  const std::string& suffix = std::get<DecodeBpe>(state.step).suffix;
  const std::string before = std::move(state.held);
  const bool any = state.holds;
  state.held = text;
  state.holds = true;
  if (any) Feed(at + 1, suffix.empty() ? before : ReplaceAll(before, suffix, " "), out);
}

void DecodeStream::EndBpe(size_t at, std::string* out) {
  Step& state = steps_[at];
  const std::string& suffix = std::get<DecodeBpe>(state.step).suffix;
  const std::string last = std::move(state.held);
  state.held.clear();
  if (state.holds) Feed(at + 1, suffix.empty() ? last : ReplaceAll(last, suffix, ""), out);
  state.holds = false;
}

void DecodeStream::FeedWordPiece(size_t at, std::string_view text, std::string* out) {
  Step& state = steps_[at];
  const auto& piece = std::get<DecodeWordPiece>(state.step);
  std::string token(text);
  if (!state.first) {
    if (text.starts_with(piece.prefix)) {
      token.erase(0, piece.prefix.size());
    } else {
      token.insert(0, " ");
    }
  }
  state.first = false;
  if (piece.clean_up) {
    constexpr std::pair<std::string_view, std::string_view> kChanges[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : kChanges) token = ReplaceAll(token, from, to);
  }
  Feed(at + 1, token, out);
}

void DecodeStream::FeedSentencePiece(size_t at, std::string_view text, std::string* out) {
  constexpr std::string_view kMetaspace = "\u2581";
  Step& state = steps_[at];
  const auto& step = std::get<DecodeSentencePiece>(state.step);
  if (const int byte = step.bytes ? FallbackByte(text) : -1; byte >= 0) {
    state.held += static_cast<char>(byte);
    return DecodeBytes(at, false, out);
  }
  DecodeBytes(at, true, out);
  if (state.any_text) state.first = false;
  if (state.first && (step.strip_first || step.strip_empty) && text.starts_with(kMetaspace)) {
    text.remove_prefix(kMetaspace.size());
    state.first = step.strip_empty;
  }
  state.any_text |= !text.empty();
  Feed(at + 1, ReplaceAll(text, kMetaspace, " "), out);
}

// What is complete of the bytes that are held; each that begins no character becomes U+FFFD.
void DecodeStream::DecodeBytes(size_t at, bool is_end, std::string* out) {
  std::string& held = steps_[at].held;
  std::string text;
  size_t done = 0;
  while (done < held.size()) {
    const int length = DecodeUtf8(held, done).length;
    const bool incomplete = IncompleteUtf8Tail(held) == held.size() - done;
    if (length == 0 && incomplete && !is_end) break;
    text += length == 0 ? kReplacement : std::string_view(held).substr(done, static_cast<size_t>(length));
    done += length == 0 ? 1 : static_cast<size_t>(length);
  }
  held.erase(0, done);
  if (text.empty()) return;
  steps_[at].any_text = true;
  Feed(at + 1, text, out);
}

void DecodeStream::Finish(std::string* out) {
  for (size_t at = 0; at < steps_.size(); ++at) {
    Step& state = steps_[at];
    if (std::holds_alternative<DecodeByteFallback>(state.step)) {
      EndFallback(at, out);
      continue;
    }
    if (std::holds_alternative<DecodeBpe>(state.step)) {
      EndBpe(at, out);
      continue;
    }
    if (std::holds_alternative<DecodeSentencePiece>(state.step)) {
      DecodeBytes(at, true, out);
      continue;
    }
    const std::string held = std::move(state.held);
    state.held.clear();
    if (held.empty() || std::holds_alternative<DecodeStrip>(state.step)) continue;  // Strip held what it takes off
    Feed(at + 1, std::holds_alternative<DecodeByteLevel>(state.step) ? ReplaceInvalidUtf8(held) : held, out);
  }
}

}  // namespace spate
