#include "tokenizer/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {
namespace {

constexpr uint64_t kMix = 0x9E3779B97F4A7C15u;

// Exact: a long double holds every int64.
long double Wide(const Value& value) {
  return value.Is(Kind::kFloat) ? static_cast<long double>(value.number()) : static_cast<long double>(value.integer());
}

void CheckDepth(int depth) {
  if (depth > kMaxDataDepth) throw Failure("values are nested deeper than {} levels", kMaxDataDepth);
}

[[noreturn]] void FailOperands(std::string_view sign, const Value& left, const Value& right) {
  throw Failure("unsupported operand type(s) for {}: '{}' and '{}'", sign, TypeName(left), TypeName(right));
}

bool EqualItems(Heap& heap, const std::vector<Value>& left, const std::vector<Value>& right, int depth) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (!Equal(heap, left[i], right[i], depth + 1)) return false;
  }
  return true;
}

bool EqualDicts(Heap& heap, const Dict& left, const Dict& right, int depth) {
  if (left.entries().size() != right.entries().size()) return false;
  for (const auto& [key, value] : left.entries()) {
    const Value* other = right.Find(heap, key);
    if (other == nullptr || !Equal(heap, value, *other, depth + 1)) return false;
  }
  return true;
}

bool EqualRanges(const Range& left, const Range& right) {
  if (left.length != right.length) return false;
  return left.length == 0 || (left.start == right.start && (left.length == 1 || left.step == right.step));
}

void CheckFits(bool overflow) {
  if (overflow) throw Failure("an integer does not fit 64 bits");
}

int64_t FloorDivide(int64_t left, int64_t right) {
  const int64_t quotient = left / right;
  return quotient - ((left % right != 0 && (left < 0) != (right < 0)) ? 1 : 0);
}

double FloorModulo(double left, double right) {
  const double rest = std::fmod(left, right);
  if (rest == 0) return std::copysign(0.0, right);
  return (rest < 0) != (right < 0) ? rest + right : rest;
}

double FloorQuotient(double left, double right) {
  const double rest = std::fmod(left, right);
  double quotient = (left - rest) / right;
  if (rest != 0 && (right < 0) != (rest < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, left / right);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1.0 : floor;
}

Value IntegerPower(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) throw Failure("0.0 cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  bool overflow = false;
  for (; exponent > 0 && !overflow; exponent >>= 1) {
    if ((exponent & 1) != 0) overflow = __builtin_mul_overflow(result, base, &result);
    if (exponent > 1 && !overflow) overflow = __builtin_mul_overflow(base, base, &base);
  }
  CheckFits(overflow);
  return Value(result);
}

Value Integers(BinaryOperator op, int64_t left, int64_t right) {
  int64_t result = 0;
  switch (op) {
    case BinaryOperator::kAdd:
      CheckFits(__builtin_add_overflow(left, right, &result));
      return Value(result);
    case BinaryOperator::kSubtract:
      CheckFits(__builtin_sub_overflow(left, right, &result));
      return Value(result);
    case BinaryOperator::kMultiply:
      CheckFits(__builtin_mul_overflow(left, right, &result));
      return Value(result);
    case BinaryOperator::kPower:
      return IntegerPower(left, right);
    default:
      break;
  }
  if (right == 0) throw Failure("division by zero");
  if (op == BinaryOperator::kDivide) {
    return Value(static_cast<double>(static_cast<long double>(left) / static_cast<long double>(right)));
  }
  if (right == -1) {  // the one quotient that may overflow
    if (op == BinaryOperator::kModulo) return Value(int64_t{0});
    CheckFits(__builtin_sub_overflow(int64_t{0}, left, &result));
    return Value(result);
  }
  const int64_t quotient = FloorDivide(left, right);
  return op == BinaryOperator::kFloorDivide ? Value(quotient) : Value(left - quotient * right);
}

Value Floats(BinaryOperator op, double left, double right) {
  switch (op) {
    case BinaryOperator::kAdd:
      return Value(left + right);
    case BinaryOperator::kSubtract:
      return Value(left - right);
    case BinaryOperator::kMultiply:
      return Value(left * right);
    case BinaryOperator::kPower: {
      if (left == 0 && right < 0) throw Failure("0.0 cannot be raised to a negative power");
      if (left < 0 && std::isfinite(left) && std::isfinite(right) && right != std::floor(right)) {
        throw Failure("a negative number to the power of a fraction is complex");
      }
      const double result = std::pow(left, right);
      if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) throw Failure("a result is too large");
      return Value(result);
    }
    default:
      break;
  }
  if (right == 0) throw Failure("division by zero");
  if (op == BinaryOperator::kDivide) return Value(left / right);
  return Value(op == BinaryOperator::kModulo ? FloorModulo(left, right) : FloorQuotient(left, right));
}

