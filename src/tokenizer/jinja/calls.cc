// Loops, macros and everything else that can be called.
#include <algorithm>

#include "tokenizer/jinja/capture.h"
#include "tokenizer/jinja/globals.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {
namespace {

class DepthCount {
 public:
  explicit DepthCount(int& depth) : depth_(depth) {
    if (depth_ >= kMaxCallDepth) throw Failure("calls are nested deeper than {} levels", kMaxCallDepth);
    ++depth_;
  }
  ~DepthCount() { --depth_; }
  DepthCount(const DepthCount&) = delete;
  DepthCount& operator=(const DepthCount&) = delete;

 private:
  int& depth_;
};

}  // namespace

// The items that pass `for ... if`, tested when they are asked for: the body may change what the test reads.
Iterator& Interpreter::Filtered(const Stmt& node, Frame& outer, const Value& items) {
  Iterator* source = &Iterate(*this, items);
  Frame* frame = &Enter(node.test_scope, &outer);
  const auto next = [this, &node, source, frame](Interpreter&, Value& item) {
    while (source->Next(*this, item)) {
      // The names of the target stand in the test's scope at slots of their own.
      size_t name = 0;
      const auto assign = [&](const auto& self, const Expr& target, const Value& value) -> void {
        if (target.kind != ExprKind::kTuple) {
          frame->slots[node.param_slots[name++]] = value;
          return;
        }
        const std::vector<Value> parts = ToVector(*this, value);
        if (parts.size() != target.items.size()) {
          throw Failure("expected {} values to unpack, got {}", target.items.size(), parts.size());
        }
        for (size_t i = 0; i < parts.size(); ++i) self(self, *target.items[i], parts[i]);
      };
      assign(assign, *node.target, item);
      if (Truth(Evaluate(*node.test, *frame))) return true;
    }
    return false;
  };
  return *static_cast<Iterator*>(NewGenerator(heap_, next).object());
}

void Interpreter::ExecuteFor(const Stmt& node, Frame& frame) {
  const Value items = Evaluate(*node.value, frame);
  if (!node.recursive) {
    RunLoop(node, frame, items, 0);
    return;
  }
  Capture capture(*this);
  RunLoop(node, frame, items, 0);
  const std::string text = capture.Take();
  Emit(text);
}

Interpreter::Flow Interpreter::RunLoop(const Stmt& node, Frame& outer, const Value& items, int64_t depth) {
  GuardStack();
  Value iterable = items;
  if (node.test != nullptr) iterable = Value(Kind::kIterator, &Filtered(node, outer, items));
  Iterator& iterator = Iterate(*this, iterable);
  Loop* loop = nullptr;
  Frame& frame = Enter(node.scope, &outer);
  if (node.uses_loop) {
    loop = heap_.New<Loop>(iterable, iterator, depth);
    loop->node = node.recursive ? &node : nullptr;
    loop->outer = &outer;
    frame.slots[node.loop_slot] = Value(Kind::kLoop, loop);
  }
  bool empty = true;
  for (Value item;;) {
    line_ = node.line;
    if (!(loop != nullptr ? loop->Next(*this, item) : iterator.Next(*this, item))) break;
    heap_.Step();
    Load(node.scope, frame);
    Assign(*node.target, std::move(item), frame);
    const Flow flow = Execute(node.body, frame);
    if (flow == Flow::kBreak) {
      empty = false;
      break;
    }
    if (flow == Flow::kNext) empty = false;
  }
  // Jinja2 takes note of an iteration at the end of the body, which `continue` does not reach.
  if (empty && !node.else_body.empty()) return Execute(node.else_body, Enter(node.else_scope, &outer));
  return Flow::kNext;
}

std::string Interpreter::CallLoop(Loop& loop, const Value& items) {
  if (loop.node == nullptr) throw Failure("The loop must have the 'recursive' marker to be called recursively.");
  const DepthCount count(call_depth_);
  Capture capture(*this);
  RunLoop(*loop.node, *loop.outer, items, loop.depth0() + 1);
  return capture.Take();
}

