// Values as JSON, character for character as Python's json.dumps writes it.
#pragma once

#include <optional>
#include <string>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

struct JsonStyle {
  bool ascii = false;  // escape everything beyond ASCII
  bool sort_keys = false;
  std::optional<std::string> indent{};  // of one level; none: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Throws Failure for what has no JSON, and beyond the limits.
std::string JsonText(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace spate::jinja