Value Repeat(Heap& heap, const Value& what, int64_t count) {
  const size_t times = count < 0 ? 0 : static_cast<size_t>(count);
  if (what.IsString()) {
    heap.Check(times, what.text().size());
    std::string out;
    out.reserve(times * what.text().size());
    if (!what.text().empty()) {
      for (size_t i = 0; i < times; ++i) out += what.text();
    }
    return NewString(heap, std::move(out), what.markup());
  }
  const std::vector<Value>& items = what.sequence().items;
  heap.Check(times, items.size() * sizeof(Value));
  std::vector<Value> out;
  out.reserve(times * items.size());
  for (size_t i = 0; i < times && !items.empty(); ++i) out.insert(out.end(), items.begin(), items.end());
  heap.Step(static_cast<int64_t>(out.size() / 16));
  return what.Is(Kind::kList) ? NewList(heap, std::move(out)) : NewTuple(heap, std::move(out));
}

// A string that is HTML escapes what is added to it.
Value AddStrings(Heap& heap, const Value& left, const Value& right) {
  const bool markup = left.markup() || right.markup();
  std::string out;
  heap.Check(left.text().size() + right.text().size());
  out.reserve(left.text().size() + right.text().size());
  const auto append = [&](const Value& value) {
    if (markup && !value.markup()) {
      out += EscapeHtml(value.text());
    } else {
      out += value.text();
    }
  };
  append(left);
  append(right);
  return NewString(heap, std::move(out), markup);
}

}  // namespace

void FailUndefined(const Value& undefined) { throw Failure("{}", undefined.text()); }

std::string_view Sign(BinaryOperator op) {
  constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return kSigns[static_cast<size_t>(op)];
}

bool Truth(const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.integer() != 0;
    case Kind::kFloat:
      return value.number() != 0;
    case Kind::kString:
      return !value.text().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !value.sequence().items.empty();
    case Kind::kDict:
      return !value.dict().entries().empty();
    case Kind::kDictView:
      return !static_cast<const DictView*>(value.object())->dict->entries().empty();
    case Kind::kRange:
      return static_cast<const Range*>(value.object())->length > 0;
    default:
      return true;
  }
}

bool Equal(Heap& heap, const Value& left, const Value& right, int depth) {
  CheckDepth(depth);
  heap.Step();
  if (left.IsNumber() && right.IsNumber()) return Wide(left) == Wide(right);
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      heap.StepBytes(left.text().size());
      return left.text() == right.text();
    case Kind::kList:
    case Kind::kTuple:
      return EqualItems(heap, left.sequence().items, right.sequence().items, depth);
    case Kind::kDict:
      return EqualDicts(heap, left.dict(), right.dict(), depth);
    case Kind::kRange:
      return EqualRanges(*static_cast<const Range*>(left.object()), *static_cast<const Range*>(right.object()));
    default:
      return left.SameObject(right);
  }
}

int Compare(Heap& heap, const Value& left, const Value& right, std::string_view sign, int depth) {
  CheckDepth(depth);
  heap.Step();
  if (left.IsUndefined()) FailUndefined(left);
  if (right.IsUndefined()) FailUndefined(right);
  if (left.IsNumber() && right.IsNumber()) {
    const long double a = Wide(left), b = Wide(right);
    if (a == b) return 0;
    if (a < b) return -1;
    return a > b ? 1 : 2;  // 2: one of them is no number, which is neither
  }
  if (left.IsString() && right.IsString()) {  // the order of bytes is that of code points
    heap.StepBytes(left.text().size());
    const int order = left.text().compare(right.text());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (left.kind() == right.kind() && left.IsSequence()) {
    const std::vector<Value>& a = left.sequence().items;
    const std::vector<Value>& b = right.sequence().items;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
      if (!Equal(heap, a[i], b[i], depth + 1)) return Compare(heap, a[i], b[i], sign, depth + 1);
    }
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  }
  throw Failure("'{}' not supported between instances of '{}' and '{}'", sign, TypeName(left), TypeName(right));
}

uint64_t HashText(std::string_view text) { return std::hash<std::string_view>()(text); }

