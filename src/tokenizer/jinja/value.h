// Value: what an expression of a template evaluates to, with Python's types. Small, copied freely. Strings are counted
// by references, other objects are owned by the Heap of the rendering. Lists, tuples and dictionaries do not change
// once they are made: the sandbox allows no template to change them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tokenizer/jinja/heap.h"

namespace spate::jinja {

class Interpreter;
class Iterator;
struct Sequence;
class Dict;

enum class Kind : uint8_t {
  kMissing,  // no value: a variable that was not assigned, an argument that was not given
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kDictView,
  kRange,
  kIterator,  // a generator: can be gone through once
  kNamespace,
  kMacro,
  kLoop,
  kFunction,  // a built-in function or a method with its object
  kCycler,
  kJoiner,
  kDictType,  // the function dict
};

class Value {
 public:
  Value() : integer_(0) {}
  explicit Value(bool boolean) : kind_(Kind::kBool), integer_(boolean ? 1 : 0) {}
  explicit Value(int64_t integer) : kind_(Kind::kInt), integer_(integer) {}
  explicit Value(double number) : kind_(Kind::kFloat), number_(number) {}
  // A string, or an undefined value with the words that say what is undefined.
  Value(Kind kind, Text* text, bool markup = false) : kind_(kind), markup_(markup), text_(text) { Take(); }
  Value(Kind kind, Object* object) : kind_(kind), object_(object) {}
  static Value None() {
    Value value;
    value.kind_ = Kind::kNone;
    return value;
  }

  Value(const Value& other) : kind_(other.kind_), markup_(other.markup_), integer_(other.integer_) { Take(); }
  Value(Value&& other) noexcept : kind_(other.kind_), markup_(other.markup_), integer_(other.integer_) {
    other.kind_ = Kind::kMissing;
  }
  Value& operator=(Value other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(markup_, other.markup_);
    std::swap(integer_, other.integer_);
    return *this;
  }
  ~Value() { Drop(); }

  Kind kind() const { return kind_; }
  bool Is(Kind kind) const { return kind_ == kind; }
  bool IsMissing() const { return kind_ == Kind::kMissing; }
  bool IsUndefined() const { return kind_ == Kind::kUndefined; }
  bool IsNone() const { return kind_ == Kind::kNone; }
  bool IsString() const { return kind_ == Kind::kString; }
  bool IsWhole() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }  // what Python takes for an int
  bool IsNumber() const { return IsWhole() || kind_ == Kind::kFloat; }
  bool IsSequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }

  bool boolean() const { return integer_ != 0; }
  int64_t integer() const { return integer_; }
  double number() const { return kind_ == Kind::kFloat ? number_ : static_cast<double>(integer_); }
  std::string_view text() const { return text_->bytes; }  // of a string or an undefined value
  bool ascii() const { return text_->ascii; }
  bool markup() const { return markup_; }  // a string that counts as HTML already
  Object* object() const { return object_; }
  const Sequence& sequence() const;
  const Dict& dict() const;

  bool SameObject(const Value& other) const { return kind_ == other.kind_ && integer_ == other.integer_; }

 private:
  bool HasText() const { return kind_ == Kind::kString || kind_ == Kind::kUndefined; }
  void Take() {
    if (HasText() && text_->heap != nullptr) ++text_->references;
  }
  void Drop() {
    if (HasText() && text_->heap != nullptr && --text_->references == 0) text_->heap->Free(text_);
  }

  Kind kind_ = Kind::kMissing;
  bool markup_ = false;
  union {
    int64_t integer_;
    double number_;
    Text* text_;
    Object* object_;
  };
};

static_assert(sizeof(Value) == 16);

struct Sequence : Object {
  std::vector<Value> items;
  bool group = false;  // a tuple that groupby made: its items are also named grouper and list
};

class Dict : public Object {
 public:
  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }
  const Value* Find(Heap& heap, const Value& key) const;  // Failure for a key that has no hash
  const Value* Find(Heap& heap, std::string_view key) const;
  void Set(Heap& heap, Value key, Value value);  // while it is made; an equal key keeps its place

 private:
  template <typename Matches>
  const std::pair<Value, Value>* FindEntry(Heap& heap, uint64_t hash, Matches matches) const;

  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_multimap<uint64_t, uint32_t> index_;  // hash -> entry, once there are more than a few
};

struct DictView : Object {
  enum What : uint8_t { kKeys, kValues, kItems };
  DictView(const Dict* of, What view) : dict(of), what(view) {}
  const Dict* dict;
  What what;
};

struct Range : Object {
  Range(int64_t from, int64_t to, int64_t by, int64_t size) : start(from), stop(to), step(by), length(size) {}
  int64_t start, stop, step, length;
};

struct Namespace : Object {
  Dict* attributes = nullptr;
};

struct Cycler : Object {
  std::vector<Value> items;
  size_t position = 0;
};

struct Joiner : Object {
  Value separator;
  bool used = false;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct Function : Object {
  using Code = Value (*)(Interpreter&, const Value& self, const Arguments&);
  Function(std::string_view function_name, Code function_code, Value bound)
      : name(function_name), code(function_code), self(std::move(bound)) {}
  std::string_view name;  // a literal
  Code code;
  Value self;  // the object of a method, or missing
};

// Makers. They charge the heap before they allocate.
Value NewString(Heap& heap, std::string bytes, bool markup = false);
Value NewString(Heap& heap, std::string_view bytes, bool markup = false);
Value NewString(Heap& heap, const char* bytes);
Value NewUndefined(Heap& heap, std::string hint);
Value NewList(Heap& heap, std::vector<Value> items);
Value NewTuple(Heap& heap, std::vector<Value> items);
std::string_view TypeName(const Value& value);  // as Python calls it: "str", "dict", ...

inline const Sequence& Value::sequence() const { return *static_cast<const Sequence*>(object_); }
inline const Dict& Value::dict() const { return *static_cast<const Dict*>(object_); }

}  // namespace spate::jinja
