#include "tokenizer/jinja/globals.h"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <iterator>

#include "base/utf8.h"
#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"

namespace spate::jinja {
namespace {

constexpr size_t kMaxTimeFormat = 1000;

Value RangeOf(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  const Parameters parameters(arguments, "range", {"start", "stop", "step"}, 1, 3);
  const int64_t start = parameters.Has(1) ? parameters.Integer(0, 0) : 0;
  const int64_t stop = parameters.Integer(parameters.Has(1) ? 1 : 0, 0), step = parameters.Integer(2, 1);
  if (step == 0) throw Failure("range() arg 3 must not be zero");
  const bool empty = step > 0 ? start >= stop : start <= stop;
  const uint64_t distance = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                     : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t length = empty ? 0 : (distance - 1) / stride + 1;
  if (length > static_cast<uint64_t>(kMaxRange))
    throw Failure("Range too big: at most {} items, got {}", kMaxRange, length);
  return {Kind::kRange, interpreter.heap().New<Range>(start, stop, step, static_cast<int64_t>(length))};
}

Value NamespaceOf(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  auto* space = interpreter.heap().New<Namespace>();
  space->attributes = DictFromArguments(interpreter, arguments);
  for (const auto& [key, value] : space->attributes->entries()) {
    if (key.IsString() && key.text().starts_with('_')) {
      throw Failure("a namespace has no attributes that start with an underscore, got '{}'", key.text());
    }
  }
  return {Kind::kNamespace, space};
}

Value CyclerOf(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) throw Failure("at least one item has to be provided");
  auto* cycler = interpreter.heap().New<Cycler>();
  interpreter.heap().Charge(arguments.positional.size() * sizeof(Value));
  cycler->items = arguments.positional;
  return {Kind::kCycler, cycler};
}

Value JoinerOf(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  const Parameters parameters(arguments, "joiner", {"sep"}, 0);
  auto* joiner = interpreter.heap().New<Joiner>();
  joiner->separator = parameters.Has(0) ? parameters[0] : NewString(interpreter.heap(), ", ");
  return {Kind::kJoiner, joiner};
}

Value RaiseException(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  const Parameters parameters(arguments, "raise_exception", {"message"}, 1);
  throw Failure("{}", Str(interpreter.heap(), parameters[0]));
}

Value StrftimeNow(Interpreter& interpreter, const Value&, const Arguments& arguments) {
  const Parameters parameters(arguments, "strftime_now", {"format"}, 1);
  const std::string format(parameters.Text(0, {}));
  if (!interpreter.now().empty()) return NewString(interpreter.heap(), interpreter.now());
  if (format.size() > kMaxTimeFormat) throw Failure("strftime_now: the format is too long");
  if (format.find('\0') != std::string::npos) throw Failure("strftime_now: the format holds a NUL");
  // A width would let a short format become long: %1000000d.
  for (size_t at = format.find('%'); at != std::string::npos && at + 1 < format.size(); at = format.find('%', at + 2)) {
    const char c = format[at + 1];
    if (c != '-' && c != '%' && !std::isalpha(static_cast<unsigned char>(c))) {
      throw Failure("strftime_now: unsupported format %{}", c);
    }
  }
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string out(100 * (format.size() + 1), '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &local));
  return NewString(interpreter.heap(), ReplaceInvalidUtf8(out));
}

struct Global {
  std::string_view name;
  Function::Code code;
};

constexpr Global kGlobals[] = {
    {"range", RangeOf},   {"namespace", NamespaceOf},          {"cycler", CyclerOf},
    {"joiner", JoinerOf}, {"raise_exception", RaiseException}, {"strftime_now", StrftimeNow}};

}  // namespace

Value FindGlobal(Heap& heap, std::string_view name) {
  if (name == "dict") return Value(Kind::kDictType, static_cast<Object*>(nullptr));
  const auto* found =
      std::find_if(std::begin(kGlobals), std::end(kGlobals), [&](const Global& g) { return g.name == name; });
  if (found == std::end(kGlobals)) return {};
  return {Kind::kFunction, heap.New<Function>(found->name, found->code, Value())};
}

Dict* DictFromArguments(Interpreter& interpreter, const Arguments& arguments) {
  Heap& heap = interpreter.heap();
  auto* dict = heap.New<Dict>();
  if (arguments.positional.size() > 1)
    throw Failure("dict expected at most 1 argument, got {}", arguments.positional.size());
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (from.Is(Kind::kDict)) {
      for (const auto& [key, value] : from.dict().entries()) dict->Set(heap, key, value);
    } else {
      Iterator& pairs = Iterate(interpreter, from);
      for (Value item; pairs.Next(interpreter, item);) {
        const std::vector<Value> pair = ToVector(interpreter, item);
        if (pair.size() != 2) throw Failure("dict: expected pairs, got {} values", pair.size());
        dict->Set(heap, pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) dict->Set(heap, NewString(heap, name), value);
  return dict;
}

}  // namespace spate::jinja
