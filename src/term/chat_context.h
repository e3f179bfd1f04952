// How a conversation fits a model's context: which exchanges are shown to the model, and when to warn. Pure but for
// what ContextMeter remembers. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "term/chat_session.h"

namespace spate {

// Messages to the ids that the model is shown: template and tokenizer. Throws Error when the template refuses them.
using EncodeMessages = std::function<std::vector<int32_t>(const nlohmann::ordered_json& messages)>;

struct FittedPrompt {
  std::vector<int32_t> ids;
  size_t left_out = 0;  // oldest exchanges that are not shown
  int left_out_tokens = 0;
};

// Tokens kept free for an answer: max_tokens, but at most half the context; a quarter of it where max_tokens is 0.
int AnswerReserve(int max_tokens, int context);

// The prompt for the session's last message that leaves `reserve` tokens of `context` free: as few of the oldest
// exchanges as possible are left out, the system message never. Throws Error(kDoesNotFit) with the numbers when the
// last message alone is too long. Renders log2(exchanges) times, because everything is encoded anew each time.
FittedPrompt FitPrompt(const ChatSession& session, const EncodeMessages& encode, int context, int reserve);

// Says once when 80 % of the context is used, and once when 95 % is.
class ContextMeter {
 public:
  explicit ContextMeter(int context) : context_(context) {}
  // The warning that is due now that `used` tokens are; nullopt: none.
  std::optional<std::string> Use(int used);
  void Reset() { warned_percent_ = 0; }  // for a new conversation

 private:
  int context_;
  int warned_percent_ = 0;
};

}  // namespace spate
