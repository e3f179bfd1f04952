// ChatSession: the messages of one conversation: a system message or none, then exchanges of what the user said and
// what the model answered. Only the last exchange may wait for its answer. One thread.
//
//   session.Ask("hello");
//   ... session.PromptMessages(0) is what the model is shown ...
//   session.Answer("hi there", /*partial=*/false);
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace spate {

struct Exchange {
  std::string user;
  std::optional<std::string> answer{};  // none: not yet
  bool partial = false;                 // the answer was stopped by the user
  uint32_t tries = 0;                   // how often it was answered anew: each try samples differently
  int context_tokens = 0;               // of prompt and answer together; 0: not known
};

class ChatSession {
 public:
  void SetSystem(std::string text) { system_ = std::move(text); }  // empty = none
  const std::string& system() const { return system_; }
  const std::vector<Exchange>& exchanges() const { return exchanges_; }
  bool waiting() const { return !exchanges_.empty() && !exchanges_.back().answer; }  // for an answer

  void Ask(std::string user);  // not while waiting
  // To the last message; replaces an earlier answer to it.
  void Answer(std::string text, bool partial, int context_tokens = 0);
  uint32_t Retry();                     // the number of the next try at the last message, from 1; there is one
  bool Undo();                          // takes back the last exchange; false: there was none
  void Reset() { exchanges_.clear(); }  // the system message stays
  void Append(Exchange exchange);       // as loaded from a file; not while waiting

  // What the model is shown to answer the last message: the system message, then the exchanges from number `first` on
  // (at most the last), the last one without its answer. OpenAI's form: [{"role": ..., "content": ...}].
  nlohmann::ordered_json PromptMessages(size_t first) const;

 private:
  std::string system_;
  std::vector<Exchange> exchanges_;
};

}  // namespace spate
