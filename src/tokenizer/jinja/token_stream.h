// The tokens of a template, one after the other, with the parser's limits.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/limits.h"
#include "tokenizer/jinja/token.h"

namespace spate::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return current().line; }

  Token Next() {
    const Token token = current();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool SkipName(std::string_view name) { return Skip(TokenKind::kName, name); }
  bool SkipOperator(std::string_view op) { return Skip(TokenKind::kOperator, op); }
  Token ExpectName() {
    if (current().kind != TokenKind::kName) FailAt(line(), "expected a name, got {}", Describe(current()));
    return Next();
  }
  void ExpectName(std::string_view name) {
    if (!SkipName(name)) FailAt(line(), "expected '{}', got {}", name, Describe(current()));
  }
  void ExpectOperator(std::string_view op) {
    if (!SkipOperator(op)) FailAt(line(), "expected '{}', got {}", op, Describe(current()));
  }
  void Expect(TokenKind kind, std::string_view what) {
    if (current().kind != kind) FailAt(line(), "expected {}, got {}", what, Describe(current()));
    Next();
  }

  static std::string Describe(const Token& token) {
    switch (token.kind) {
      case TokenKind::kData:
        return "text";
      case TokenKind::kVariableBegin:
      case TokenKind::kBlockBegin:
        return "the begin of a tag";
      case TokenKind::kVariableEnd:
      case TokenKind::kBlockEnd:
        return "the end of the tag";
      case TokenKind::kEnd:
        return "the end of the template";
      default:
        return fmt::format("'{}'", token.text.substr(0, 40));
    }
  }

 private:
  bool Skip(TokenKind kind, std::string_view text) {
    if (!current().Is(kind, text)) return false;
    Next();
    return true;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

// Counts how deep the parser is; one lives in every function that calls itself.
class DepthGuard {
 public:
  DepthGuard(int& depth, int line) : depth_(depth) {
    if (++depth_ > kMaxParseDepth) {
      --depth_;
      FailAt(line, "nested deeper than {} levels", kMaxParseDepth);
    }
  }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  int& depth_;
};

}  // namespace spate::jinja
