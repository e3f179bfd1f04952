// Filters that turn a string into a string.
#include <algorithm>
#include <cctype>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

// A string as it is, anything else as text.
Value SoftText(Heap& heap, const Value& value) { return value.IsString() ? value : NewString(heap, Str(heap, value)); }

// The filter is a method of str.
template <const char* Name>
Value ByMethod(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, Name, {}, 0);
  return FindMethod(Kind::kString, Name)->code(interpreter, SoftText(interpreter.heap(), value), {});
}
constexpr char kUpper[] = "upper", kLower[] = "lower", kCapitalize[] = "capitalize";

Value Trim(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "trim", {"chars"}, 0);
  const Arguments strip{parameters.Has(0) ? std::vector<Value>{parameters[0]} : std::vector<Value>{}, {}};
  return FindMethod(Kind::kString, "strip")->code(interpreter, SoftText(interpreter.heap(), value), strip);
}

bool StartsWord(uint32_t c) { return c == '-' || IsSpace(c) || c == '(' || c == '{' || c == '[' || c == '<'; }

// Not str.title: words begin after spaces, dashes and opening brackets only.
Value TitleFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "title");
  const Value text = SoftText(interpreter.heap(), value);
  interpreter.heap().StepBytes(16 * text.text().size());
  interpreter.heap().Check(3 * text.text().size());
  std::string out;
  const std::string_view rest = text.text();
  for (size_t at = 0; at < rest.size();) {
    const CodePoint first = ReadCodePoint(rest, at);
    if (StartsWord(first.value)) {
      out += rest.substr(at, first.bytes);
      at += first.bytes;
      continue;
    }
    size_t end = at + first.bytes;
    while (end < rest.size()) {
      const CodePoint c = ReadCodePoint(rest, end);
      if (StartsWord(c.value)) break;
      end += c.bytes;
    }
    out += Upper(rest.substr(at, first.bytes));
    out += Lower(rest.substr(at + first.bytes, end - at - first.bytes));
    at = end;
  }
  return NewString(interpreter.heap(), std::move(out));
}

Value ReplaceFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "replace", {"old", "new", "count"}, 2);
  Heap& heap = interpreter.heap();
  const int64_t count = parameters.Has(2) && !parameters[2].IsNone() ? parameters.Integer(2, -1) : -1;
  return ReplaceText(interpreter, StrValue(heap, value), StrValue(heap, parameters[0]), StrValue(heap, parameters[1]),
                     count);
}

Value Escape(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "escape");
  return NewString(interpreter.heap(), EscapedText(interpreter.heap(), value), true);
}

Value ForceEscape(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "forceescape");
  const std::string text = Str(interpreter.heap(), value);
  interpreter.heap().Check(5 * text.size());
  return NewString(interpreter.heap(), EscapeHtml(text), true);
}

Value Safe(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "safe");
  return NewString(interpreter.heap(), Str(interpreter.heap(), value), true);
}

Value String(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "string");
  return SoftText(interpreter.heap(), value);
}

Value StripTagsFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "striptags");
  const std::string text = Str(interpreter.heap(), value);
  interpreter.heap().StepBytes(8 * text.size());
  return NewString(interpreter.heap(), StripTags(text));
}

Value FormatFilter(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  Heap& heap = interpreter.heap();
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Failure("format: positional and keyword arguments cannot be given at the same time");
  }
  if (arguments.named.empty()) {
    return FormatPercent(interpreter, SoftText(heap, value), NewTuple(heap, arguments.positional));
  }
  auto* dict = heap.New<Dict>();
  for (const auto& [name, argument] : arguments.named) dict->Set(heap, NewString(heap, name), argument);
  return FormatPercent(interpreter, SoftText(heap, value), Value(Kind::kDict, dict));
}

std::string Quote(std::string_view text, bool query) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_.-~").find(c) != std::string_view::npos ||
        (c == '/' && !query)) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Value UrlEncode(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "urlencode");
  Heap& heap = interpreter.heap();
  const auto quote = [&](const Value& part, bool query) {
    const std::string text = Str(heap, part);
    heap.Check(3 * text.size());
    heap.StepBytes(8 * text.size());
    return Quote(text, query);
  };
  if (value.IsString() || !IsIterable(value)) return NewString(heap, quote(value, false));
  std::string out;
  const Value items =
      value.Is(Kind::kDict) ? Value(Kind::kDictView, heap.New<DictView>(&value.dict(), DictView::kItems)) : value;
  Iterator& iterator = Iterate(interpreter, items);
  for (Value item; iterator.Next(interpreter, item);) {
    const std::vector<Value> pair = ToVector(interpreter, item);
    if (pair.size() != 2) throw Failure("urlencode: expected pairs, got {} values", pair.size());
    if (!out.empty()) out += '&';
    out += quote(pair[0], true) + "=" + quote(pair[1], true);
    heap.Check(out.size());
  }
  return NewString(heap, std::move(out));
}

Value XmlAttr(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "xmlattr", {"autospace"}, 0);
  Heap& heap = interpreter.heap();
  if (!value.Is(Kind::kDict)) throw Failure("xmlattr: expected a dict, got {}", TypeName(value));
  std::string out;
  for (const auto& [key, item] : value.dict().entries()) {
    if (item.IsNone() || item.IsUndefined()) continue;
    if (!key.IsString() || key.text().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
      throw Failure("Invalid character in attribute name: {}", Repr(heap, key));
    }
    if (!out.empty()) out += ' ';
    out += EscapedText(heap, key) + "=\"" + EscapedText(heap, item) + "\"";
    heap.Check(out.size());
  }
  if (parameters.Truth(0, true) && !out.empty()) out.insert(0, 1, ' ');
  return NewString(heap, std::move(out));
}

constexpr NamedFilter kFilters[] = {{"capitalize", ByMethod<kCapitalize>},
                                    {"e", Escape},
                                    {"escape", Escape},
                                    {"forceescape", ForceEscape},
                                    {"format", FormatFilter},
                                    {"lower", ByMethod<kLower>},
                                    {"replace", ReplaceFilter},
                                    {"safe", Safe},
                                    {"string", String},
                                    {"striptags", StripTagsFilter},
                                    {"title", TitleFilter},
                                    {"trim", Trim},
                                    {"upper", ByMethod<kUpper>},
                                    {"urlencode", UrlEncode},
                                    {"xmlattr", XmlAttr}};

}  // namespace

std::span<const NamedFilter> TextFilters() { return kFilters; }

}  // namespace spate::jinja
