#include "tokenizer/jinja/attributes.h"

#include <algorithm>
#include <charconv>

#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/macro.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

// Methods that would change the value.
bool Changes(Kind kind, std::string_view name) {
  constexpr std::string_view kList[] = {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"};
  constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  if (kind == Kind::kList) return std::find(std::begin(kList), std::end(kList), name) != std::end(kList);
  return kind == Kind::kDict && std::find(std::begin(kDict), std::end(kDict), name) != std::end(kDict);
}

bool IsInternal(std::string_view name) { return name.size() > 4 && name.starts_with("__") && name.ends_with("__"); }

std::string Described(const Value& value) {
  return value.IsNone() ? "None" : fmt::format("{} object", TypeName(value));
}

Value MacroAttribute(Interpreter& interpreter, const Macro& macro, std::string_view name) {
  Heap& heap = interpreter.heap();
  if (name == "name") return macro.node->name.empty() ? Value::None() : NewString(heap, macro.node->name);
  if (name == "catch_kwargs") return Value(macro.node->kwargs_slot != Stmt::kNoSlot);
  if (name == "catch_varargs") return Value(macro.node->varargs_slot != Stmt::kNoSlot);
  if (name == "caller") return Value(macro.node->caller_slot != Stmt::kNoSlot || macro.node->takes_caller);
  if (name != "arguments") return {};
  std::vector<Value> names;
  for (const Expr* param : macro.node->params) names.push_back(NewString(heap, param->name));
  return NewTuple(heap, std::move(names));
}

// The item of a list or string at an index that may be negative; missing beyond the ends.
Value ItemAt(Interpreter& interpreter, const Value& value, int64_t index) {
  const int64_t length = Length(interpreter, value);
  if (index < 0) index += length;
  if (index < 0 || index >= length) return {};
  if (value.IsSequence()) return value.sequence().items[static_cast<size_t>(index)];
  if (value.Is(Kind::kRange)) {
    const auto& range = *static_cast<const Range*>(value.object());
    return Value(range.start + index * range.step);
  }
  const std::string_view text = value.text();
  const size_t at = value.ascii() ? static_cast<size_t>(index) : OffsetOfChar(text, static_cast<size_t>(index));
  return NewString(interpreter.heap(), text.substr(at, ReadCodePoint(text, at).bytes), value.markup());
}

// value[key] where Python has it; missing where it raises a LookupError or TypeError.
Value FindItem(Interpreter& interpreter, const Value& value, const Value& key) {
  switch (value.kind()) {
    case Kind::kDict: {
      if (key.Is(Kind::kList) || key.Is(Kind::kDict)) return {};
      const Value* found = value.dict().Find(interpreter.heap(), key);
      return found == nullptr ? Value() : *found;
    }
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
      return key.IsWhole() ? ItemAt(interpreter, value, key.integer()) : Value();
    default:
      return {};
  }
}

int64_t SliceBound(const Value& bound, int64_t otherwise) {
  if (bound.IsMissing() || bound.IsNone()) return otherwise;
  if (!bound.IsWhole()) throw Failure("slice indices must be integers or None, got {}", TypeName(bound));
  return bound.integer();
}

}  // namespace

Value FindAttribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  Heap& heap = interpreter.heap();
  switch (value.kind()) {
    case Kind::kNamespace: {
      const Value* found = static_cast<const Namespace*>(value.object())->attributes->Find(heap, name);
      return found == nullptr ? Value() : *found;
    }
    case Kind::kLoop:
      return static_cast<Loop*>(value.object())->Attribute(interpreter, name, value);
    case Kind::kMacro:
      return MacroAttribute(interpreter, *static_cast<const Macro*>(value.object()), name);
    case Kind::kTuple:
      if (value.sequence().group && name == "grouper") return value.sequence().items[0];
      if (value.sequence().group && name == "list") return value.sequence().items[1];
      break;
    case Kind::kCycler:
      if (name == "current") {
        const auto& cycler = *static_cast<const Cycler*>(value.object());
        return cycler.items[cycler.position];
      }
      break;
    default:
      break;
  }
  if (const Method* method = FindMethod(value.kind(), name)) {
    return {Kind::kFunction, heap.New<Function>(method->name, method->code, value)};
  }
  if (Changes(value.kind(), name) || IsInternal(name)) {
    return NewUndefined(heap, fmt::format("access to attribute {} of '{}' object is unsafe: nothing may be changed",
                                          ReprText(name), TypeName(value)));
  }
  return {};
}

Value GetAttribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  Heap& heap = interpreter.heap();
  if (value.IsUndefined()) FailUndefined(value);
  Value found = FindAttribute(interpreter, value, name);
  if (found.IsMissing() && value.Is(Kind::kDict)) {
    if (const Value* item = value.dict().Find(heap, name)) return *item;
  }
  if (!found.IsMissing()) return found;
  return NewUndefined(heap, fmt::format("'{}' has no attribute {}", Described(value), ReprText(name)));
}

