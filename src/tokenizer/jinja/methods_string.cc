// Methods of str, on code points. A string that counts as HTML stays so, and escapes what it takes in.
#include <algorithm>
#include <string>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

Value Like(Interpreter& interpreter, const Value& self, std::string_view text) {
  return NewString(interpreter.heap(), text, self.markup());
}

template <std::string (*Map)(std::string_view)>
Value MapText(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "this method");
  interpreter.heap().StepBytes(8 * self.text().size());
  interpreter.heap().Check(3 * self.text().size());
  return NewString(interpreter.heap(), Map(self.text()), self.markup());
}

// Whether every character is of a class; of an empty string `Empty`.
template <bool (*InClass)(uint32_t), bool Empty = false>
Value AllOf(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "this method");
  const std::string_view text = self.text();
  interpreter.heap().StepBytes(8 * text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    if (!InClass(c.value)) return Value(false);
    at += c.bytes;
  }
  return Value(Empty || !text.empty());
}

bool IsAlnum(uint32_t c) { return IsAlpha(c) || IsNumeric(c); }
bool IsAscii(uint32_t c) { return c < 0x80; }

// isupper and islower: there is a letter with a case, and none of the other case.
template <bool (*Wanted)(uint32_t), bool (*Other)(uint32_t)>
Value HasCase(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "this method");
  interpreter.heap().StepBytes(8 * self.text().size());
  bool found = false;
  for (size_t at = 0; at < self.text().size();) {
    const CodePoint c = ReadCodePoint(self.text(), at);
    if (Other(c.value) || IsTitle(c.value)) return Value(false);
    found = found || Wanted(c.value);
    at += c.bytes;
  }
  return Value(found);
}

Value IsTitleText(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  RefuseArguments(arguments, "istitle");
  interpreter.heap().StepBytes(8 * self.text().size());
  bool found = false, after_cased = false;
  for (size_t at = 0; at < self.text().size();) {
    const CodePoint c = ReadCodePoint(self.text(), at);
    const bool upper = IsUpper(c.value) || IsTitle(c.value), lower = IsLower(c.value);
    if ((upper && after_cased) || (lower && !after_cased)) return Value(false);
    after_cased = upper || lower;
    found = found || after_cased;
    at += c.bytes;
  }
  return Value(found);
}

template <bool Left, bool Right>
Value StripMethod(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "strip", {"chars"}, 0, 1);
  std::string_view text = self.text();
  if (parameters.Has(0) && !parameters[0].IsNone()) {
    const std::string_view set = parameters.Text(0, {});
    interpreter.heap().Step(static_cast<int64_t>((text.size() / 16 + 1) * (set.size() / 64 + 1)));
    text = StripSet(text, set, Left, Right);
  } else {
    if (Left) text = StripLeft(text);
    if (Right) text = StripRight(text);
  }
  if (text.size() == self.text().size()) return self;
  return Like(interpreter, self, text);
}

Value Pieces(Interpreter& interpreter, const Value& self, const std::vector<std::string_view>& parts) {
  interpreter.heap().Check(parts.size(), sizeof(Text) + sizeof(Value));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(Like(interpreter, self, part));
  return NewList(interpreter.heap(), std::move(items));
}

template <bool Last>
Value SplitMethod(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, Last ? "rsplit" : "split", {"sep", "maxsplit"}, 0);
  const int64_t max = parameters.Integer(1, -1);
  interpreter.heap().StepBytes(2 * self.text().size());
  interpreter.heap().Check(self.text().size());
  const std::string_view text = self.text();
  if (!parameters.Has(0) || parameters[0].IsNone()) {
    return Pieces(interpreter, self, Last ? SplitSpaceLast(text, max) : SplitSpace(text, max));
  }
  const std::string_view separator = parameters.Text(0, {});
  if (separator.empty()) throw Failure("empty separator");
  interpreter.heap().Check(CountParts(text, separator), sizeof(std::string_view) + sizeof(Text));
  return Pieces(interpreter, self, Last ? SplitLast(text, separator, max) : Split(text, separator, max));
}

Value SplitLinesMethod(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "splitlines", {"keepends"}, 0);
  interpreter.heap().StepBytes(4 * self.text().size());
  return Pieces(interpreter, self, SplitLines(self.text(), parameters.Truth(0, false)));
}

