// Encoding any bytes with tokenizers of every kind. The first byte picks the tokenizer and the options; the rest is the
// text. What was encoded without changing the text must decode to it.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/tokenizer_json.h"
#include "tokenizer/tokenizer.h"

namespace {

// Aborts, which libFuzzer reports with the input; CHECK would leave without.
template <typename... Args>
void Require(bool holds, fmt::format_string<Args...> what = "not valid UTF-8", Args&&... args) {
  if (holds) return;
  fmt::print(stderr, "{}\n", fmt::format(what, std::forward<Args>(args)...));
  std::abort();
}

// Small tokenizer.json files: all bytes or some characters, a few merges, added tokens with every flag.
std::string Json(bool byte_level, std::string_view steps) {
  std::string vocab;
  int id = 0;
  const auto add = [&](std::string_view token) {
    std::string text;
    for (const char c : token) text += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    vocab += fmt::format("{}\"{}\":{}", id == 0 ? "" : ",", text, id);
    ++id;
  };
  std::string merges;
  if (byte_level) {
    int next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      std::string character;
      spate::AppendUtf8(character, static_cast<char32_t>(printable ? b : next++));
      add(character);
    }
    for (const std::string_view token : {"aa", "aaaa", "ab", "\u0120a", "12"}) add(token);
    merges = R"("a a","aa aa","a b","\u0120 a","1 2")";
  } else {
    add("<unk>");
    for (int b = 0; b < 256; ++b) add(fmt::format("<0x{:02X}>", b));
    for (const std::string_view token : {"\u2581", "a", "b", "\u00e9", "aa", "ab", "\u2581a", "\u2581\u2581"})
      add(token);
    merges = R"("a a","a b","\u2581 a","\u2581 \u2581")";
  }
  std::string added;
  for (const auto& [text, flags] :
       {std::pair{"<s>", "TFFFF"}, {"<l>", "TFTFF"}, {"<r>", "FFFTF"}, {"<w>", "FTFFT"}, {"  ", "FFFFF"}}) {
    const auto flag = [&, f = std::string_view(flags)](size_t i) { return f[i] == 'T' ? "true" : "false"; };
    added += fmt::format(
        R"({}{{"id":{},"content":"{}","special":{},"normalized":{},"lstrip":{},"rstrip":{},"single_word":{}}})",
        added.empty() ? "" : ",", id, text, flag(0), flag(1), flag(2), flag(3), flag(4));
    ++id;
  }
  return fmt::format(R"({{"added_tokens":[{}],{},"model":{{"type":"BPE","vocab":{{{}}},"merges":[{}]{}}}}})", added,
                     steps, vocab, merges,
                     byte_level ? "" : R"(,"unk_token":"<unk>","fuse_unk":true,"byte_fallback":true)");
}

// BERT's steps, words of at most 6 characters.
constexpr std::string_view kWordPiece =
    R"({"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"lowercase":true},)"
    R"("pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},)"
    R"("post_processor":{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]},)"
    R"("model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",)"
    R"("max_input_chars_per_word":6,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##a":4,"##aaa":5,"##b":6,"ab":7,"e":8,"\u4e2d":9,"'":10,"s":11}}})";

struct Subject {
  spate::Tokenizer tokenizer;
  bool keeps_text;  // decoding what was encoded gives the text back
};

std::vector<Subject> MakeSubjects() {
  constexpr std::string_view kBytes = R"("decoder":{"type":"ByteLevel"},"pre_tokenizer":)";
  constexpr std::string_view kPieces =
      R"("decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},)"
      R"({"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";
  std::vector<Subject> subjects;
  const auto add = [&](bool byte_level, const std::string& steps, bool keeps_text) {
    subjects.push_back(
        {spate::Tokenizer(spate::ParseTokenizerJson(Json(byte_level, steps), "", "built in")), keeps_text});
  };
  const std::string bytes(kBytes), pieces(kPieces);
  add(true, bytes + R"({"type":"ByteLevel","add_prefix_space":false})", true);
  for (const std::string_view digits : {"{1,3}", "", "+"}) {  // two patterns written by hand, one for PCRE2
    add(true,
        bytes +
            fmt::format(
                R"({{"type":"Sequence","pretokenizers":[{{"type":"Split","behavior":"Isolated","invert":false,"pattern":{{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{{L}}\\p{{N}}]?\\p{{L}}+|\\p{{N}}{}| ?[^\\s\\p{{L}}\\p{{N}}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}}}},{{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}}]}})",
                digits),
        true);
  }
  add(true,
      R"("normalizer":{"type":"NFC"},)" + bytes +
          R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true},{"type":"Digits","individual_digits":true}]})",
      false);
  add(false,
      R"("normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},)" +
          pieces,
      false);
  add(false,
      R"("pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":false},)" + pieces,
      false);
  add(false,
      R"("normalizer":{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"Strip","strip_left":true,"strip_right":true}]},"pre_tokenizer":{"type":"Metaspace","replacement":"\u2581"},"decoder":{"type":"Metaspace","replacement":"\u2581"})",
      false);
  subjects.push_back({spate::Tokenizer(spate::ParseTokenizerJson(kWordPiece, "", "built in")), false});
  return subjects;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Subject> subjects = MakeSubjects();
  if (size == 0) return 0;
  const Subject& subject = subjects[data[0] % subjects.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const spate::EncodeOptions options{.add_special = (data[0] & 0x40) == 0, .parse_special = (data[0] & 0x80) == 0};
  try {
    const std::vector<int32_t> ids = subject.tokenizer.Encode(text, options);
    Require(spate::IsValidUtf8(text));
    const std::string back = subject.tokenizer.Decode(ids, false);
    Require(spate::IsValidUtf8(back));
    // Tokens with lstrip or rstrip swallow spaces.
    const bool strips = text.find("<l>") != std::string_view::npos || text.find("<r>") != std::string_view::npos;
    if (subject.keeps_text && !strips) Require(back == text, "'{}' came back as '{}'", text, back);
  } catch (const spate::Error&) {
    Require(!spate::IsValidUtf8(text), "valid text was refused");
  }
  return 0;
}
