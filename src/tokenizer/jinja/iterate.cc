#include "tokenizer/jinja/iterate.h"

#include <algorithm>

#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

class ItemIterator : public Iterator {
 public:
  ItemIterator(Value of, bool backwards)
      : of_(std::move(of)), backwards_(backwards), left_(of_.sequence().items.size()) {}
  bool Next(Interpreter& interpreter, Value& item) override {
    interpreter.heap().Step();
    if (left_ == 0) return false;
    const std::vector<Value>& items = of_.sequence().items;
    item = items[backwards_ ? left_ - 1 : items.size() - left_];
    --left_;
    return true;
  }

 private:
  Value of_;
  bool backwards_;
  size_t left_;
};

class CharIterator : public Iterator {
 public:
  explicit CharIterator(Value of) : of_(std::move(of)) {}
  bool Next(Interpreter& interpreter, Value& item) override {
    interpreter.heap().Step();
    const std::string_view text = of_.text();
    if (at_ >= text.size()) return false;
    const size_t bytes = ReadCodePoint(text, at_).bytes;
    item = NewString(interpreter.heap(), text.substr(at_, bytes), of_.markup());
    at_ += bytes;
    return true;
  }

 private:
  Value of_;
  size_t at_ = 0;
};

class DictIterator : public Iterator {
 public:
  DictIterator(const Dict& dict, DictView::What what, bool backwards)
      : dict_(dict), what_(what), backwards_(backwards), left_(dict.entries().size()) {}
  bool Next(Interpreter& interpreter, Value& item) override {
    interpreter.heap().Step();
    if (left_ == 0) return false;
    const auto& [key, value] = dict_.entries()[backwards_ ? left_ - 1 : dict_.entries().size() - left_];
    --left_;
    if (what_ == DictView::kItems) {
      item = NewTuple(interpreter.heap(), {key, value});
    } else {
      item = what_ == DictView::kKeys ? key : value;
    }
    return true;
  }

 private:
  const Dict& dict_;
  DictView::What what_;
  bool backwards_;
  size_t left_;
};

class RangeIterator : public Iterator {
 public:
  RangeIterator(const Range& range, bool backwards) : range_(range), backwards_(backwards), left_(range.length) {}
  bool Next(Interpreter& interpreter, Value& item) override {
    interpreter.heap().Step();
    if (left_ == 0) return false;
    item = Value(range_.start + (backwards_ ? left_ - 1 : range_.length - left_) * range_.step);
    --left_;
    return true;
  }

 private:
  const Range& range_;
  bool backwards_;
  int64_t left_;
};

class NoItems : public Iterator {
 public:
  bool Next(Interpreter&, Value&) override { return false; }
};

}  // namespace

bool IsIterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kDictView:
    case Kind::kRange:
    case Kind::kIterator:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

Iterator& Iterate(Interpreter& interpreter, const Value& value) {
  Heap& heap = interpreter.heap();
  switch (value.kind()) {
    case Kind::kUndefined:
      return *heap.New<NoItems>();
    case Kind::kString:
      return *heap.New<CharIterator>(value);
    case Kind::kList:
    case Kind::kTuple:
      return *heap.New<ItemIterator>(value, false);
    case Kind::kDict:
      return *heap.New<DictIterator>(value.dict(), DictView::kKeys, false);
    case Kind::kDictView: {
      const auto& view = *static_cast<const DictView*>(value.object());
      return *heap.New<DictIterator>(*view.dict, view.what, false);
    }
    case Kind::kRange:
      return *heap.New<RangeIterator>(*static_cast<const Range*>(value.object()), false);
    case Kind::kIterator:
      return *static_cast<Iterator*>(value.object());
    case Kind::kLoop:
      return static_cast<Loop*>(value.object())->AsIterator(interpreter, value);
    default:
      throw Failure("'{}' object is not iterable", TypeName(value));
  }
}

Value NewGenerator(Heap& heap, Generator::Code code) {
  heap.Charge(64);  // what the function holds on to
  return {Kind::kIterator, heap.New<Generator>(std::move(code))};
}

Value Reversed(Interpreter& interpreter, const Value& value) {
  Heap& heap = interpreter.heap();
  switch (value.kind()) {
    case Kind::kString:
      return {Kind::kIterator, heap.New<ItemIterator>(NewList(heap, ToVector(interpreter, value)), true)};
    case Kind::kList:
    case Kind::kTuple:
      return {Kind::kIterator, heap.New<ItemIterator>(value, true)};
    case Kind::kDict:
      return {Kind::kIterator, heap.New<DictIterator>(value.dict(), DictView::kKeys, true)};
    case Kind::kDictView: {
      const auto& view = *static_cast<const DictView*>(value.object());
      return {Kind::kIterator, heap.New<DictIterator>(*view.dict, view.what, true)};
    }
    case Kind::kRange:
      return {Kind::kIterator, heap.New<RangeIterator>(*static_cast<const Range*>(value.object()), true)};
    default:
      throw Failure("'{}' object is not reversible", TypeName(value));
  }
}

std::vector<Value> ToVector(Interpreter& interpreter, const Value& value) {
  std::vector<Value> items;
  Iterator& iterator = Iterate(interpreter, value);
  for (Value item; iterator.Next(interpreter, item);) {
    interpreter.heap().Check(items.size() + 1, 2 * sizeof(Value));
    items.push_back(std::move(item));
  }
  return items;
}

bool HasLength(const Value& value) { return IsIterable(value) && !value.Is(Kind::kIterator); }

int64_t Length(Interpreter& interpreter, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      if (value.ascii()) return static_cast<int64_t>(value.text().size());
      interpreter.heap().StepBytes(value.text().size());
      return static_cast<int64_t>(CountChars(value.text()));
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<int64_t>(value.sequence().items.size());
    case Kind::kDict:
      return static_cast<int64_t>(value.dict().entries().size());
    case Kind::kDictView:
      return static_cast<int64_t>(static_cast<const DictView*>(value.object())->dict->entries().size());
    case Kind::kRange:
      return static_cast<const Range*>(value.object())->length;
    case Kind::kLoop:
      return static_cast<Loop*>(value.object())->Length(interpreter);
    default:
      throw Failure("object of type '{}' has no len()", TypeName(value));
  }
}

}  // namespace spate::jinja
