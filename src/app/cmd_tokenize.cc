// spate tokenize: text to ids and back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "app/cli.h"
#include "app/model_flags.h"
#include "app/tokenize_chat.h"
#include "app/tokenize_lines.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "checkpoint/read_tokenizer.h"
#include "term/table.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

struct TokenizeFlags {
  std::string model, text, file, decode;
  bool no_special = false, literal = false, json = false, skip_special = false, lines = false;
  ChatFlags chat;
};

std::string Input(const TokenizeFlags& flags) {
  if (!flags.file.empty() && flags.file != "-") return ReadTextFile(flags.file, kMaxTextBytes);
  if (flags.file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  return flags.text;
}

// A token as a person can read it: control characters and broken UTF-8 as \x..
std::string Visible(std::string_view token) {
  std::string out;
  const bool text = IsValidUtf8(token);
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (!text && byte >= 0x80)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

// The prompt of a conversation as it is, or with its ids. The template writes BOS and EOS itself.
int RunChat(const TokenizeFlags& flags) {
  std::filesystem::path model;
  if (!flags.model.empty() || flags.chat.needs_model()) model = ModelPath(flags.model);
  const std::string prompt = flags.chat.Render(model);
  if (!flags.json) {
    std::cout << prompt;
    return 0;
  }
  nlohmann::json json{{"prompt", prompt}};
  if (!model.empty()) {
    json["ids"] = Tokenizer(ReadTokenizer(model)).Encode(prompt, {.add_special = false, .parse_special = true});
  }
  fmt::print("{}\n", json.dump());
  return 0;
}

EncodeOptions EncodeFlags(const TokenizeFlags& flags) {
  return {.add_special = !flags.no_special, .parse_special = !flags.literal};
}

int Run(const TokenizeFlags& flags, bool has_text) {
  if (flags.chat.given()) return RunChat(flags);
  const Tokenizer tokenizer(ReadTokenizer(ModelPath(flags.model)));
  if (flags.lines) {
    if (flags.file.empty()) throw Error(ErrorCode::kUsage, "tokenize: --lines needs -f FILE (- = standard input)");
    TokenizeLines(tokenizer, Input(flags), {flags.file, EncodeFlags(flags), flags.skip_special});
    return 0;
  }
  if (!flags.decode.empty()) {
    const std::string text = tokenizer.Decode(ParseIds(flags.decode), flags.skip_special);
    if (flags.json) {
      fmt::print("{}\n", JsonText({{"text", text}}));
    } else {
      fmt::print("{}\n", text);
    }
    return 0;
  }
  if (!has_text && flags.file.empty())
    throw Error(ErrorCode::kUsage, "tokenize: give TEXT, -f FILE (- = standard input) or --decode IDS");
  const std::vector<int32_t> ids = tokenizer.Encode(Input(flags), EncodeFlags(flags));
  if (flags.json) {
    fmt::print("{}\n", nlohmann::json{{"ids", ids}}.dump());
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"id", "token"}};
  for (const int32_t id : ids) rows.push_back({std::to_string(id), "\"" + Visible(tokenizer.TokenText(id)) + "\""});
  fmt::print("{}{} tokens\n", FormatTable(rows, true), Grouped(static_cast<long long>(ids.size())));
  return 0;
}

}  // namespace

void AddTokenizeCommand(Cli& cli) {
  auto flags = std::make_shared<TokenizeFlags>();
  auto text = std::make_shared<CLI::Option*>(nullptr);
  CLI::App* command = cli.AddCommand("tokenize", "Shows the tokens of a text, or the text of tokens.",
                                     "  spate tokenize \"Once upon a time\"\n"
                                     "  spate tokenize -m ./Llama-3.2-1B -f book.txt --json\n"
                                     "  spate tokenize --decode 15,22,1024\n"
                                     "  spate tokenize --chat messages.json --template chatml\n"
                                     "  spate tokenize -m tokenizer.model --lines -f strings.jsonl",
                                     [flags, text] { return Run(*flags, (*text)->count() > 0); });
  command->add_option("-m,--model", flags->model,
                      "folder with tokenizer.json or tokenizer.model, or such a file; without it the demo model");
  *text = command->add_option("text", flags->text, "text to tokenize");
  command->add_option("-f,--file", flags->file, "file to tokenize; - = standard input")->excludes(*text);
  command->add_option("--decode", flags->decode, "ids to turn into text, with commas between")->excludes(*text);
  command->add_flag("--no-special", flags->no_special, "add no BOS or EOS");
  command->add_flag("--literal", flags->literal, "do not recognise special tokens in the text");
  command->add_flag("--skip-special", flags->skip_special, "with --decode: leave special tokens out");
  command
      ->add_flag("--lines", flags->lines,
                 "each line of -f for itself: a JSON string to [ids], a list of ids to a JSON string")
      ->excludes(*text);
  command->add_flag("--json", flags->json,
                    "{\"ids\": [...]}, {\"text\": \"...\"} or {\"prompt\": \"...\", \"ids\": [...]}");
  flags->chat.AddTo(*command);
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
