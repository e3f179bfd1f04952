// Times of a tokenizer: opening it, encoding with it, and how encoding time grows with the text.
//
//   spate_checkpoint_bench open FOLDER [ROUNDS]    median, lowest and highest of opening
//   spate_checkpoint_bench make FILE.gguf TOKENS   a vocabulary to open, always the same for its size
//   spate_checkpoint_bench growth FOLDER [BYTES]   t(n), t(2n) and their ratio on texts of one kind of character
//   spate_checkpoint_bench serve FOLDER            for tools/bench_tokenizers.py: each line of standard input,
//       "whole|lines FILE IDS", encodes the file in one piece or line by line, writes the ids to the file IDS as
//       32-bit numbers and answers with the seconds of the encoding alone
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/error.h"
#include "base/mmap_file.h"
#include "checkpoint/gguf_writer_for_test.h"
#include "checkpoint/read_tokenizer.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

template <typename Work>
double Seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

size_t Number(const std::string& text) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    throw Error(ErrorCode::kUsage, "'{}': expected a number above 0", text);
  }
  return value;
}

// Beside the time on the clock that of the processor: on a busy machine it is the one that can be repeated.
int Open(const std::string& folder, size_t rounds) {
  std::vector<double> seconds, processor;
  for (size_t round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    seconds.push_back(
        Seconds([&] { CHECK(Tokenizer(ReadTokenizer(folder)).vocab_size() > 0, "an empty vocabulary"); }));
    processor.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  const auto print = [&](std::string_view name, std::vector<double>& times) {
    std::sort(times.begin(), times.end());
    fmt::print("open, {}: median {:.1f} ms, {:.1f} to {:.1f} ms, {} rounds\n", name, times[times.size() / 2] * 1e3,
               times.front() * 1e3, times.back() * 1e3, rounds);
  };
  print("clock", seconds);
  print("processor", processor);
  return 0;
}

// Tokens of bytes, and merges that each make a token of two before it, as training does.
int Make(const std::string& path, size_t count) {
  constexpr size_t kMaxTokens = 4'000'000, kMaxLength = 24;
  if (count < 512 || count > kMaxTokens) {
    throw Error(ErrorCode::kUsage, "make: expected 512 to {} tokens, got {}", kMaxTokens, count);
  }
  std::vector<std::string> tokens, merges;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    tokens.push_back(SpellBytes({&c, 1}));
  }
  std::unordered_set<std::string> known(tokens.begin(), tokens.end());
  std::mt19937 random(1);
  while (tokens.size() < count) {
    const std::string left = tokens[random() % tokens.size()];
    // Mostly letters and spaces on the right, so that tokens look like parts of words.
    const std::string right =
        random() % 4 == 0 ? tokens[random() % tokens.size()] : tokens[random() % 8 == 0 ? ' ' : 'a' + random() % 26];
    if (left.size() + right.size() > kMaxLength || !known.insert(left + right).second) continue;
    tokens.push_back(left + right);
    merges.push_back(left + " " + right);
  }
  GgufWriter writer;
  writer.String("general.architecture", "llama");
  writer.String("tokenizer.ggml.model", "gpt2");
  writer.String("tokenizer.ggml.pre", "llama-bpe");
  writer.Strings("tokenizer.ggml.tokens", tokens);
  writer.Strings("tokenizer.ggml.merges", merges);
  WriteFileAtomically(path, writer.Finish());
  return 0;
}

