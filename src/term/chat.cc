// Messages and their answers. Commands are in chat_actions.cc, the loop over input in chat_loop.cc.
#include "term/chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {

Chat::Chat(Engine& engine, ChatOptions options, ChatScreen& screen, TerminalSignals& signals)
    : engine_(engine),
      options_(std::move(options)),
      screen_(screen),
      signals_(signals),
      params_(options_.params),
      meter_(engine.context()) {
  Validate(params_, engine.model().spec.vocab);
}

void Chat::Start() {
  if (!options_.load.empty()) Load(options_.load);
  if (!options_.system.empty()) session_.SetSystem(options_.system);
}

bool Chat::Handle(const ChatInput& input) {
  stopped_ = false;
  if (TrimSpace(input.text).empty()) return true;
  if (!input.literal && IsCommand(input.text)) {
    const ParsedCommand parsed = ParseCommand(input.text);
    return RunCommand(parsed.command, parsed.argument);
  }
  Say(!input.literal && input.text.starts_with("//") ? input.text.substr(1) : input.text);
  return true;
}

void Chat::Say(std::string text) {
  if (const size_t valid = ValidUtf8Prefix(text); valid != text.size())
    throw Error(ErrorCode::kBadInput, "message: expected UTF-8, byte {} belongs to no character", valid);
  session_.Ask(std::move(text));
  Answer();
}

void Chat::Answer() {
  const bool again = !session_.waiting();
  ChatAnswer answer;
  try {
    const int reserve = AnswerReserve(params_.max_tokens, engine_.context());
    FittedPrompt prompt = FitPrompt(session_, options_.encode, engine_.context(), reserve);
    NoteLeftOut(prompt);
    SamplingParams params = params_;
    params.choice = session_.exchanges().back().tries;
    answer = Generate(engine_, {.id = "chat", .prompt = std::move(prompt.ids), .params = std::move(params)}, screen_,
                      signals_);
    if (answer.finish == FinishReason::kError)
      throw Error(ErrorCode::kEnvironment, "the answer failed: {}", answer.error);
  } catch (...) {
    if (!again) session_.Undo();
    throw;
  }
  stopped_ = answer.finish == FinishReason::kAborted;
  if (stopped_ && answer.text.empty()) {
    if (!again) session_.Undo();
    screen_.Note(again ? "stopped before the first word; the earlier answer stays"
                       : "stopped before the first word; the message was taken back");
    return;
  }
  const RequestTimings& t = answer.timings;
  session_.Answer(answer.text, stopped_, t.prompt_tokens + t.output_tokens);
  last_ = t;
  ++totals_.answers;
  totals_.prompt_tokens += t.prompt_tokens;
  totals_.prefill_seconds += t.prefill;
  totals_.decoded_tokens += std::max(t.output_tokens - 1, 0);
  totals_.decode_seconds += t.decode;
  NoteEnd(answer);
}

void Chat::NoteLeftOut(const FittedPrompt& prompt) {
  if (prompt.left_out > left_out_) {
    screen_.Note(fmt::format("dropped {} oldest exchange{} ({} tokens) to fit {}; /save still has {}", prompt.left_out,
                             prompt.left_out == 1 ? "" : "s", prompt.left_out_tokens, engine_.context(),
                             prompt.left_out == 1 ? "it" : "them"));
  } else if (prompt.left_out < left_out_) {
    const size_t back = left_out_ - prompt.left_out;
    screen_.Note(
        fmt::format("{} exchange{} dropped before fit{} again", back, back == 1 ? "" : "s", back == 1 ? "s" : ""));
  }
  left_out_ = prompt.left_out;
}

void Chat::NoteEnd(const ChatAnswer& answer) {
  const int used = answer.timings.prompt_tokens + answer.timings.output_tokens;
  if (stopped_) {
    screen_.Note("stopped; this part of the answer is kept, /retry answers anew, /undo takes it back");
  } else if (answer.finish == FinishReason::kLength && used >= engine_.context()) {
    screen_.Note(fmt::format("cut: the context of {} tokens is full", engine_.context()));
  } else if (answer.finish == FinishReason::kLength) {
    screen_.Note(fmt::format("cut at {} tokens; /set max_tokens N changes that", answer.timings.output_tokens));
  } else if (answer.text.empty()) {
    screen_.Note("the model ended its answer at once");
  }
  if (const auto warning = meter_.Use(used)) screen_.Note(*warning);
}

}  // namespace spate
