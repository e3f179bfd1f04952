// Going through values one by one, as Python's for does. Generators are lazy: what a filter such as `map` does to an
// item happens when the item is asked for.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

class Iterator : public Object {
 public:
  virtual bool Next(Interpreter& interpreter, Value& item) = 0;  // false: there are no more
};

// A generator from a function.
class Generator : public Iterator {
 public:
  using Code = std::function<bool(Interpreter&, Value&)>;
  explicit Generator(Code code) : code_(std::move(code)) {}
  bool Next(Interpreter& interpreter, Value& item) override { return code_(interpreter, item); }

 private:
  Code code_;
};

// Throws Failure for what cannot be gone through: "'int' object is not iterable".
Iterator& Iterate(Interpreter& interpreter, const Value& value);
bool IsIterable(const Value& value);

Value NewGenerator(Heap& heap, Generator::Code code);
Value Reversed(Interpreter& interpreter, const Value& value);  // an iterator over items that have an order

std::vector<Value> ToVector(Interpreter& interpreter, const Value& value);

bool HasLength(const Value& value);
int64_t Length(Interpreter& interpreter, const Value& value);  // Failure: "object of type 'int' has no len()"

}  // namespace spate::jinja
