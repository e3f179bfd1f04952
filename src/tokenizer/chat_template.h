// ChatTemplate: messages to the text that a model was trained on, through the Jinja template that the model's folder
// brings. Exactly what Jinja2 renders when it is set up as Hugging Face does (immutable sandbox, trim_blocks,
// lstrip_blocks, loop controls, `generation` blocks, tojson, strftime_now, raise_exception).
// Immutable and thread-safe. Neither a hostile template nor hostile data can do harm: steps, memory, depth and output
// are bounded, and no template reaches anything but the values below. What cannot run is an Error(kBadInput) of one
// line, "chatml: line 3: ...".
//
//   const ChatTemplate chat(source, "chatml", {{"eos_token", "<|im_end|>"}});
//   const std::string prompt = chat.Render({.messages = messages});
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace spate {

struct ChatRequest {
  nlohmann::ordered_json messages;             // array of objects
  nlohmann::ordered_json tools = nullptr;      // array or null
  nlohmann::ordered_json documents = nullptr;  // array or null
  nlohmann::ordered_json variables = nullptr;  // further names for the template (chat_template_kwargs), object or null
  bool add_generation_prompt = true;
  std::string now{};  // what strftime_now returns; empty: the clock
};

namespace jinja {
struct Program;
}

class ChatTemplate {
 public:
  // `name` names the template in messages; `special_tokens` are variables: bos_token, eos_token, ...
  // Throws Error(kBadInput) when the source is no template.
  ChatTemplate(std::string_view source, std::string_view name, std::map<std::string, std::string> special_tokens);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  std::string Render(const ChatRequest& request) const;  // throws Error(kBadInput)

  std::string_view name() const { return name_; }
  std::string_view source() const { return source_; }

 private:
  std::string source_;
  std::string name_;
  std::map<std::string, std::string> special_tokens_;
  std::unique_ptr<const jinja::Program> program_;
};

}  // namespace spate
