// spate tokenize --chat: a conversation as the text that the model sees.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace spate {

class ChatFlags {
 public:
  void AddTo(CLI::App& command);
  bool given() const { return !messages_.empty(); }
  bool needs_model() const { return template_.empty(); }

  // The prompt, by --template or the template of `model`. Throws Error.
  std::string Render(const std::filesystem::path& model) const;

 private:
  std::string messages_, tools_, template_, now_;
  std::optional<std::string> bos_, eos_;
  bool no_generation_prompt_ = false;
};

}  // namespace spate
