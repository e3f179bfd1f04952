// Python's operators on values: truth, comparing, hashing, arithmetic. They throw Failure with Python's words where
// Python raises.
#pragma once

#include <cstdint>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

bool Truth(const Value& value);  // of a loop: the interpreter asks for its length itself
bool Equal(Heap& heap, const Value& left, const Value& right, int depth = 0);
int Compare(Heap& heap, const Value& left, const Value& right, std::string_view sign, int depth = 0);  // -1, 0, 1
uint64_t Hash(Heap& heap, const Value& value, int depth = 0);
uint64_t HashText(std::string_view text);

// Python's `in`: an item, a key, a part of a string.
bool Contains(Interpreter& interpreter, const Value& container, const Value& value);

enum class BinaryOperator : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
std::string_view Sign(BinaryOperator op);

Value Arithmetic(Interpreter& interpreter, BinaryOperator op, const Value& left, const Value& right);
Value Negative(Heap& heap, const Value& value, bool negate);  // -x and +x

[[noreturn]] void FailUndefined(const Value& undefined);

// An index as Python takes one, of a value that must be a whole number. Failure: "'float' object cannot be ...".
int64_t IndexOf(const Value& value);

}  // namespace spate::jinja
