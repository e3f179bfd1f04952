// Filters over what can be gone through.
#include <algorithm>
#include <numeric>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {
namespace {

Value LengthFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "length");
  return Value(Length(interpreter, value));
}

Value ListFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "list");
  return NewList(interpreter.heap(), ToVector(interpreter, value));
}

Value First(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "first");
  Value item;
  if (Iterate(interpreter, value).Next(interpreter, item)) return item;
  return NewUndefined(interpreter.heap(), "No first item, sequence was empty.");
}

Value Last(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "last");
  Value item;
  if (value.IsUndefined()) throw Failure("'Undefined' object is not reversible");
  if (Iterate(interpreter, Reversed(interpreter, value)).Next(interpreter, item)) return item;
  return NewUndefined(interpreter.heap(), "No last item, sequence was empty.");
}

Value Reverse(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "reverse");
  if (value.IsString()) {
    return GetSlice(interpreter, value, Value(), Value(), Value(int64_t{-1}));
  }
  if (value.Is(Kind::kIterator) || value.Is(Kind::kLoop) || value.IsUndefined()) {
    std::vector<Value> items = ToVector(interpreter, value);
    std::reverse(items.begin(), items.end());
    return NewList(interpreter.heap(), std::move(items));
  }
  if (!IsIterable(value)) throw Failure("reverse: argument must be iterable, got {}", TypeName(value));
  return Reversed(interpreter, value);
}

Value Join(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "join", {"d", "attribute"}, 0);
  Heap& heap = interpreter.heap();
  const std::string separator = parameters.Has(0) ? Str(heap, parameters[0]) : "";
  std::string out;
  bool first = true;
  Iterator& iterator = Iterate(interpreter, value);
  for (Value item; iterator.Next(interpreter, item);) {
    if (parameters.Has(1)) item = GetPath(interpreter, item, parameters[1], Value());
    const std::string text = Str(heap, item);
    heap.Check(out.size() + separator.size() + text.size());
    heap.StepBytes(separator.size() + text.size());
    if (!first) out += separator;
    first = false;
    out += text;
  }
  return NewString(heap, std::move(out));
}

// Indices in the order of their keys. Equal ones keep their order, also backwards.
std::vector<size_t> SortedOrder(Heap& heap, const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return Compare(heap, keys[reverse ? b : a], keys[reverse ? a : b], "<") == -1;
  });
  return order;
}

Value Sort(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "sort", {"reverse", "case_sensitive", "attribute"}, 0);
  Heap& heap = interpreter.heap();
  const std::vector<Value> items = ToVector(interpreter, value);
  const bool case_sensitive = parameters.Truth(1, false);
  std::vector<Value> paths{parameters[2]};
  if (parameters[2].IsString()) {
    paths.clear();
    std::string_view rest = parameters[2].text();
    for (size_t comma = 0; comma != std::string_view::npos; rest.remove_prefix(std::min(comma, rest.size() - 1) + 1)) {
      comma = rest.find(',');
      paths.push_back(NewString(heap, rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
    }
  }
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    for (const Value& path : paths) {
      const Value part = GetPath(interpreter, item, path, Value());
      key.push_back(case_sensitive ? part : IgnoreCase(heap, part));
    }
    keys.push_back(NewTuple(heap, std::move(key)));
  }
  std::vector<Value> sorted;
  for (const size_t i : SortedOrder(heap, keys, parameters.Truth(0, false))) sorted.push_back(items[i]);
  return NewList(heap, std::move(sorted));
}

Value DictSort(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "dictsort", {"case_sensitive", "by", "reverse"}, 0);
  Heap& heap = interpreter.heap();
  const std::string_view by = parameters.Text(1, "key");
  if (by != "key" && by != "value") throw Failure("dictsort: expected by=\"key\" or by=\"value\"");
  if (value.IsUndefined()) FailUndefined(value);
  if (!value.Is(Kind::kDict)) throw Failure("'{}' object has no attribute 'items'", TypeName(value));
  std::vector<Value> keys;
  for (const auto& [key, item] : value.dict().entries()) {
    const Value& chosen = by == "key" ? key : item;
    keys.push_back(parameters.Truth(0, false) ? chosen : IgnoreCase(heap, chosen));
  }
  std::vector<Value> sorted;
  for (const size_t i : SortedOrder(heap, keys, parameters.Truth(2, false))) {
    const auto& [key, item] = value.dict().entries()[i];
    sorted.push_back(NewTuple(heap, {key, item}));
  }
  return NewList(heap, std::move(sorted));
}

template <int Wanted>
Value Extreme(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, Wanted < 0 ? "min" : "max", {"case_sensitive", "attribute"}, 0);
  Heap& heap = interpreter.heap();
  Value best, best_key;
  Iterator& iterator = Iterate(interpreter, value);
  for (Value item; iterator.Next(interpreter, item);) {
    Value key = GetPath(interpreter, item, parameters[1], Value());
    if (!parameters.Truth(0, false)) key = IgnoreCase(heap, key);
    if (best.IsMissing() || Compare(heap, key, best_key, Wanted < 0 ? "<" : ">") == Wanted) {
      best = item;
      best_key = key;
    }
  }
  return best.IsMissing() ? NewUndefined(heap, "No aggregated item, sequence was empty.") : best;
}

