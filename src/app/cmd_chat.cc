// spate chat: a conversation in the terminal, or through a pipe.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "app/chat_template_flag.h"
#include "app/cli.h"
#include "app/model_flags.h"
#include "app/sampling_flags.h"
#include "base/error.h"
#include "checkpoint/chat_template_file.h"
#include "engine/engine.h"
#include "term/chat.h"
#include "tokenizer/builtin_templates.h"

namespace spate {
namespace {

// Without -n an answer may take a quarter of the context, so that a conversation has several, and never so much that a
// model that does not end runs for minutes.
constexpr int kMaxDefaultAnswer = 2048;

struct ChatCommandFlags {
  ModelFlags model;
  SamplingFlags sampling;
  const CLI::Option* max_tokens = nullptr;
  std::string system, template_name, load;
  std::optional<std::string> prompt;
  bool single = false;
  int max_batch_tokens = 512;
  int context = 0;
};

int RunChatCommand(const ChatCommandFlags& flags) {
  flags.model.CheckFiles(true);
  // What a person wrote is looked at before the weights take their time.
  std::optional<ChatTemplate> given;
  if (!flags.template_name.empty())
    given.emplace(OpenTemplate(flags.template_name, ReadSpecialTokens(flags.model.path())));
  ChatOptions options{.encode = {},
                      .model_name = flags.model.path().string(),
                      .template_name = {},
                      .params = flags.sampling.Params(flags.model.path()),
                      .system = flags.system,
                      .load = flags.load,
                      .prompt = flags.prompt,
                      .single = flags.single};
  std::unique_ptr<Model> opened = flags.model.Open(true);
  if (opened->tokenizer == nullptr)
    throw Error(ErrorCode::kBadInput, "{}: chat needs a tokenizer and the folder has none", options.model_name);
  if (!given && opened->chat == nullptr) {
    throw Error(ErrorCode::kBadInput, "{}; try --template NAME|FILE (names: {}), or `spate run` for completions",
                opened->chat_problem, fmt::join(BuiltinTemplateNames(), ", "));
  }
  Engine engine(std::move(opened),
                {.max_batch_tokens = flags.max_batch_tokens, .max_sequences = 1, .context = flags.context});
  if (flags.max_tokens->count() == 0)
    options.params.max_tokens = std::clamp(engine.context() / 4, 1, kMaxDefaultAnswer);
  const ChatTemplate& chat = given ? *given : *engine.model().chat;
  options.template_name = chat.name();
  // The template writes BOS itself where the model wants it.
  options.encode = [&](const nlohmann::ordered_json& messages) {
    return engine.model().tokenizer->Encode(chat.Render({.messages = messages}), {.add_special = false});
  };
  return RunChat(engine, std::move(options));
}

}  // namespace

void AddChatCommand(Cli& cli) {
  auto flags = std::make_shared<ChatCommandFlags>();
  CLI::App* command = cli.AddCommand("chat", "A conversation: in the terminal, or a message a line through a pipe.",
                                     "  spate chat\n"
                                     "  spate chat -m ./Llama-3.2-1B-Instruct --system \"Answer in one sentence.\"\n"
                                     "  spate chat -m ./Qwen2.5-0.5B-Instruct -p \"Summarize:\" --single < article.txt",
                                     [flags] { return RunChatCommand(*flags); });
  flags->model.AddTo(*command);
  command->add_option("--system", flags->system, "system message");
  command->add_option("--template", flags->template_name,
                      "chat template: a built-in one's name, or a file. Default: the model's own");
  command->add_option("-p,--prompt", flags->prompt, "the first message");
  command->add_flag("--single", flags->single,
                    "one message and its answer: --prompt, and all of standard input where that is no terminal");
  command->add_option("--load", flags->load, "go on with a conversation that /save wrote");
  flags->sampling.AddTo(*command);
  flags->max_tokens = command->get_option("--max-tokens")
                          ->description("of one answer; 0 = until the model ends or the context is full")
                          ->default_str("a quarter of the context");
  command->add_option("--max-batch-tokens", flags->max_batch_tokens, "prompt tokens of one step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--context", flags->context, "tokens to make room for; 0 = the model's context")
      ->transform(TokenCount())
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
}

}  // namespace spate
