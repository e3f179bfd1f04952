// map, select, reject and their attr variants: lazy, as in Jinja2.
#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/tests.h"

namespace spate::jinja {
namespace {

// The arguments behind the first `count` positional ones.
Arguments Without(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + static_cast<int64_t>(count));
  return rest;
}

std::string NameOf(const Value& value, std::string_view what) {
  if (!value.IsString()) throw Failure("expected the name of a {}, got {}", what, TypeName(value));
  return std::string(value.text());
}

// A generator that starts to go through `value` only when it is asked for its first item.
Value Lazy(Interpreter& interpreter, const Value& value, std::function<bool(Interpreter&, Value&)> keep) {
  return NewGenerator(interpreter.heap(), [value, keep = std::move(keep), items = static_cast<Iterator*>(nullptr)](
                                              Interpreter& inner, Value& item) mutable {
    if (!Truth(value)) return false;
    if (items == nullptr) items = &Iterate(inner, value);
    while (items->Next(inner, item)) {
      if (keep(inner, item)) return true;
    }
    return false;
  });
}

Value Map(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  if (!arguments.positional.empty()) {
    return Lazy(interpreter, value,
                [name = NameOf(arguments.positional[0], "filter"), rest = Without(arguments, 1)](Interpreter& inner,
                                                                                                 Value& item) {
                  item = ApplyFilter(inner, name, item, rest);
                  return true;
                });
  }
  Value attribute, otherwise;
  for (const auto& [name, argument] : arguments.named) {
    if (name == "attribute") {
      attribute = argument;
    } else if (name == "default") {
      otherwise = argument;
    } else {
      throw Failure("map: unexpected keyword argument '{}'", name);
    }
  }
  if (attribute.IsMissing()) throw Failure("map requires a filter argument");
  return Lazy(interpreter, value, [attribute, otherwise](Interpreter& inner, Value& item) {
    item = GetPath(inner, item, attribute, otherwise);
    return true;
  });
}

template <bool Wanted, bool OfAttribute>
Value Choose(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  Arguments rest = arguments;
  Value path;
  if (OfAttribute) {
    if (rest.positional.empty()) throw Failure("Missing parameter for attribute name");
    path = rest.positional[0];
    rest = Without(rest, 1);
  }
  std::string test;
  if (!rest.positional.empty()) {
    test = NameOf(rest.positional[0], "test");
    rest = Without(rest, 1);
  }
  return Lazy(interpreter, value, [path, test, rest](Interpreter& inner, Value& item) {
    const Value tested = OfAttribute ? GetPath(inner, item, path, Value()) : item;
    return (test.empty() ? Truth(tested) : ApplyTest(inner, test, tested, rest)) == Wanted;
  });
}

constexpr NamedFilter kFilters[] = {{"map", Map},
                                    {"reject", Choose<false, false>},
                                    {"rejectattr", Choose<false, true>},
                                    {"select", Choose<true, false>},
                                    {"selectattr", Choose<true, true>}};

}  // namespace

std::span<const NamedFilter> SelectFilters() { return kFilters; }

}  // namespace spate::jinja