Value GetItem(Interpreter& interpreter, const Value& value, const Value& key) {
  Heap& heap = interpreter.heap();
  if (value.IsUndefined()) FailUndefined(value);
  Value found = FindItem(interpreter, value, key);
  if (!found.IsMissing()) return found;
  if (!key.IsString()) {
    return NewUndefined(heap, fmt::format("{} has no element {}", Described(value), Repr(heap, key)));
  }
  found = FindAttribute(interpreter, value, key.text());
  if (!found.IsMissing()) return found;
  return NewUndefined(heap, fmt::format("'{}' has no attribute {}", Described(value), ReprText(key.text())));
}

Value GetPath(Interpreter& interpreter, Value value, const Value& path, const Value& otherwise) {
  if (path.IsNone() || path.IsMissing()) return value;
  const auto follow = [&](const Value& part) {
    value = GetItem(interpreter, value, part);
    if (value.IsUndefined() && !otherwise.IsMissing() && !otherwise.IsNone()) value = otherwise;
  };
  if (!path.IsString()) {
    follow(path);
    return value;
  }
  for (const std::string_view part : Split(path.text(), ".", -1)) {
    int64_t index = 0;
    const auto result = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool digits = !part.empty() && part.front() >= '0' && part.front() <= '9' && result.ec == std::errc() &&
                        result.ptr == part.data() + part.size();
    follow(digits ? Value(index) : NewString(interpreter.heap(), part));
  }
  return value;
}

Value GetSlice(Interpreter& interpreter, const Value& value, const Value& start, const Value& stop, const Value& step) {
  Heap& heap = interpreter.heap();
  if (value.IsUndefined()) FailUndefined(value);
  if (!value.IsString() && !value.IsSequence() && !value.Is(Kind::kRange)) {
    throw Failure("'{}' object cannot be sliced", TypeName(value));
  }
  const int64_t by = SliceBound(step, 1);
  if (by == 0) throw Failure("slice step cannot be zero");
  const int64_t length = Length(interpreter, value);
  const auto clamp = [&](const Value& bound, int64_t otherwise) {
    int64_t at = SliceBound(bound, otherwise);
    if (bound.IsMissing() || bound.IsNone()) return at;
    if (at < 0) at = at < -length ? -1 : at + length;
    return std::clamp<int64_t>(at, by < 0 ? -1 : 0, by < 0 ? length - 1 : length);
  };
  int64_t first = clamp(start, by < 0 ? length - 1 : 0);
  const int64_t end = clamp(stop, by < 0 ? -1 : length);
  if (by > 0) first = std::max<int64_t>(first, 0);
  const uint64_t distance = by > 0 ? (end > first ? static_cast<uint64_t>(end - first) : 0)
                                   : (first > end ? static_cast<uint64_t>(first - end) : 0);
  const uint64_t stride = by > 0 ? static_cast<uint64_t>(by) : 0 - static_cast<uint64_t>(by);
  const auto count = static_cast<int64_t>(distance == 0 ? 0 : (distance - 1) / stride + 1);
  heap.Step(count / 16);
  const auto index = [&](int64_t i) { return first + i * (count > 1 ? by : 0); };
  if (value.IsSequence()) {
    std::vector<Value> items;
    heap.Check(static_cast<size_t>(count), sizeof(Value));
    for (int64_t i = 0; i < count; ++i) items.push_back(value.sequence().items[static_cast<size_t>(index(i))]);
    return value.Is(Kind::kList) ? NewList(heap, std::move(items)) : NewTuple(heap, std::move(items));
  }
  if (value.Is(Kind::kRange)) {
    const auto& range = *static_cast<const Range*>(value.object());
    return {Kind::kRange, heap.New<Range>(range.start + first * range.step, range.start + end * range.step,
                                          count > 1 ? range.step * by : range.step, count)};
  }
  const std::string_view text = value.text();
  heap.StepBytes(2 * text.size());
  if (by == 1) {
    const size_t begin = value.ascii() ? static_cast<size_t>(first) : OffsetOfChar(text, static_cast<size_t>(first));
    const std::string_view rest = text.substr(std::min(begin, text.size()));
    const auto chars = static_cast<size_t>(count);
    return NewString(heap, rest.substr(0, value.ascii() ? chars : OffsetOfChar(rest, chars)), value.markup());
  }
  heap.Check(text.size(), 1 + sizeof(uint32_t));
  std::vector<uint32_t> offsets;
  for (size_t at = 0; at < text.size(); at += ReadCodePoint(text, at).bytes)
    offsets.push_back(static_cast<uint32_t>(at));
  std::string out;
  for (int64_t i = 0; i < count; ++i) {
    const size_t at = offsets[static_cast<size_t>(index(i))];
    out += text.substr(at, ReadCodePoint(text, at).bytes);
  }
  return NewString(heap, std::move(out), value.markup());
}

}  // namespace spate::jinja