std::string Interpreter::CallMacro(const Macro& macro, const Arguments& arguments) {
  const DepthCount count(call_depth_);
  GuardStack();
  const Stmt& node = *macro.node;
  const std::string_view name = node.name.empty() ? std::string_view("caller") : node.name;
  Frame& frame = Enter(node.scope, macro.outer);
  const size_t given = std::min(arguments.positional.size(), node.params.size());
  std::vector<Value> values(node.params.size());
  std::copy_n(arguments.positional.begin(), given, values.begin());
  Value caller;
  auto* kwargs = heap_.New<Dict>();
  for (const auto& [key, value] : arguments.named) {
    const auto param = std::find_if(node.params.begin() + static_cast<int64_t>(given), node.params.end(),
                                    [&, wanted = std::string_view(key)](const Expr* p) { return p->name == wanted; });
    if (param != node.params.end()) {
      values[static_cast<size_t>(param - node.params.begin())] = value;
    } else if (key == "caller" && node.caller_slot != Stmt::kNoSlot) {
      caller = value;
    } else if (node.kwargs_slot != Stmt::kNoSlot) {
      kwargs->Set(heap_, NewString(heap_, key), value);
    } else {
      throw Failure("macro '{}' takes no keyword argument '{}'", name, key);
    }
  }
  if (node.caller_slot != Stmt::kNoSlot) {
    const bool none = caller.IsMissing() || caller.IsNone();
    frame.slots[node.caller_slot] = none ? NewUndefined(heap_, "No caller defined") : caller;
  }
  if (node.kwargs_slot != Stmt::kNoSlot) frame.slots[node.kwargs_slot] = Value(Kind::kDict, kwargs);
  const bool varargs = node.varargs_slot != Stmt::kNoSlot;
  if (varargs) {
    frame.slots[node.varargs_slot] =
        NewTuple(heap_, {arguments.positional.begin() + static_cast<int64_t>(given), arguments.positional.end()});
  } else if (arguments.positional.size() > node.params.size()) {
    throw Failure("macro '{}' takes not more than {} argument(s)", name, node.params.size());
  }
  for (size_t i = 0; i < values.size(); ++i) frame.slots[node.param_slots[i]] = values[i];
  const size_t first_default = node.params.size() - node.defaults.size();
  for (size_t i = 0; i < values.size(); ++i) {
    Value& slot = frame.slots[node.param_slots[i]];
    if (!slot.IsMissing()) continue;
    slot = i < first_default ? NewUndefined(heap_, fmt::format("parameter '{}' was not provided", node.params[i]->name))
                             : Evaluate(*node.defaults[i - first_default], frame);
  }
  Capture capture(*this);
  Execute(node.body, frame);
  return capture.Take();
}

Value Interpreter::Call(const Value& callee, const Arguments& arguments) {
  heap_.Step();
  switch (callee.kind()) {
    case Kind::kUndefined:
      FailUndefined(callee);
    case Kind::kMacro:
      return NewString(heap_, CallMacro(*static_cast<const Macro*>(callee.object()), arguments));
    case Kind::kLoop:
      if (arguments.positional.size() != 1 || !arguments.named.empty()) throw Failure("loop() takes one argument");
      return NewString(heap_, CallLoop(*static_cast<Loop*>(callee.object()), arguments.positional[0]));
    case Kind::kFunction: {
      const auto& function = *static_cast<const Function*>(callee.object());
      return function.code(*this, function.self, arguments);
    }
    case Kind::kJoiner: {
      auto& joiner = *static_cast<Joiner*>(callee.object());
      if (!arguments.positional.empty() || !arguments.named.empty()) throw Failure("a joiner takes no arguments");
      return std::exchange(joiner.used, true) ? joiner.separator : NewString(heap_, "");
    }
    case Kind::kDictType:
      return Value(Kind::kDict, DictFromArguments(*this, arguments));
    default:
      throw Failure("'{}' object is not callable", TypeName(callee));
  }
}

}  // namespace spate::jinja
