// Methods of everything that is no string.
#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/loop.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"

namespace spate::jinja {
namespace {

Value Get(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("dict.get() takes no keyword arguments");
  const Parameters parameters(arguments, "get", {"key", "default"}, 1);
  const Value* found = self.dict().Find(interpreter.heap(), parameters[0]);
  if (found != nullptr) return *found;
  return parameters.Has(1) ? parameters[1] : Value::None();
}

template <DictView::What What>
Value View(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "this method");
  return {Kind::kDictView, interpreter.heap().New<DictView>(&self.dict(), What)};
}

Value Copy(Interpreter&, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "copy");
  return self;  // nothing changes a list or a dictionary
}

Value IndexIn(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "index", {"value", "start", "stop"}, 1, 3);
  const std::vector<Value>& items = self.sequence().items;
  const auto size = static_cast<int64_t>(items.size());
  const auto bound = [&](size_t i, int64_t otherwise) {
    int64_t at = parameters.Integer(i, otherwise);
    if (at < 0) at += size;
    return std::clamp<int64_t>(at, 0, size);
  };
  const int64_t stop = bound(2, size);
  for (int64_t i = bound(1, 0); i < stop; ++i) {
    if (Equal(interpreter.heap(), items[static_cast<size_t>(i)], parameters[0])) return Value(i);
  }
  throw Failure("the value is not in the {}", TypeName(self));
}

Value CountIn(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "count", {"value"}, 1, 1);
  int64_t count = 0;
  for (const Value& item : self.sequence().items) count += Equal(interpreter.heap(), item, parameters[0]) ? 1 : 0;
  return Value(count);
}

Value LoopCycle(Interpreter&, const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Failure("no items for cycling given");
  if (!arguments.named.empty()) throw Failure("cycle() takes no keyword arguments");
  const auto index = static_cast<size_t>(static_cast<const Loop*>(self.object())->index0());
  return arguments.positional[index % arguments.positional.size()];
}

Value LoopChanged(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("changed() takes no keyword arguments");
  const Value values = NewTuple(interpreter.heap(), arguments.positional);
  return Value(static_cast<Loop*>(self.object())->Changed(interpreter, values));
}

Value CyclerNext(Interpreter&, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "next");
  auto& cycler = *static_cast<Cycler*>(self.object());
  Value current = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return current;
}

Value CyclerReset(Interpreter&, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "reset");
  static_cast<Cycler*>(self.object())->position = 0;
  return Value::None();
}

Value IsInteger(Interpreter&, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "is_integer");
  return Value(self.number() == std::floor(self.number()) && std::isfinite(self.number()));
}

constexpr Method kDictMethods[] = {{"copy", Copy},
                                   {"get", Get},
                                   {"items", View<DictView::kItems>},
                                   {"keys", View<DictView::kKeys>},
                                   {"values", View<DictView::kValues>}};
constexpr Method kListMethods[] = {{"copy", Copy}, {"count", CountIn}, {"index", IndexIn}};
constexpr Method kTupleMethods[] = {{"count", CountIn}, {"index", IndexIn}};
constexpr Method kLoopMethods[] = {{"changed", LoopChanged}, {"cycle", LoopCycle}};
constexpr Method kCyclerMethods[] = {{"next", CyclerNext}, {"reset", CyclerReset}};
constexpr Method kFloatMethods[] = {{"is_integer", IsInteger}};

}  // namespace

std::span<const Method> ContainerMethods(Kind kind) {
  switch (kind) {
    case Kind::kDict:
      return kDictMethods;
    case Kind::kList:
      return kListMethods;
    case Kind::kTuple:
      return kTupleMethods;
    case Kind::kLoop:
      return kLoopMethods;
    case Kind::kCycler:
      return kCyclerMethods;
    case Kind::kFloat:
      return kFloatMethods;
    default:
      return {};
  }
}

const Method* FindMethod(Kind kind, std::string_view name) {
  const std::span<const Method> methods = kind == Kind::kString ? StringMethods() : ContainerMethods(kind);
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; });
  return found == methods.end() ? nullptr : &*found;
}

}  // namespace spate::jinja
