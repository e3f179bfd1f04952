#include "tokenizer/jinja/tests.h"

#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {
namespace {

using Code = bool (*)(Interpreter&, const Value& value, const Value& argument);

struct Test {
  std::string_view name;
  size_t arguments;
  Code code;
};

bool HasRemainder(Interpreter& interpreter, const Value& value, const Value& divisor, int64_t rest) {
  const Value result = Arithmetic(interpreter, BinaryOperator::kModulo, value, divisor);
  return Equal(interpreter.heap(), result, Value(rest));
}

template <int Low, int High>
bool Ordered(Interpreter& interpreter, const Value& value, const Value& other) {
  const int order = Compare(interpreter.heap(), value, other, Low < 0 ? "<" : ">");
  return order >= Low && order <= High;
}

bool EqualTo(Interpreter& interpreter, const Value& value, const Value& other) {
  return Equal(interpreter.heap(), value, other);
}

bool NotEqualTo(Interpreter& interpreter, const Value& value, const Value& other) {
  return !Equal(interpreter.heap(), value, other);
}

bool CaseTest(Interpreter& interpreter, const Value& value, std::string_view method) {
  const Value text = StrValue(interpreter.heap(), value);
  return FindMethod(Kind::kString, method)->code(interpreter, text, {}).boolean();
}

bool IsCallable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:  // calling it fails with its own words
    case Kind::kMacro:
    case Kind::kFunction:
    case Kind::kLoop:
    case Kind::kJoiner:
    case Kind::kDictType:
      return true;
    default:
      return false;
  }
}

bool IsSequence(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kRange:
      return true;
    default:
      return false;
  }
}

bool SameAs(Interpreter&, const Value& value, const Value& other) {
  if (value.IsString() && other.IsString()) return value.text() == other.text();
  if (value.Is(Kind::kFloat) && other.Is(Kind::kFloat)) return value.number() == other.number();
  return value.SameObject(other);
}

constexpr Test kTests[] = {
    {"odd", 0, [](Interpreter& i, const Value& v, const Value&) { return HasRemainder(i, v, Value(int64_t{2}), 1); }},
    {"even", 0, [](Interpreter& i, const Value& v, const Value&) { return HasRemainder(i, v, Value(int64_t{2}), 0); }},
    {"divisibleby", 1, [](Interpreter& i, const Value& v, const Value& by) { return HasRemainder(i, v, by, 0); }},
    {"defined", 0, [](Interpreter&, const Value& v, const Value&) { return !v.IsUndefined(); }},
    {"undefined", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsUndefined(); }},
    {"filter", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsString() && FilterExists(v.text()); }},
    {"test", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsString() && TestExists(v.text()); }},
    {"none", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsNone(); }},
    {"boolean", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kBool); }},
    {"false", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kBool) && !v.boolean(); }},
    {"true", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kBool) && v.boolean(); }},
    {"integer", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kInt); }},
    {"float", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kFloat); }},
    {"lower", 0, [](Interpreter& i, const Value& v, const Value&) { return CaseTest(i, v, "islower"); }},
    {"upper", 0, [](Interpreter& i, const Value& v, const Value&) { return CaseTest(i, v, "isupper"); }},
    {"string", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsString(); }},
    {"mapping", 0, [](Interpreter&, const Value& v, const Value&) { return v.Is(Kind::kDict); }},
    {"number", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsNumber(); }},
    {"sequence", 0, [](Interpreter&, const Value& v, const Value&) { return IsSequence(v); }},
    {"iterable", 0, [](Interpreter&, const Value& v, const Value&) { return IsIterable(v); }},
    {"callable", 0, [](Interpreter&, const Value& v, const Value&) { return IsCallable(v); }},
    {"sameas", 1, SameAs},
    {"escaped", 0, [](Interpreter&, const Value& v, const Value&) { return v.IsString() && v.markup(); }},
    {"in", 1, [](Interpreter& i, const Value& v, const Value& seq) { return Contains(i, seq, v); }},
    {"==", 1, EqualTo},
    {"eq", 1, EqualTo},
    {"equalto", 1, EqualTo},
    {"!=", 1, NotEqualTo},
    {"ne", 1, NotEqualTo},
    {">", 1, Ordered<1, 1>},
    {"gt", 1, Ordered<1, 1>},
    {"greaterthan", 1, Ordered<1, 1>},
    {">=", 1, Ordered<0, 1>},
    {"ge", 1, Ordered<0, 1>},
    {"<", 1, Ordered<-1, -1>},
    {"lt", 1, Ordered<-1, -1>},
    {"lessthan", 1, Ordered<-1, -1>},
    {"<=", 1, Ordered<-1, 0>},
    {"le", 1, Ordered<-1, 0>},
};

const Test* FindTest(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kTests), std::end(kTests), [&](const Test& test) { return test.name == name; });
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace

bool TestExists(std::string_view name) { return FindTest(name) != nullptr; }

bool ApplyTest(Interpreter& interpreter, std::string_view name, const Value& value, const Arguments& arguments) {
  const Test* test = FindTest(name);
  if (test == nullptr) throw Failure("there is no test '{}'", name);
  interpreter.heap().Step();
  if (test->arguments == 0) {
    RefuseArguments(arguments, name);
    return test->code(interpreter, value, {});
  }
  const Parameters parameters(arguments, name, {"other"}, 1);
  return test->code(interpreter, value, parameters[0]);
}

}  // namespace spate::jinja
