// Python's pickle format, of which only data is read: a pickle is a program for a small stack machine, and what makes
// it dangerous is that it may call any function. Here a call is kept as a value (what is called, with which arguments)
// for the caller to interpret, and functions and classes outside an allow-list are refused by name. Nothing is ever
// run. Opcodes are those that torch.save writes (protocols 2 to 5). Time and memory grow with the size of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

namespace spate {

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kTuple,
  kList,
  kDict,
  kGlobal,
  kCall,
  kPersistent
};

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  int64_t integer = 0;      // kInt, kBool
  std::string_view text{};  // kString: UTF-8, a view into the pickle; kGlobal: "module.name", one of the allow-list
  std::vector<uint32_t> items{};  // kTuple, kList: elements. kDict: key, value, key, ... kCall: the global and a tuple.
                                  // kPersistent: the one id. Values may hold themselves.
};

struct Pickle {
  std::deque<PickleValue> values;
  uint32_t root = 0;

  const PickleValue& operator[](uint32_t index) const { return values[index]; }
};

// `what` names the bytes in messages. `allowed` lives as long as the result; "collections.OrderedDict" becomes a kDict.
// Throws Error(kBadInput).
Pickle ParsePickle(std::span<const std::byte> bytes, std::string_view what, std::span<const std::string_view> allowed);

}  // namespace spate
