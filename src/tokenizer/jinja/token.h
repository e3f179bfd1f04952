// Tokens of a template. They point into the source, which outlives them.
#pragma once

#include <cstdint>
#include <string_view>

namespace spate::jinja {

enum class TokenKind : uint8_t {
  kData,  // text outside of tags
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,  // with its quotes
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string_view text{};

  bool Is(TokenKind other, std::string_view wanted) const { return kind == other && text == wanted; }
  bool IsName(std::string_view wanted) const { return Is(TokenKind::kName, wanted); }
  bool IsOperator(std::string_view wanted) const { return Is(TokenKind::kOperator, wanted); }
};

}  // namespace spate::jinja