Value Sum(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "sum", {"attribute", "start"}, 0);
  Value sum = parameters.Has(1) ? parameters[1] : Value(int64_t{0});
  if (sum.IsString()) throw Failure("sum() can't sum strings");
  Iterator& iterator = Iterate(interpreter, value);
  for (Value item; iterator.Next(interpreter, item);) {
    sum = Arithmetic(interpreter, BinaryOperator::kAdd, sum, GetPath(interpreter, item, parameters[0], Value()));
  }
  return sum;
}

Value Unique(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "unique", {"case_sensitive", "attribute"}, 0);
  Iterator* items = &Iterate(interpreter, value);
  auto* seen = interpreter.heap().New<Dict>();
  const bool case_sensitive = parameters.Truth(0, false);
  return NewGenerator(interpreter.heap(),
                      [items, seen, case_sensitive, path = parameters[1]](Interpreter& inner, Value& item) {
                        while (items->Next(inner, item)) {
                          Value key = GetPath(inner, item, path, Value());
                          if (!case_sensitive) key = IgnoreCase(inner.heap(), key);
                          if (seen->Find(inner.heap(), key) != nullptr) continue;
                          seen->Set(inner.heap(), key, Value(true));
                          return true;
                        }
                        return false;
                      });
}

Value Batch(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "batch", {"linecount", "fill_with"}, 1);
  Iterator* items = &Iterate(interpreter, value);
  const int64_t size = parameters.Integer(0, 0);
  return NewGenerator(interpreter.heap(),
                      [items, size, fill = parameters[1], next = Value()](Interpreter& inner, Value& item) mutable {
                        std::vector<Value> line;
                        if (!next.IsMissing()) line.push_back(std::exchange(next, Value()));
                        for (Value part; items->Next(inner, part);) {
                          if (static_cast<int64_t>(line.size()) == size) {
                            next = part;
                            item = NewList(inner.heap(), std::move(line));
                            return true;
                          }
                          inner.heap().Check(line.size() + 1, 2 * sizeof(Value));
                          line.push_back(part);
                        }
                        if (line.empty()) return false;
                        if (!fill.IsMissing() && !fill.IsNone() && size > static_cast<int64_t>(line.size())) {
                          inner.heap().Check(static_cast<size_t>(size), sizeof(Value));
                          line.resize(static_cast<size_t>(size), fill);
                        }
                        item = NewList(inner.heap(), std::move(line));
                        return true;
                      });
}

Value Slice(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "slice", {"slices", "fill_with"}, 1);
  const std::vector<Value> items = ToVector(interpreter, value);
  const int64_t slices = parameters.Integer(0, 0), size = static_cast<int64_t>(items.size());
  if (slices == 0) throw Failure("division by zero");
  const bool fill = parameters.Has(1) && !parameters[1].IsNone();
  std::vector<Value> lists;
  int64_t begin = 0;
  for (int64_t i = 0; i < slices; ++i) {
    const bool extra = i < size % slices;
    const int64_t end = begin + size / slices + (extra ? 1 : 0);
    std::vector<Value> part(items.begin() + begin, items.begin() + end);
    if (fill && !extra) part.push_back(parameters[1]);
    interpreter.heap().Step();
    lists.push_back(NewList(interpreter.heap(), std::move(part)));
    begin = end;
  }
  return {Kind::kIterator, &Iterate(interpreter, NewList(interpreter.heap(), std::move(lists)))};
}

Value GroupBy(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "groupby", {"attribute", "default", "case_sensitive"}, 1);
  Heap& heap = interpreter.heap();
  const std::vector<Value> items = ToVector(interpreter, value);
  std::vector<Value> names, keys;
  for (const Value& item : items) {
    names.push_back(GetPath(interpreter, item, parameters[0], parameters[1]));
    keys.push_back(parameters.Truth(2, false) ? names.back() : IgnoreCase(heap, names.back()));
  }
  std::vector<Value> groups;
  const std::vector<size_t> order = SortedOrder(heap, keys, false);
  for (size_t begin = 0; begin < order.size();) {
    std::vector<Value> members;
    size_t end = begin;
    for (; end < order.size() && Equal(heap, keys[order[begin]], keys[order[end]]); ++end)
      members.push_back(items[order[end]]);
    if (end == begin) throw Failure("groupby: a key is not equal to itself");  // nan
    const Value group = NewTuple(heap, {names[order[begin]], NewList(heap, std::move(members))});
    static_cast<Sequence*>(group.object())->group = true;
    groups.push_back(group);
    begin = end;
  }
  return NewList(heap, std::move(groups));
}

Value Items(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "items");
  Heap& heap = interpreter.heap();
  if (value.IsUndefined()) return {Kind::kIterator, &Iterate(interpreter, value)};
  if (!value.Is(Kind::kDict)) throw Failure("Can only get item pairs from a mapping.");
  const Value view(Kind::kDictView, heap.New<DictView>(&value.dict(), DictView::kItems));
  return {Kind::kIterator, &Iterate(interpreter, view)};
}

constexpr NamedFilter kFilters[] = {{"batch", Batch},     {"count", LengthFilter}, {"dictsort", DictSort},
                                    {"first", First},     {"groupby", GroupBy},    {"items", Items},
                                    {"join", Join},       {"last", Last},          {"length", LengthFilter},
                                    {"list", ListFilter}, {"max", Extreme<1>},     {"min", Extreme<-1>},
                                    {"reverse", Reverse}, {"slice", Slice},        {"sort", Sort},
                                    {"sum", Sum},         {"unique", Unique}};

}  // namespace

std::span<const NamedFilter> SequenceFilters() { return kFilters; }

}  // namespace spate::jinja