uint64_t Hash(Heap& heap, const Value& value, int depth) {
  CheckDepth(depth);
  switch (value.kind()) {
    case Kind::kString:
      heap.StepBytes(value.text().size());
      return HashText(value.text());
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
      return std::hash<double>()(value.number() == 0 ? 0.0 : value.number());  // equal numbers, equal hashes
    case Kind::kTuple: {
      uint64_t hash = 1;
      for (const Value& item : value.sequence().items) hash = (hash + Hash(heap, item, depth + 1)) * kMix;
      heap.Step(static_cast<int64_t>(value.sequence().items.size()));
      return hash;
    }
    case Kind::kList:
    case Kind::kDict:
      throw Failure("unhashable type: '{}'", TypeName(value));
    case Kind::kNone:
    case Kind::kUndefined:
      return static_cast<uint64_t>(value.kind());
    default:
      return std::hash<const void*>()(value.object());
  }
}

bool Contains(Interpreter& interpreter, const Value& container, const Value& value) {
  Heap& heap = interpreter.heap();
  switch (container.kind()) {
    case Kind::kString:
      if (!value.IsString()) {
        throw Failure("'in <string>' requires string as left operand, not {}", TypeName(value));
      }
      heap.StepBytes(container.text().size());
      return Find(container.text(), value.text()) != std::string_view::npos;
    case Kind::kList:
    case Kind::kTuple:
      for (const Value& item : container.sequence().items) {
        if (Equal(heap, item, value)) return true;
      }
      return false;
    case Kind::kDict:
      return container.dict().Find(heap, value) != nullptr;
    case Kind::kRange: {
      const auto& range = *static_cast<const Range*>(container.object());
      if (!value.IsNumber() || value.number() != std::floor(value.number())) return false;
      const int64_t wanted = value.IsWhole() ? value.integer() : static_cast<int64_t>(value.number());
      if (range.length == 0) return false;
      const int64_t last = range.start + (range.length - 1) * range.step;
      if (wanted < std::min(range.start, last) || wanted > std::max(range.start, last)) return false;
      return (wanted - range.start) % range.step == 0;
    }
    default: {
      Iterator& items = Iterate(interpreter, container);
      for (Value item; items.Next(interpreter, item);) {
        if (Equal(heap, item, value)) return true;
      }
      return false;
    }
  }
}

Value Arithmetic(Interpreter& interpreter, BinaryOperator op, const Value& left, const Value& right) {
  Heap& heap = interpreter.heap();
  if (op == BinaryOperator::kModulo && left.IsString()) return FormatPercent(interpreter, left, right);
  if (left.IsUndefined()) FailUndefined(left);
  if (right.IsUndefined()) FailUndefined(right);
  if (left.IsNumber() && right.IsNumber()) {
    if (left.IsWhole() && right.IsWhole()) return Integers(op, left.integer(), right.integer());
    return Floats(op, left.number(), right.number());
  }
  const auto repeats = [](const Value& what) { return what.IsString() || what.IsSequence(); };
  if (op == BinaryOperator::kMultiply && repeats(left) && right.IsWhole()) return Repeat(heap, left, right.integer());
  if (op == BinaryOperator::kMultiply && repeats(right) && left.IsWhole()) return Repeat(heap, right, left.integer());
  if (op == BinaryOperator::kAdd && left.kind() == right.kind()) {
    if (left.IsString()) return AddStrings(heap, left, right);
    if (left.IsSequence()) {
      std::vector<Value> items;
      const size_t size = left.sequence().items.size() + right.sequence().items.size();
      heap.Check(size, sizeof(Value));
      heap.Step(static_cast<int64_t>(size / 16));
      items.reserve(size);
      items.insert(items.end(), left.sequence().items.begin(), left.sequence().items.end());
      items.insert(items.end(), right.sequence().items.begin(), right.sequence().items.end());
      return left.Is(Kind::kList) ? NewList(heap, std::move(items)) : NewTuple(heap, std::move(items));
    }
  }
  if (op == BinaryOperator::kAdd && left.IsString()) {
    throw Failure("can only concatenate str (not \"{}\") to str", TypeName(right));
  }
  FailOperands(Sign(op), left, right);
}

Value Negative(Heap& heap, const Value& value, bool negate) {
  heap.Step();
  if (value.IsUndefined()) FailUndefined(value);
  if (value.Is(Kind::kFloat)) return Value(negate ? -value.number() : value.number());
  if (!value.IsWhole()) throw Failure("bad operand type for unary {}: '{}'", negate ? '-' : '+', TypeName(value));
  int64_t result = 0;
  if (!negate) return Value(value.integer());
  CheckFits(__builtin_sub_overflow(int64_t{0}, value.integer(), &result));
  return Value(result);
}

int64_t IndexOf(const Value& value) {
  if (value.IsUndefined()) FailUndefined(value);
  if (!value.IsWhole()) throw Failure("'{}' object cannot be interpreted as an integer", TypeName(value));
  return value.integer();
}

}  // namespace spate::jinja
