// Expressions.
#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/tests.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {

Value Interpreter::Evaluate(const Expr& node, Frame& frame) {
  heap_.Step();
  line_ = node.line;
  const auto item = [&](size_t i) { return Evaluate(*node.items[i], frame); };
  const auto optional = [&](size_t i) { return node.items[i] == nullptr ? Value() : item(i); };
  switch (node.kind) {
    case ExprKind::kConstant:
      return node.constant;
    case ExprKind::kName:
    case ExprKind::kNamespaceField:
      return EvaluateName(node, frame);
    case ExprKind::kTuple:
      return NewTuple(heap_, EvaluateItems(node, frame));
    case ExprKind::kList:
      return NewList(heap_, EvaluateItems(node, frame));
    case ExprKind::kDict:
      return EvaluateDict(node, frame);
    case ExprKind::kAttribute:
      return GetAttribute(*this, item(0), node.name);
    case ExprKind::kItem: {
      const Value value = item(0);
      return GetItem(*this, value, item(1));
    }
    case ExprKind::kSlice: {
      const Value value = item(0), start = optional(1), stop = optional(2);
      return GetSlice(*this, value, start, stop, optional(3));
    }
    case ExprKind::kCall:
      return EvaluateCall(node, frame, nullptr);
    case ExprKind::kFilter:
      return EvaluateFilter(node, frame, nullptr);
    case ExprKind::kTest: {
      const Value value = item(0);
      return Value(ApplyTest(*this, node.name, value, EvaluateArguments(node, frame)));
    }
    case ExprKind::kNot:
      return Value(!Truth(item(0)));
    case ExprKind::kNegative:
    case ExprKind::kPositive:
      return Negative(heap_, item(0), node.kind == ExprKind::kNegative);
    case ExprKind::kBinary: {
      const Value left = item(0);
      return Arithmetic(*this, static_cast<BinaryOperator>(node.op), left, item(1));
    }
    case ExprKind::kAnd:
    case ExprKind::kOr: {
      Value left = item(0);
      return Truth(left) == (node.kind == ExprKind::kOr) ? left : item(1);
    }
    case ExprKind::kCompare:
      return EvaluateCompare(node, frame);
    case ExprKind::kConcat:
      return EvaluateConcat(node, frame);
    case ExprKind::kCondition:
      if (Truth(item(0))) return item(1);
      if (node.items[2] != nullptr) return item(2);
      return NewUndefined(heap_, "the inline if-expression evaluated to false and no else section was defined.");
  }
  return {};
}

Value Interpreter::EvaluateName(const Expr& node, Frame& frame) {
  const Value& value = frame.At(node.variable);
  return value.IsMissing() ? NewUndefined(heap_, fmt::format("'{}' is undefined", node.name)) : value;
}

std::vector<Value> Interpreter::EvaluateItems(const Expr& node, Frame& frame) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const Expr* item : node.items) items.push_back(Evaluate(*item, frame));
  return items;
}

Value Interpreter::EvaluateDict(const Expr& node, Frame& frame) {
  auto* dict = heap_.New<Dict>();
  for (size_t i = 0; i < node.items.size(); i += 2) {
    const Value key = Evaluate(*node.items[i], frame);
    dict->Set(heap_, key, Evaluate(*node.items[i + 1], frame));
  }
  return {Kind::kDict, dict};
}

Value Interpreter::EvaluateCompare(const Expr& node, Frame& frame) {
  constexpr std::string_view kSigns[] = {"==", "!=", "<", "<=", ">", ">="};
  Value left = Evaluate(*node.items[0], frame);
  for (size_t i = 0; i < node.comparisons.size(); ++i) {
    const Comparison comparison = node.comparisons[i];
    Value right = Evaluate(*node.items[i + 1], frame);
    bool holds = false;
    switch (comparison) {
      case Comparison::kEqual:
      case Comparison::kNotEqual:
        holds = Equal(heap_, left, right) == (comparison == Comparison::kEqual);
        break;
      case Comparison::kIn:
      case Comparison::kNotIn:
        holds = Contains(*this, right, left) == (comparison == Comparison::kIn);
        break;
      default: {
        const int order = Compare(heap_, left, right, kSigns[static_cast<size_t>(comparison)]);
        holds = comparison == Comparison::kLess        ? order == -1
                : comparison == Comparison::kLessEqual ? order == -1 || order == 0
                : comparison == Comparison::kGreater   ? order == 1
                                                       : order == 0 || order == 1;
      }
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::EvaluateConcat(const Expr& node, Frame& frame) {
  const std::vector<Value> parts = EvaluateItems(node, frame);
  std::string out;
  for (const Value& part : parts) {
    const std::string text = part.IsString() ? std::string() : Str(heap_, part);
    const std::string_view view = part.IsString() ? part.text() : std::string_view(text);
    heap_.Check(out.size() + view.size());
    out += view;
  }
  return NewString(heap_, std::move(out));
}

Arguments Interpreter::EvaluateArguments(const Expr& node, Frame& frame) {
  Arguments arguments;
  for (size_t i = 1; i < node.items.size(); ++i) arguments.positional.push_back(Evaluate(*node.items[i], frame));
  for (const Keyword& keyword : node.keywords) {
    arguments.named.emplace_back(keyword.name, Evaluate(*keyword.value, frame));
  }
  if (node.more_items != nullptr) {
    const std::vector<Value> more = ToVector(*this, Evaluate(*node.more_items, frame));
    arguments.positional.insert(arguments.positional.end(), more.begin(), more.end());
  }
  if (node.more_keywords != nullptr) {
    const Value more = Evaluate(*node.more_keywords, frame);
    if (!more.Is(Kind::kDict)) throw Failure("argument after ** must be a mapping, not {}", TypeName(more));
    for (const auto& [key, value] : more.dict().entries()) {
      if (!key.IsString()) throw Failure("keywords must be strings");
      for (const auto& [name, other] : arguments.named) {
        heap_.Step();
        if (name == key.text()) throw Failure("got multiple values for keyword argument {}", ReprText(name));
      }
      arguments.named.emplace_back(key.text(), value);
    }
  }
  return arguments;
}

Value Interpreter::EvaluateCall(const Expr& node, Frame& frame, const Value* caller) {
  const Expr& what = *node.items[0];
  // A method is called without a value for it in between.
  Value self, callee;
  const Method* method = nullptr;
  if (what.kind == ExprKind::kAttribute) {
    self = Evaluate(*what.items[0], frame);
    method = FindMethod(self.kind(), what.name);
    if (method == nullptr) callee = GetAttribute(*this, self, what.name);
  } else {
    callee = Evaluate(what, frame);
  }
  Arguments arguments = EvaluateArguments(node, frame);
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  line_ = node.line;
  return method != nullptr ? method->code(*this, self, arguments) : Call(callee, arguments);
}

Value Interpreter::EvaluateFilter(const Expr& node, Frame& frame, const Value* body) {
  Value value;
  if (node.items[0] == nullptr) {
    value = *body;
  } else if (node.items[0]->kind == ExprKind::kFilter) {
    value = EvaluateFilter(*node.items[0], frame, body);
  } else {
    value = Evaluate(*node.items[0], frame);
  }
  const Arguments arguments = EvaluateArguments(node, frame);
  line_ = node.line;
  return ApplyFilter(*this, node.name, value, arguments);
}

}  // namespace spate::jinja