// start and end as slices take them, as bytes of the text.
std::string_view Window(const Value& self, const Parameters& parameters, size_t first, size_t& begin, bool& valid) {
  const std::string_view text = self.text();
  const auto length = static_cast<int64_t>(CountChars(text));
  const auto clamp = [&](size_t i, int64_t otherwise) {
    if (!parameters.Has(i) || parameters[i].IsNone()) return otherwise;
    int64_t index = IndexOf(parameters[i]);
    if (index < 0) index += length;
    return std::max<int64_t>(index, 0);
  };
  const int64_t start = clamp(first, 0), end = std::min(clamp(first + 1, length), length);
  valid = start <= end;
  if (!valid) return {};
  begin = OffsetOfChar(text, static_cast<size_t>(start));
  return text.substr(begin, OffsetOfChar(text, static_cast<size_t>(end)) - begin);
}

template <bool Suffix>
Value StartsWith(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, Suffix ? "endswith" : "startswith", {"prefix", "start", "end"}, 1, 3);
  size_t begin = 0;
  bool valid = true;
  std::string_view text = self.text();
  if (parameters.Has(1)) {
    interpreter.heap().StepBytes(text.size());
    text = Window(self, parameters, 1, begin, valid);
  }
  const auto matches = [&](const Value& part) {
    if (!part.IsString()) {
      throw Failure("{} first arg must be str or a tuple of str, not {}", Suffix ? "endswith" : "startswith",
                    TypeName(part));
    }
    interpreter.heap().StepBytes(part.text().size());
    return valid && (Suffix ? text.ends_with(part.text()) : text.starts_with(part.text()));
  };
  if (!parameters[0].Is(Kind::kTuple)) return Value(matches(parameters[0]));
  const std::vector<Value>& parts = parameters[0].sequence().items;
  return Value(std::any_of(parts.begin(), parts.end(), matches));
}

template <bool Last, bool MustExist>
Value FindMethodOf(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "find", {"sub", "start", "end"}, 1, 3);
  interpreter.heap().StepBytes(4 * self.text().size());
  interpreter.heap().Check(self.text().size());
  size_t begin = 0;
  bool valid = true;
  const std::string_view window = Window(self, parameters, 1, begin, valid);
  const std::string_view part = parameters.Text(0, {});
  const size_t found = !valid ? std::string_view::npos : Last ? FindLast(window, part) : Find(window, part);
  if (found == std::string_view::npos) {
    if (MustExist) throw Failure("substring not found");
    return Value(int64_t{-1});
  }
  return Value(static_cast<int64_t>(CountChars(self.text().substr(0, begin + found))));
}

Value Count(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "count", {"sub", "start", "end"}, 1, 3);
  interpreter.heap().StepBytes(4 * self.text().size());
  size_t begin = 0;
  bool valid = true;
  const std::string_view window = Window(self, parameters, 1, begin, valid);
  const std::string_view part = parameters.Text(0, {});
  return Value(valid ? static_cast<int64_t>(CountParts(window, part)) : int64_t{0});
}

Value ReplaceMethod(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "replace", {"old", "new", "count"}, 2, 3);
  return ReplaceText(interpreter, self, parameters[0], parameters[1], parameters.Integer(2, -1));
}

Value Join(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "join", {"iterable"}, 1, 1);
  const std::vector<Value> items = ToVector(interpreter, parameters[0]);
  size_t size = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].IsString() && !self.markup()) {
      throw Failure("sequence item {}: expected str instance, {} found", i, TypeName(items[i]));
    }
    size += self.text().size() + (items[i].IsString() ? items[i].text().size() : 0);
    interpreter.heap().Check(size);
  }
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += self.text();
    out += self.markup() ? EscapedText(interpreter.heap(), items[i]) : std::string(items[i].text());
  }
  return NewString(interpreter.heap(), std::move(out), self.markup());
}

// Fills a text up to a width; `left` is how many of so many missing characters go before it.
template <typename Left>
Value Pad(Interpreter& interpreter, const Value& self, const Arguments& arguments, std::string_view name, Left left) {
  const Parameters parameters(arguments, name, {"width", "fillchar"}, 1, 2);
  const std::string_view fill = parameters.Text(1, " ");
  if (CountChars(fill) != 1) throw Failure("The fill character must be exactly one character long");
  const int64_t width = parameters.Integer(0, 0), length = Length(interpreter, self);
  if (width <= length) return self;
  const auto missing = static_cast<size_t>(width - length);
  interpreter.heap().Check(missing, fill.size());
  const size_t before = left(missing, static_cast<size_t>(width));
  std::string out;
  for (size_t i = 0; i < before; ++i) out += fill;
  out += self.text();
  for (size_t i = before; i < missing; ++i) out += fill;
  return NewString(interpreter.heap(), std::move(out), self.markup());
}

Value LJust(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  return Pad(interpreter, self, arguments, "ljust", [](size_t, size_t) { return size_t{0}; });
}
Value RJust(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  return Pad(interpreter, self, arguments, "rjust", [](size_t missing, size_t) { return missing; });
}
Value Center(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  return Pad(interpreter, self, arguments, "center",
             [](size_t missing, size_t width) { return missing / 2 + (missing & width & 1); });
}

