// Any sequence of ids through the incremental detokenizer: always whole UTF-8, and in the end what Decode gives at
// once. The first byte picks decoder and options, each following byte is an id, or two for ids above 250.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

namespace {

// Aborts, which libFuzzer reports with the input; CHECK would leave without.
template <typename... Args>
void Require(bool holds, fmt::format_string<Args...> what = "not valid UTF-8", Args&&... args) {
  if (holds) return;
  fmt::print(stderr, "{}\n", fmt::format(what, std::forward<Args>(args)...));
  std::abort();
}

spate::Tokenizer Make(std::vector<spate::DecoderStep> decoder, spate::TokenSpelling spelling) {
  spate::Vocabulary v;
  v.spelling = spelling;
  const bool bytes = spelling == spate::TokenSpelling::kBytes;
  if (bytes) v.pre_tokenizer = {spate::SplitByteLevel{}};
  for (int b = 0; b < 256; ++b)
    v.tokens.push_back(bytes ? std::string(1, static_cast<char>(b)) : fmt::format("<0x{:02X}>", b));
  for (const char* text :
       {"\u2581", " a", "\u2581th", "e\u2581\u2581", "\u00e9\u00e9", "  ", "", "<0x+1>", "ab\u2581a"}) {
    v.tokens.emplace_back(text);
  }
  v.kinds.assign(v.tokens.size(), spate::TokenKind::kModel);
  v.kinds[262] = spate::TokenKind::kAbsent;
  v.tokens[262].clear();
  v.added = {{.id = 265, .text = "<s>", .special = true}, {.id = 266, .text = "\u00e9 x", .special = false}};
  v.tokens.resize(267);
  v.kinds.resize(267, spate::TokenKind::kAbsent);
  v.join_with_spaces = decoder.empty();
  v.decoder = std::move(decoder);
  return spate::Tokenizer(std::move(v));
}

std::vector<spate::Tokenizer> MakeSubjects() {
  using namespace spate;
  std::vector<Tokenizer> subjects;
  subjects.push_back(Make({DecodeByteLevel{}}, TokenSpelling::kBytes));
  subjects.push_back(
      Make({DecodeReplace{{"\u2581", false}, " "}, DecodeByteFallback{}, DecodeFuse{}, DecodeStrip{" ", 1, 0}},
           TokenSpelling::kText));
  subjects.push_back(
      Make({DecodeByteFallback{}, DecodeFuse{}, DecodeReplace{{"\u2581a", false}, "-"}, DecodeStrip{" ", 2, 3}},
           TokenSpelling::kText));
  subjects.push_back(Make({DecodeMetaspace{}}, TokenSpelling::kText));
  subjects.push_back(Make({DecodeStrip{" ", 1, 1}, DecodeByteLevel{}, DecodeMetaspace{}}, TokenSpelling::kText));
  subjects.push_back(Make({}, TokenSpelling::kBytes));
  subjects.push_back(Make({DecodeSentencePiece{true, true, false}}, TokenSpelling::kText));
  subjects.push_back(Make({DecodeSentencePiece{true, true, true}}, TokenSpelling::kText));
  subjects.push_back(Make({DecodeBpe{" "}, DecodeWordPiece{"\u2581", true}}, TokenSpelling::kText));
  subjects.push_back(Make({DecodeReplace{{"[a-t]+", true}, "-"}, DecodeFuse{}}, TokenSpelling::kText));
  return subjects;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<spate::Tokenizer> subjects = MakeSubjects();
  if (size == 0) return 0;
  const spate::Tokenizer& tokenizer = subjects[data[0] % subjects.size()];
  const bool skip_special = (data[0] & 0x80) != 0;
  std::vector<int32_t> ids;
  for (size_t i = 1; i < size; ++i) {
    int32_t id = data[i];
    if (id > 250 && i + 1 < size) id = 250 + data[++i] % 17;
    ids.push_back(id);
  }
  spate::Detokenizer detokenizer(tokenizer, {.skip_special = skip_special});
  std::string text;
  for (const int32_t id : ids) {
    const std::string piece = detokenizer.Push(id);
    Require(spate::IsValidUtf8(piece), "'{}' for id {}", piece, id);
    text += piece;
  }
  text += detokenizer.Flush();
  const std::string whole = tokenizer.Decode(ids, skip_special);
  Require(text == whole, "streamed '{}', at once '{}'", text, whole);
  // Behind a prompt nothing may fail either; the text differs at its start only.
  spate::Detokenizer behind(tokenizer, {.skip_special = skip_special, .continues = true});
  for (const int32_t id : ids) Require(spate::IsValidUtf8(behind.Push(id)));
  Require(spate::IsValidUtf8(behind.Flush()));
  return 0;
}
