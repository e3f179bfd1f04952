#include "term/chat_session.h"

#include "base/check.h"

namespace spate {

void ChatSession::Ask(std::string user) { Append({.user = std::move(user)}); }

void ChatSession::Answer(std::string text, bool partial, int context_tokens) {
  CHECK(!exchanges_.empty(), "an answer to nothing");
  exchanges_.back().answer = std::move(text);
  exchanges_.back().partial = partial;
  exchanges_.back().context_tokens = context_tokens;
}

uint32_t ChatSession::Retry() {
  CHECK(!exchanges_.empty(), "nothing to try again");
  return ++exchanges_.back().tries;
}

bool ChatSession::Undo() {
  if (exchanges_.empty()) return false;
  exchanges_.pop_back();
  return true;
}

void ChatSession::Append(Exchange exchange) {
  CHECK(!waiting(), "two messages in a row");
  exchanges_.push_back(std::move(exchange));
}

nlohmann::ordered_json ChatSession::PromptMessages(size_t first) const {
  CHECK(first < exchanges_.size(), "first {} of {} exchanges", first, exchanges_.size());
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  const auto add = [&](const char* role, const std::string& content) {
    messages.push_back({{"role", role}, {"content", content}});
  };
  if (!system_.empty()) add("system", system_);
  for (size_t i = first; i < exchanges_.size(); ++i) {
    add("user", exchanges_[i].user);
    if (i + 1 < exchanges_.size()) add("assistant", *exchanges_[i].answer);
  }
  return messages;
}

}  // namespace spate
