// The parser's part for expressions.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/token_stream.h"

namespace spate::jinja {

class ExpressionParser {
 public:
  ExpressionParser(Program& program, TokenStream& tokens) : program_(program), tokens_(tokens) {}

  Expr* Expression();
  Expr* Or();  // an expression without `x if y`
  // One or more expressions with commas between; `end` is a name that also ends them.
  Expr* Tuple(bool with_condition, std::string_view end, bool parentheses);
  // What can be assigned to: names, tuples of them, and namespace fields where those are allowed.
  Expr* Target(std::string_view end, bool fields);
  Expr* Name();                                 // one name to assign to
  Expr* Filters(Expr* value, bool first_bare);  // value | a | b; first_bare: the first has no | before it

  Expr* New(ExprKind kind, int line, std::vector<Expr*> items = {});
  int& depth() { return depth_; }

 private:
  Expr* Condition();
  Expr* And();
  Expr* Not();
  Expr* Compare();
  Expr* Sum();
  Expr* Concat();
  Expr* Product();
  Expr* Power();
  Expr* Unary(bool with_filter);
  Expr* Primary(bool fields);
  Expr* List();
  Expr* Dict();
  Expr* Postfix(Expr* node);
  Expr* FilterPostfix(Expr* node);
  Expr* Subscript(Expr* node);
  Expr* Call(Expr* node);
  Expr* Test(Expr* node);
  void CallArguments(Expr& call);
  Expr* Binary(BinaryOperator op, Expr* left, Expr* right, int line);
  Expr* Constant(Value value, int line);
  Expr* Number(const Token& token);
  Expr* Strings();
  bool AtTupleEnd(std::string_view end) const;
  void CheckTarget(const Expr& target) const;
  std::string_view DottedName();

  Program& program_;
  TokenStream& tokens_;
  int depth_ = 0;
};

}  // namespace spate::jinja
