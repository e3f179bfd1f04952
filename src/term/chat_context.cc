#include "term/chat_context.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace spate {

int AnswerReserve(int max_tokens, int context) {
  const int reserve = max_tokens > 0 ? std::min(max_tokens, context / 2) : context / 4;
  return std::max(reserve, 1);
}

FittedPrompt FitPrompt(const ChatSession& session, const EncodeMessages& encode, int context, int reserve) {
  CHECK(!session.exchanges().empty(), "no message");
  const size_t last = session.exchanges().size() - 1;
  const auto room = static_cast<size_t>(std::max(context - reserve, 0));
  FittedPrompt all{.ids = encode(session.PromptMessages(0))};
  if (all.ids.size() <= room) return all;

  // Invariant: leaving out `low` is too few, `fitting` is what leaving out `high` gives, and that fits.
  size_t low = 0;
  size_t high = last;
  std::vector<int32_t> fitting = last == 0 ? all.ids : encode(session.PromptMessages(last));
  if (fitting.size() > room) {
    throw Error(ErrorCode::kDoesNotFit,
                "the message{} takes {} tokens and {} are kept for the answer, the context has {}; shorten it{}",
                session.system().empty() ? "" : " with the system message", fitting.size(), reserve, context,
                fitting.size() + 1 < static_cast<size_t>(context)
                    ? fmt::format(" or /set max_tokens {}", static_cast<size_t>(context) - fitting.size())
                    : "");
  }
  while (low + 1 < high) {
    const size_t middle = low + (high - low) / 2;
    std::vector<int32_t> ids = encode(session.PromptMessages(middle));
    if (ids.size() > room) {
      low = middle;
    } else {
      high = middle;
      fitting = std::move(ids);
    }
  }
  const auto fewer = static_cast<int>(all.ids.size()) - static_cast<int>(fitting.size());
  return {.ids = std::move(fitting), .left_out = high, .left_out_tokens = fewer};
}

std::optional<std::string> ContextMeter::Use(int used) {
  const int percent = static_cast<int>(int64_t{100} * used / std::max(context_, 1));
  const int reached = percent >= 95 ? 95 : percent >= 80 ? 80 : 0;
  if (reached <= warned_percent_) return std::nullopt;
  warned_percent_ = reached;
  return fmt::format("the context is {} % full ({} of {} tokens); what does not fit will be dropped, oldest first",
                     percent, used, context_);
}

}  // namespace spate