int Growth(const std::string& folder, size_t bytes) {
  const Tokenizer tokenizer(ReadTokenizer(folder));
  // What is repeated; the words of a text are kept apart by nothing, by spaces or by newlines.
  const std::pair<std::string_view, std::string_view> kinds[] = {
      {"one letter", "a"},
      {"spaces", " "},
      {"tabs", "\t"},
      {"newlines", "\n"},
      {"CR LF", "\r\n"},
      {"spaces, newlines", "  \n"},
      {"digits", "7"},
      {"apostrophes", "'"},
      {"contractions", "'s"},
      {"punctuation", "!"},
      {"slashes", "/\n"},
      {"capitals", "A"},
      {"mixed case", "Aa"},
      {"combining marks", "\u0301"},
      {"unsorted marks", "\u0301\u0323"},
      {"letter, mark", "a\u0301"},
      {"emoji", "\U0001F600"},
      {"joined emoji", "\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D"},
      {"Han", "\u4E2D"},
      {"Hangul jamo", "\u1100\u1161\u11A8"},
      {"metaspaces", "\u2581"},
      {"ligatures", "\uFDFA"},
      {"unknown", "\U000F0000"},
      {"words", "the cat "},
  };
  fmt::print("{:18} {:>10} {:>10} {:>7}   bytes n = {}\n", "text", "t(n) s", "t(2n) s", "ratio", bytes);
  bool good = true;
  for (const auto& [name, unit] : kinds) {
    double seconds[2] = {};
    for (size_t half = 0; half < 2; ++half) {
      std::string text;
      while (text.size() < bytes * (half + 1)) text += unit;
      size_t ids = 0;
      // Processor time, and the lowest of three: other programs only ever add.
      for (int round = 0; round < 3; ++round) {
        const std::clock_t start = std::clock();
        ids = tokenizer.Encode(text).size();
        const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        seconds[half] = round == 0 ? taken : std::min(seconds[half], taken);
      }
      CHECK(ids > 0, "no ids for {}", name);
    }
    const double ratio = seconds[1] / seconds[0];
    good = good && ratio <= 2.5;
    fmt::print("{:18} {:10.3f} {:10.3f} {:7.2f}{}\n", name, seconds[0], seconds[1], ratio, ratio > 2.5 ? "  !" : "");
    std::fflush(stdout);
  }
  return good ? 0 : static_cast<int>(ErrorCode::kVerdict);
}

int Serve(const std::string& folder) {
  const Tokenizer tokenizer(ReadTokenizer(folder));
  for (std::string request; std::getline(std::cin, request);) {
    std::istringstream fields(request);
    std::string mode, file, ids_file;
    fields >> mode >> file >> ids_file;
    if (!fields || (mode != "whole" && mode != "lines")) {
      throw Error(ErrorCode::kUsage, "'{}': expected whole|lines FILE IDS", request);
    }
    const std::string text = ReadTextFile(file, kMaxTextBytes);
    std::vector<std::string_view> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t end = mode == "whole" ? text.size() : std::min(text.find('\n', at), text.size() - 1) + 1;
      pieces.push_back(std::string_view(text).substr(at, end - at));
      at = end;
    }
    std::vector<int32_t> ids;
    const double seconds = Seconds([&] {
      for (const std::string_view piece : pieces) {
        const std::vector<int32_t> more = tokenizer.Encode(piece);
        ids.insert(ids.end(), more.begin(), more.end());
      }
    });
    std::ofstream out(ids_file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(ids[0])));
    if (!out.flush()) throw Error(ErrorCode::kEnvironment, "{}: cannot be written", ids_file);
    fmt::print("{:.9f}\n", seconds);
    std::fflush(stdout);
  }
  return 0;
}

int Run(const std::vector<std::string>& args) {
  const std::string mode = args.empty() ? "" : args[0];
  if (mode == "open" && (args.size() == 2 || args.size() == 3)) {
    return Open(args[1], args.size() == 3 ? Number(args[2]) : 15);
  }
  if (mode == "make" && args.size() == 3) return Make(args[1], Number(args[2]));
  if (mode == "growth" && (args.size() == 2 || args.size() == 3)) {
    return Growth(args[1], args.size() == 3 ? Number(args[2]) : 10'000'000);
  }
  if (mode == "serve" && args.size() == 2) return Serve(args[1]);
  throw Error(ErrorCode::kUsage,
              "usage: open FOLDER [ROUNDS] | make FILE TOKENS | growth FOLDER [BYTES] | serve FOLDER");
}

}  // namespace
}  // namespace spate

int main(int argc, char** argv) {
  try {
    return spate::Run({argv + 1, argv + argc});
  } catch (const spate::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return error.exit_code();
  }
}
