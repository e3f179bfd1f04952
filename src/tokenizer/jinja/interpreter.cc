// Statements.
#include "tokenizer/jinja/interpreter.h"

#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/capture.h"
#include "tokenizer/jinja/globals.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {

std::string Interpreter::Run() {
  stack_base_ = static_cast<const char*>(__builtin_frame_address(0));
  std::string out;
  out_ = &out;
  Frame& frame = Enter(program_.scope, nullptr);
  Execute(program_.body, frame);
  return out;
}

void Interpreter::GuardStack() const {
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  const auto used = here < stack_base_ ? stack_base_ - here : here - stack_base_;
  if (static_cast<size_t>(used) > kMaxStackBytes) throw Failure("macros, loops and expressions are nested too deep");
}

void Interpreter::Emit(std::string_view text) {
  if (text.size() > kMaxOutputBytes - out_->size()) {
    throw Failure("the output is larger than {} MiB", kMaxOutputBytes >> 20);
  }
  heap_.StepBytes(text.size());
  heap_.Charge(text.size());
  *out_ += text;
}

Frame& Interpreter::Enter(const Scope& scope, Frame* parent) {
  heap_.Charge(scope.slots * sizeof(Value));
  auto* frame = heap_.New<Frame>();
  frame->parent = parent;
  frame->slots.resize(scope.slots);
  Load(scope, *frame);
  return *frame;
}

// Gives the variables of a scope the values that they start with. Parameters keep theirs.
void Interpreter::Load(const Scope& scope, Frame& frame) {
  for (const jinja::Load& load : scope.loads) {
    switch (load.how) {
      case jinja::Load::kParameter:
        break;
      case jinja::Load::kUnset:
        frame.slots[load.slot] = Value();
        break;
      case jinja::Load::kAlias:
        frame.slots[load.slot] = frame.At(load.from);
        break;
      case jinja::Load::kResolve: {
        heap_.Step();
        const Value* given = context_.Find(heap_, load.name);
        frame.slots[load.slot] = given != nullptr ? *given : FindGlobal(heap_, load.name);
      }
    }
  }
}

Interpreter::Flow Interpreter::Execute(const std::vector<Stmt*>& body, Frame& frame) {
  GuardStack();
  for (const Stmt* node : body) {
    if (const Flow flow = Execute(*node, frame); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::Execute(const Stmt& node, Frame& frame) {
  heap_.Step();
  line_ = node.line;
  switch (node.kind) {
    case StmtKind::kOutput:
      for (const OutputPart& part : node.parts) {
        if (part.expr == nullptr) {
          Emit(part.data);
          continue;
        }
        const Value value = Evaluate(*part.expr, frame);
        line_ = part.expr->line;
        if (value.IsString()) {
          Emit(value.text());
        } else {
          Emit(Str(heap_, value));
        }
      }
      return Flow::kNext;
    case StmtKind::kIf:
      return ExecuteIf(node, frame);
    case StmtKind::kFor:
      ExecuteFor(node, frame);
      return Flow::kNext;
    case StmtKind::kSet:
      ExecuteSet(node, frame);
      return Flow::kNext;
    case StmtKind::kSetBlock:
      return ExecuteSetBlock(node, frame);
    case StmtKind::kMacro:
      frame.At(node.variable) = Value(Kind::kMacro, heap_.New<Macro>(&node, &frame));
      return Flow::kNext;
    case StmtKind::kCall:
      ExecuteCall(node, frame);
      return Flow::kNext;
    case StmtKind::kFilter:
      return ExecuteFilter(node, frame);
    case StmtKind::kWith:
      return ExecuteWith(node, frame);
    case StmtKind::kGeneration:
      Emit(CallMacro(*heap_.New<Macro>(&node, &frame), {}));
      return Flow::kNext;
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::ExecuteIf(const Stmt& node, Frame& frame) {
  for (const Branch& branch : node.branches) {
    if (branch.test == nullptr || Truth(Evaluate(*branch.test, frame))) return Execute(branch.body, frame);
  }
  return Flow::kNext;
}

void Interpreter::CheckFields(const Expr& target, Frame& frame) {
  if (target.kind == ExprKind::kTuple) {
    for (const Expr* item : target.items) CheckFields(*item, frame);
  } else if (target.kind == ExprKind::kNamespaceField && !frame.At(target.variable).Is(Kind::kNamespace)) {
    throw Failure("cannot assign attribute on non-namespace object");
  }
}

void Interpreter::ExecuteSet(const Stmt& node, Frame& frame) {
  CheckFields(*node.target, frame);
  Assign(*node.target, Evaluate(*node.value, frame), frame);
}

void Interpreter::Assign(const Expr& target, Value value, Frame& frame) {
  heap_.Step();
  if (target.kind == ExprKind::kName) {
    frame.At(target.variable) = std::move(value);
  } else if (target.kind == ExprKind::kNamespaceField) {
    const Value& space = frame.At(target.variable);
    if (!space.Is(Kind::kNamespace)) throw Failure("cannot assign attribute on non-namespace object");
    if (target.attribute.starts_with('_')) {
      throw Failure("a namespace has no attributes that start with an underscore, got '{}'", target.attribute);
    }
    Dict& attributes = *static_cast<Namespace*>(space.object())->attributes;
    attributes.Set(heap_, NewString(heap_, target.attribute), std::move(value));
  } else {
    const std::vector<Value> items = ToVector(*this, value);
    if (items.size() < target.items.size()) {
      throw Failure("not enough values to unpack (expected {}, got {})", target.items.size(), items.size());
    }
    if (items.size() > target.items.size()) {
      throw Failure("too many values to unpack (expected {})", target.items.size());
    }
    for (size_t i = 0; i < items.size(); ++i) Assign(*target.items[i], items[i], frame);
  }
}

Interpreter::Flow Interpreter::ExecuteSetBlock(const Stmt& node, Frame& frame) {
  Frame& inner = Enter(node.scope, &frame);
  Capture capture(*this);
  if (const Flow flow = Execute(node.body, inner); flow != Flow::kNext) return flow;
  Value text = NewString(heap_, capture.Take());
  if (node.value != nullptr) text = EvaluateFilter(*node.value, inner, &text);
  CheckFields(*node.target, frame);
  Assign(*node.target, std::move(text), frame);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::ExecuteFilter(const Stmt& node, Frame& frame) {
  Frame& inner = Enter(node.scope, &frame);
  Capture capture(*this);
  if (const Flow flow = Execute(node.body, inner); flow != Flow::kNext) return flow;
  const Value text = NewString(heap_, capture.Take());
  Emit(Str(heap_, EvaluateFilter(*node.value, inner, &text)));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::ExecuteWith(const Stmt& node, Frame& frame) {
  Frame& inner = Enter(node.scope, &frame);
  for (size_t i = 0; i < node.params.size(); ++i) Assign(*node.params[i], Evaluate(*node.defaults[i], frame), inner);
  return Execute(node.body, inner);
}

void Interpreter::ExecuteCall(const Stmt& node, Frame& frame) {
  const Value caller(Kind::kMacro, heap_.New<Macro>(&node, &frame));
  Emit(Str(heap_, EvaluateCall(*node.value, frame, &caller)));
}

}  // namespace spate::jinja
