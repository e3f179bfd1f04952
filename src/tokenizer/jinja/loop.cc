#include "tokenizer/jinja/loop.h"

#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"

namespace spate::jinja {

bool Loop::Next(Interpreter& interpreter, Value& item) {
  if (!after_.IsMissing()) {
    item = std::move(after_);
    after_ = Value();
  } else if (!items_->Next(interpreter, item)) {
    return false;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return true;
}

const Value& Loop::Peek(Interpreter& interpreter) {
  if (after_.IsMissing()) {
    Value next;
    if (items_->Next(interpreter, next)) after_ = std::move(next);
  }
  return after_;
}

int64_t Loop::Length(Interpreter& interpreter) {
  if (length_ >= 0) return length_;
  if (HasLength(iterable_)) return length_ = jinja::Length(interpreter, iterable_);
  // A generator: the rest is taken out of it now.
  std::vector<Value> rest;
  for (Value item; items_->Next(interpreter, item);) {
    interpreter.heap().Check(rest.size() + 1, 2 * sizeof(Value));
    rest.push_back(std::move(item));
  }
  const Value list = NewList(interpreter.heap(), std::move(rest));
  items_ = &Iterate(interpreter, list);
  length_ = jinja::Length(interpreter, list) + index0_ + 1 + (after_.IsMissing() ? 0 : 1);
  return length_;
}

bool Loop::Changed(Interpreter& interpreter, const Value& arguments) {
  if (!changed_.IsMissing() && Equal(interpreter.heap(), changed_, arguments)) return false;
  changed_ = arguments;
  return true;
}

Value Loop::Attribute(Interpreter& interpreter, std::string_view name, const Value& self) {
  Heap& heap = interpreter.heap();
  if (name == "index") return Value(index0_ + 1);
  if (name == "index0") return Value(index0_);
  if (name == "first") return Value(index0_ == 0);
  if (name == "last") return Value(Peek(interpreter).IsMissing());
  if (name == "length") return Value(Length(interpreter));
  if (name == "revindex") return Value(Length(interpreter) - index0_);
  if (name == "revindex0") return Value(Length(interpreter) - index0_ - 1);
  if (name == "depth") return Value(depth0_ + 1);
  if (name == "depth0") return Value(depth0_);
  if (name == "previtem") return index0_ == 0 ? NewUndefined(heap, "there is no previous item") : before_;
  if (name == "nextitem") {
    const Value& next = Peek(interpreter);
    return next.IsMissing() ? NewUndefined(heap, "there is no next item") : next;
  }
  const Method* method = FindMethod(Kind::kLoop, name);
  return method == nullptr ? Value() : Value(Kind::kFunction, heap.New<Function>(method->name, method->code, self));
}

Iterator& Loop::AsIterator(Interpreter& interpreter, const Value& self) {
  return *static_cast<Iterator*>(NewGenerator(interpreter.heap(), [this, self](Interpreter& inner, Value& item) {
                                   Value next;
                                   if (!Next(inner, next)) return false;
                                   item = NewTuple(inner.heap(), {next, self});
                                   return true;
                                 }).object());
}

}  // namespace spate::jinja
