// Loop: the `loop` of a for statement, which knows one item ahead and one back.
#pragma once

#include <string_view>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/iterate.h"

namespace spate::jinja {

struct Frame;

class Loop : public Object {
 public:
  Loop(Value iterable, Iterator& items, int64_t depth)
      : iterable_(std::move(iterable)), items_(&items), depth0_(depth) {}

  bool Next(Interpreter& interpreter, Value& item);
  int64_t Length(Interpreter& interpreter);
  // loop.index and its like; missing for another name. `self` is the value that holds this loop.
  Value Attribute(Interpreter& interpreter, std::string_view name, const Value& self);
  bool Changed(Interpreter& interpreter, const Value& arguments);
  Iterator& AsIterator(Interpreter& interpreter, const Value& self);  // pairs of item and loop, as Python has it

  int64_t index0() const { return index0_; }
  int64_t depth0() const { return depth0_; }

  const Stmt* node = nullptr;  // of a recursive loop: what loop(...) runs again
  Frame* outer = nullptr;      // the scope around it

 private:
  const Value& Peek(Interpreter& interpreter);  // missing at the end

  Value iterable_;
  Iterator* items_;
  Value before_, current_, after_;
  Value changed_;
  int64_t index0_ = -1;
  int64_t length_ = -1;
  int64_t depth0_;
};

}  // namespace spate::jinja
