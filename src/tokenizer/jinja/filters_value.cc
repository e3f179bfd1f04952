// Filters on numbers and on any value.
#include <charconv>
#include <cmath>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/json_text.h"
#include "tokenizer/jinja/number_text.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/pretty.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {
namespace {

Value Default(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "default", {"default_value", "boolean"}, 0);
  if (!value.IsUndefined() && !(parameters.Truth(1, false) && !Truth(value))) return value;
  return parameters.Has(0) ? parameters[0] : NewString(interpreter.heap(), "");
}

Value Attr(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "attr", {"name"}, 1);
  if (value.IsUndefined()) FailUndefined(value);
  Value found = FindAttribute(interpreter, value, parameters.Text(0, {}));
  if (!found.IsMissing()) return found;
  return NewUndefined(interpreter.heap(),
                      fmt::format("'{} object' has no attribute '{}'", TypeName(value), parameters.Text(0, {})));
}

Value Abs(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "abs");
  if (value.Is(Kind::kFloat)) return Value(std::abs(value.number()));
  if (value.IsNumber()) return Negative(interpreter.heap(), value, value.integer() < 0);
  if (value.IsUndefined()) FailUndefined(value);
  throw Failure("bad operand type for abs(): '{}'", TypeName(value));
}

Value Truncated(double number, const Value& otherwise) {
  if (!std::isfinite(number)) return otherwise;
  if (std::abs(number) >= 0x1p63) throw Failure("an integer does not fit 64 bits");
  return Value(static_cast<int64_t>(number));
}

Value Int(Interpreter&, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "int", {"default", "base"}, 0);
  Value otherwise = parameters.Has(0) ? parameters[0] : Value(int64_t{0});
  if (value.IsUndefined()) FailUndefined(value);
  if (value.IsWhole()) return Value(value.integer());
  if (value.Is(Kind::kFloat)) return Truncated(value.number(), otherwise);
  if (!value.IsString()) return otherwise;
  if (const auto integer = ParseInteger(value.text(), parameters.Integer(1, 10))) return Value(*integer);
  const auto number = ParseFloat(value.text());
  return number ? Truncated(*number, otherwise) : otherwise;
}

Value Float(Interpreter&, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "float", {"default"}, 0);
  if (value.IsUndefined()) FailUndefined(value);
  if (value.IsNumber()) return Value(value.number());
  if (value.IsString()) {
    if (const auto number = ParseFloat(value.text())) return Value(*number);
  }
  return parameters.Has(0) ? parameters[0] : Value(0.0);
}

Value RoundInteger(int64_t number, int64_t precision) {
  if (precision >= 0) return Value(number);
  if (precision < -18) return Value(int64_t{0});
  int64_t unit = 1;
  for (int64_t i = 0; i > precision; --i) unit *= 10;
  int64_t rest = number % unit;
  int64_t down = number - rest;
  if (rest < 0) {
    rest += unit;
    if (__builtin_sub_overflow(down, unit, &down)) throw Failure("an integer does not fit 64 bits");
  }
  const bool up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
  if (up && __builtin_add_overflow(down, unit, &down)) throw Failure("an integer does not fit 64 bits");
  return Value(down);
}

Value Round(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "round", {"precision", "method"}, 0);
  const int64_t precision = parameters.Integer(0, 0);
  const std::string_view method = parameters.Text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor")
    throw Failure("method must be common, ceil or floor");
  if (value.IsUndefined()) FailUndefined(value);
  if (!value.IsNumber()) throw Failure("type {} doesn't define __round__ method", TypeName(value));
  if (method == "common") {
    if (value.IsWhole()) return RoundInteger(value.integer(), precision);
    return Value(RoundFloat(value.number(), precision));
  }
  // As Jinja2 writes it: func(value * (10 ** precision)) / (10 ** precision).
  const Value scale = Arithmetic(interpreter, BinaryOperator::kPower, Value(int64_t{10}), Value(precision));
  const Value scaled = Arithmetic(interpreter, BinaryOperator::kMultiply, value, scale);
  if (!std::isfinite(scaled.number())) throw Failure("cannot round {}", ReprFloat(scaled.number()));
  const double whole = method == "ceil" ? std::ceil(scaled.number()) : std::floor(scaled.number());
  return Arithmetic(interpreter, BinaryOperator::kDivide, Value(whole), scale);
}

Value ToJson(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, 0);
  Heap& heap = interpreter.heap();
  JsonStyle style;
  style.ascii = parameters.Truth(0, false);
  style.sort_keys = parameters.Truth(3, false);
  if (parameters.Has(1) && !parameters[1].IsNone()) {
    if (parameters[1].IsString()) {
      style.indent = parameters[1].text();
    } else {
      const int64_t width = std::max<int64_t>(parameters.Integer(1, 0), 0);
      heap.Check(static_cast<size_t>(width));
      style.indent = std::string(static_cast<size_t>(width), ' ');
    }
    style.item_separator = ",";
  }
  if (parameters.Has(2) && !parameters[2].IsNone()) {
    if (!parameters[2].IsSequence() || parameters[2].sequence().items.size() != 2) {
      throw Failure("tojson: expected two separators");
    }
    const std::vector<Value>& separators = parameters[2].sequence().items;
    if (!separators[0].IsString() || !separators[1].IsString())
      throw Failure("tojson: expected two strings as separators");
    style.item_separator = separators[0].text();
    style.key_separator = separators[1].text();
  }
  return NewString(heap, JsonText(heap, value, style));
}

Value PPrint(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "pprint");
  return NewString(interpreter.heap(), PrettyText(interpreter.heap(), value));
}

constexpr NamedFilter kFilters[] = {{"abs", Abs},         {"attr", Attr},   {"d", Default},
                                    {"default", Default}, {"float", Float}, {"int", Int},
                                    {"pprint", PPrint},   {"round", Round}, {"tojson", ToJson}};

}  // namespace

std::span<const NamedFilter> ValueFilters() { return kFilters; }

}  // namespace spate::jinja
