// Interpreter: one rendering of a Program. Lives for one call of Render on one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/macro.h"
#include "tokenizer/jinja/value.h"

namespace spate::jinja {

class Interpreter {
 public:
  // `heap` holds `context`, the variables that the template is given, and must outlive both. `now` is what strftime_now
  // returns; empty: the clock.
  Interpreter(const Program& program, Heap& heap, const Dict& context, std::string_view now)
      : program_(program), heap_(heap), context_(context), now_(now) {}

  std::string Run();  // throws Failure; then line() says where
  int line() const { return line_; }

  Heap& heap() { return heap_; }
  std::string_view now() const { return now_; }

  Value Call(const Value& callee, const Arguments& arguments);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class Capture;

  // Statements. interpreter.cc
  Flow Execute(const std::vector<Stmt*>& body, Frame& frame);
  Flow Execute(const Stmt& node, Frame& frame);
  Flow ExecuteIf(const Stmt& node, Frame& frame);
  void ExecuteSet(const Stmt& node, Frame& frame);
  Flow ExecuteSetBlock(const Stmt& node, Frame& frame);
  Flow ExecuteFilter(const Stmt& node, Frame& frame);
  Flow ExecuteWith(const Stmt& node, Frame& frame);
  void ExecuteCall(const Stmt& node, Frame& frame);
  void Assign(const Expr& target, Value value, Frame& frame);
  void CheckFields(const Expr& target, Frame& frame);
  Frame& Enter(const Scope& scope, Frame* parent);
  void Load(const Scope& scope, Frame& frame);
  void Emit(std::string_view text);
  void GuardStack() const;

  // Loops and macros. calls.cc
  void ExecuteFor(const Stmt& node, Frame& frame);
  Flow RunLoop(const Stmt& node, Frame& outer, const Value& items, int64_t depth);
  Iterator& Filtered(const Stmt& node, Frame& outer, const Value& items);
  std::string CallLoop(Loop& loop, const Value& items);
  std::string CallMacro(const Macro& macro, const Arguments& arguments);

  // Expressions. evaluate.cc
  Value Evaluate(const Expr& node, Frame& frame);
  Value EvaluateName(const Expr& node, Frame& frame);
  Value EvaluateCall(const Expr& node, Frame& frame, const Value* caller);
  Value EvaluateFilter(const Expr& node, Frame& frame, const Value* body);
  Value EvaluateCompare(const Expr& node, Frame& frame);
  Value EvaluateConcat(const Expr& node, Frame& frame);
  Value EvaluateDict(const Expr& node, Frame& frame);
  std::vector<Value> EvaluateItems(const Expr& node, Frame& frame);
  Arguments EvaluateArguments(const Expr& node, Frame& frame);

  const Program& program_;
  Heap& heap_;
  const Dict& context_;
  std::string_view now_;
  std::string* out_ = nullptr;
  int line_ = 1;
  int call_depth_ = 0;
  const char* stack_base_ = nullptr;
};

}  // namespace spate::jinja