Value ZFill(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "zfill", {"width"}, 1, 1);
  const int64_t missing = parameters.Integer(0, 0) - Length(interpreter, self);
  if (missing <= 0) return self;
  interpreter.heap().Check(static_cast<size_t>(missing));
  const bool sign = self.text().starts_with('-') || self.text().starts_with('+');
  std::string out(self.text().substr(0, sign ? 1 : 0));
  out.append(static_cast<size_t>(missing), '0');
  out += self.text().substr(sign ? 1 : 0);
  return NewString(interpreter.heap(), std::move(out), self.markup());
}

template <bool Suffix>
Value Remove(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, Suffix ? "removesuffix" : "removeprefix", {"prefix"}, 1, 1);
  const std::string_view text = self.text(), part = parameters.Text(0, {});
  interpreter.heap().StepBytes(text.size());
  if (Suffix && text.ends_with(part)) return Like(interpreter, self, text.substr(0, text.size() - part.size()));
  if (!Suffix && text.starts_with(part)) return Like(interpreter, self, text.substr(part.size()));
  return self;
}

template <bool Last>
Value Partition(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, Last ? "rpartition" : "partition", {"sep"}, 1, 1);
  const std::string_view text = self.text(), separator = parameters.Text(0, {});
  if (separator.empty()) throw Failure("empty separator");
  interpreter.heap().StepBytes(2 * text.size());
  interpreter.heap().Check(text.size());
  const size_t found = Last ? FindLast(text, separator) : Find(text, separator);
  std::string_view parts[3] = {Last ? "" : text, "", Last ? text : ""};
  if (found != std::string_view::npos) {
    parts[0] = text.substr(0, found);
    parts[1] = separator;
    parts[2] = text.substr(found + separator.size());
  }
  std::vector<Value> items;
  for (const std::string_view part : parts) items.push_back(Like(interpreter, self, part));
  return NewTuple(interpreter.heap(), std::move(items));
}

Value ExpandTabs(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Parameters parameters(arguments, "expandtabs", {"tabsize"}, 0);
  const int64_t size = std::max<int64_t>(parameters.Integer(0, 8), 0);
  interpreter.heap().StepBytes(2 * self.text().size());
  std::string out;
  int64_t column = 0;
  for (const char c : self.text()) {
    if (c == '\t') {
      const int64_t spaces = size == 0 ? 0 : size - column % size;
      interpreter.heap().Check(out.size() + static_cast<size_t>(spaces));
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
      continue;
    }
    out += c;
    if (c == '\n' || c == '\r') {
      column = 0;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column;
    }
  }
  return NewString(interpreter.heap(), std::move(out), self.markup());
}

constexpr Method kMethods[] = {
    {"capitalize", MapText<Capitalize>},
    {"center", Center},
    {"count", Count},
    {"endswith", StartsWith<true>},
    {"expandtabs", ExpandTabs},
    {"find", FindMethodOf<false, false>},
    {"format", FormatBraces},
    {"index", FindMethodOf<false, true>},
    {"isalnum", AllOf<IsAlnum>},
    {"isalpha", AllOf<IsAlpha>},
    {"isascii", AllOf<IsAscii, true>},
    {"isdecimal", AllOf<IsDecimal>},
    {"isdigit", AllOf<IsDigitCharacter>},
    {"islower", HasCase<IsLower, IsUpper>},
    {"isnumeric", AllOf<IsNumeric>},
    {"isprintable", AllOf<IsPrintable, true>},
    {"isspace", AllOf<IsSpace>},
    {"istitle", IsTitleText},
    {"isupper", HasCase<IsUpper, IsLower>},
    {"join", Join},
    {"ljust", LJust},
    {"lower", MapText<Lower>},
    {"lstrip", StripMethod<true, false>},
    {"partition", Partition<false>},
    {"removeprefix", Remove<false>},
    {"removesuffix", Remove<true>},
    {"replace", ReplaceMethod},
    {"rfind", FindMethodOf<true, false>},
    {"rindex", FindMethodOf<true, true>},
    {"rjust", RJust},
    {"rpartition", Partition<true>},
    {"rsplit", SplitMethod<true>},
    {"rstrip", StripMethod<false, true>},
    {"split", SplitMethod<false>},
    {"splitlines", SplitLinesMethod},
    {"startswith", StartsWith<false>},
    {"strip", StripMethod<true, true>},
    {"swapcase", MapText<SwapCase>},
    {"title", MapText<Title>},
    {"upper", MapText<Upper>},
    {"zfill", ZFill},
};

}  // namespace

std::span<const Method> StringMethods() { return kMethods; }

}  // namespace spate::jinja
