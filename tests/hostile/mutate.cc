#include "tests/hostile/mutate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "checkpoint/gguf.h"

namespace spate {
namespace {

// Half-open, of bytes.
struct Range {
  size_t begin = 0, end = 0;
};

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  size_t Below(size_t limit) { return random_() % limit; }
  bool Chance(unsigned percent) { return Below(100) < percent; }

  // One change somewhere in the range, which is not empty.
  void ChangeBytes(std::string& bytes, Range range) {
    const size_t at = range.begin + Below(range.end - range.begin);
    const size_t length = std::min(1 + Below(24), bytes.size() - at);
    switch (Below(10)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
        break;
      case 1:
      case 8:
        bytes[at] = static_cast<char>(random_());
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(range.begin + Below(range.end - range.begin), bytes.substr(at, length));
        break;
      case 4: {  // splice: what stands elsewhere over what stands here
        const size_t from = range.begin + Below(range.end - range.begin);
        const size_t count = std::min(length, bytes.size() - from);
        bytes.replace(at, count, bytes.substr(from, count));
        break;
      }
      default:
        SetNumber(bytes, at);
    }
  }

  // A change that leaves most texts of the kind well formed.
  void ChangeText(std::string& text) {
    static constexpr std::array<std::string_view, 29> kEdges = {"0",
                                                                "1",
                                                                "-1",
                                                                "2",
                                                                "3",
                                                                "255",
                                                                "65537",
                                                                "2147483647",
                                                                "2147483648",
                                                                "2147483649",
                                                                "4294967295",
                                                                "9223372036854775807",
                                                                "9223372036854775808",
                                                                "18446744073709551615",
                                                                "18446744073709551616",
                                                                "0.5",
                                                                "1e-40",
                                                                "1e38",
                                                                "1e308",
                                                                "1e999",
                                                                "null",
                                                                "true",
                                                                "[]",
                                                                "{}",
                                                                "\"\"",
                                                                "\"../x\"",
                                                                "\"\\u0000\"",
                                                                "[[0]]",
                                                                "\"\\ud800\""};
    const std::vector<Range> words = Words(text);
    if (words.empty() || Chance(10)) {
      if (!text.empty()) ChangeBytes(text, {0, text.size()});
      return;
    }
    const auto word = [&] { return words[Below(words.size())]; };
    const Range a = word();
    switch (Below(6)) {
      case 0: {  // another word's text
        const Range b = word();
        const std::string other = text.substr(b.begin, b.end - b.begin);
        text.replace(a.begin, a.end - a.begin, other);
        break;
      }
      case 1: {  // a piece twice
        const Range b = words[std::min<size_t>(Below(words.size()), words.size() - 1)];
        const std::string piece = text.substr(a.begin, std::min<size_t>(b.end > a.begin ? b.end - a.begin : 0, 200));
        text.insert(a.begin, piece);
        break;
      }
      case 2:  // a piece less
        text.erase(a.begin, std::min(a.end - a.begin + Below(40), text.size() - a.begin));
        break;
      default:
        text.replace(a.begin, a.end - a.begin, kEdges[Below(kEdges.size())]);
    }
  }

 private:
  void SetNumber(std::string& bytes, size_t at) {
    static constexpr std::array<uint64_t, 18> kEdges = {0,
                                                        1,
                                                        2,
                                                        5,
                                                        0x7f,
                                                        0xff,
                                                        0xffff,
                                                        0x7fffffff,
                                                        0x80000000,
                                                        0x80000001,
                                                        0xffffffff,
                                                        uint64_t{1} << 32,
                                                        (uint64_t{1} << 61) + 1,
                                                        (uint64_t{1} << 63) - 1,
                                                        uint64_t{1} << 63,
                                                        (uint64_t{1} << 63) + 1,
                                                        ~uint64_t{0} - 7,
                                                        ~uint64_t{0}};
    const uint64_t value = Chance(10) ? bytes.size() + Below(3) - 1 : kEdges[Below(kEdges.size())];
    const size_t width = size_t{1} << Below(4);
    std::memcpy(bytes.data() + at, &value, std::min(width, bytes.size() - at));
  }

  // Quoted strings, numbers and names.
  static std::vector<Range> Words(std::string_view text) {
    const auto in_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.' || c == '_';
    };
    std::vector<Range> words;
    for (size_t i = 0; i < text.size();) {
      const size_t begin = i;
      if (text[i] == '"') {
        for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\';
        i = std::min(i + 1, text.size());
      } else if (in_word(text[i])) {
        while (i < text.size() && in_word(text[i])) ++i;
      } else {
        ++i;
        continue;
      }
      words.push_back({begin, i});
    }
    return words;
  }

  std::mt19937 random_;
};

size_t DataOfGguf(const std::string& bytes) {
  size_t begin = bytes.size();
  for (const GgufTensor& tensor : ParseGguf(std::as_bytes(std::span(bytes)), "original").tensors) {
    begin = std::min(begin, static_cast<size_t>(reinterpret_cast<const char*>(tensor.bytes.data()) - bytes.data()));
  }
  return begin;
}

// The JSON of a header is changed as text, and its length put right.
void ChangeSafetensors(std::string& bytes, Mutator& mutator) {
  uint64_t length = 0;
  if (bytes.size() >= 8) std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8 || bytes.size() < 8 || mutator.Chance(20)) {
    return mutator.ChangeBytes(bytes, {0, std::min<size_t>(bytes.size(), 2000)});
  }
  std::string header = bytes.substr(8, length);
  mutator.ChangeText(header);
  const uint64_t changed = header.size();
  bytes.replace(8, length, header);
  std::memcpy(bytes.data(), &changed, 8);
}

void Change(std::string& bytes, Grammar grammar, size_t gguf_data, Mutator& mutator) {
  const Range all{0, bytes.size()};
  switch (grammar) {
    case Grammar::kText:
      return mutator.ChangeText(bytes);
    case Grammar::kSafetensors:
      return ChangeSafetensors(bytes, mutator);
    case Grammar::kGguf:
      return mutator.ChangeBytes(bytes, {0, std::clamp<size_t>(gguf_data, 1, bytes.size())});
    case Grammar::kZip: {
      const size_t directory = std::min(bytes.find("PK\1\2"), bytes.size() - 1);
      if (mutator.Chance(40)) return mutator.ChangeBytes(bytes, {directory, bytes.size()});
      const size_t second = std::min(bytes.find("PK\3\4", 4), bytes.size());
      return mutator.ChangeBytes(bytes, {0, std::max<size_t>(second, 1)});
    }
    case Grammar::kBytes:
      break;
  }
  mutator.ChangeBytes(bytes, all);
}

}  // namespace

std::string Mutate(const std::string& original, Grammar grammar, uint32_t seed) {
  Mutator mutator(seed);
  const size_t gguf_data = grammar == Grammar::kGguf ? DataOfGguf(original) : 0;
  std::string bytes = original;
  if (mutator.Chance(8)) {
    bytes.resize(mutator.Below(bytes.size()));
  } else if (mutator.Chance(4)) {
    mutator.ChangeBytes(bytes, {0, bytes.size()});
  }
  const size_t changes = mutator.Chance(70) ? 1 : 2 + mutator.Below(2);
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) Change(bytes, grammar, gguf_data, mutator);
  return bytes;
}

}  // namespace spate
