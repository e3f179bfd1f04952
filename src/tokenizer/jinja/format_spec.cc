// The presentation of one value: [[fill]align][sign][#][0][width][grouping][.precision][type].
#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/format.h"
#include "tokenizer/jinja/format_number.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

struct Spec {
  std::string_view fill = " ";
  char align = '\0';  // < > ^ =
  char sign = '-';
  bool alternate = false;
  bool zero = false;
  int64_t width = 0;
  char grouping = '\0';
  int64_t precision = -1;
  char type = '\0';
};

bool IsAlign(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

int64_t ReadNumber(std::string_view& text) {
  int64_t number = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    number = number * 10 + (text[0] - '0');
    if (number > static_cast<int64_t>(kMaxBytes)) throw Failure("a width or precision is too large");
    text.remove_prefix(1);
  }
  return number;
}

Spec Parse(std::string_view text) {
  Spec spec;
  const size_t first = text.empty() ? 0 : ReadCodePoint(text, 0).bytes;
  if (text.size() > first && IsAlign(text[first])) {
    spec.fill = text.substr(0, first);
    spec.align = text[first];
    text.remove_prefix(first + 1);
  } else if (!text.empty() && IsAlign(text[0])) {
    spec.align = text[0];
    text.remove_prefix(1);
  }
  const auto take = [&](std::string_view set) {
    const bool found = !text.empty() && set.find(text[0]) != std::string_view::npos;
    const char c = found ? text[0] : '\0';
    if (found) text.remove_prefix(1);
    return c;
  };
  if (const char sign = take("+- ")) spec.sign = sign;
  spec.alternate = take("#") != '\0';
  spec.zero = take("0") != '\0';
  spec.width = ReadNumber(text);
  spec.grouping = take(",_");
  if (take(".") != '\0') {
    if (text.empty() || text[0] < '0' || text[0] > '9') throw Failure("Format specifier missing precision");
    spec.precision = ReadNumber(text);
  }
  spec.type = take("bcdeEfFgGnosxX%");
  if (!text.empty()) throw Failure("Invalid format specifier");
  return spec;
}

std::string Pad(Heap& heap, const Spec& spec, std::string_view sign, std::string_view body, char align) {
  const auto length = static_cast<int64_t>(CountChars(sign) + CountChars(body));
  const auto missing = static_cast<size_t>(std::max<int64_t>(spec.width - length, 0));
  heap.Check(missing, spec.fill.size());
  const size_t before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  std::string out;
  const auto fill = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) out += spec.fill;
  };
  fill(before);
  out += sign;
  if (align == '=') fill(missing);
  out += body;
  if (align != '=') fill(missing - before);
  return out;
}

std::string FormatText(Heap& heap, const Spec& spec, std::string_view text) {
  if (spec.type != '\0' && spec.type != 's')
    throw Failure("Unknown format code '{}' for object of type 'str'", spec.type);
  if (spec.align == '=' || spec.sign != '-' || spec.grouping != '\0') {
    throw Failure("this format specifier is not allowed for a str");
  }
  if (spec.precision >= 0) text = text.substr(0, OffsetOfChar(text, static_cast<size_t>(spec.precision)));
  return Pad(heap, spec, {}, text, spec.align == '\0' ? '<' : spec.align);
}

std::string FormatNumber(Heap& heap, Spec spec, const Value& value) {
  if (spec.zero && spec.align == '\0') {
    spec.align = '=';
    spec.fill = "0";
  }
  const bool whole = value.IsWhole() && std::string_view("\0bcdnoxX", 8).find(spec.type) != std::string_view::npos;
  if (!whole && std::string_view("\0eEfFgGn%", 9).find(spec.type) == std::string_view::npos) {
    throw Failure("Unknown format code '{}' for object of type '{}'", spec.type, TypeName(value));
  }
  if (whole && spec.precision >= 0) throw Failure("Precision not allowed in integer format specifier");
  if (spec.precision > kMaxPrecision) throw Failure("a precision is too large");
  NumberText number = whole ? IntegerText(value.integer(), spec.type, spec.alternate)
                            : FloatText(value.number(), spec.type, spec.precision, spec.alternate);
  if (!number.negative && spec.sign != '-') number.sign = spec.sign;
  std::string prefix = number.negative ? "-" : number.sign == '\0' ? "" : std::string(1, number.sign);
  prefix += number.prefix;
  if (spec.grouping != '\0') {
    const bool fours =
        spec.grouping == '_' && spec.type != '\0' && std::string_view("boxX").find(spec.type) != std::string_view::npos;
    const int64_t room = spec.align == '=' && spec.fill == "0" ? spec.width - static_cast<int64_t>(prefix.size()) : 0;
    heap.Check(static_cast<size_t>(std::max<int64_t>(room, 0)));
    number.digits = GroupDigits(number.digits, spec.grouping, fours ? 4 : 3, room);
  }
  return Pad(heap, spec, prefix, number.digits, spec.align == '\0' ? '>' : spec.align);
}

}  // namespace

std::string FormatValue(Interpreter& interpreter, const Value& value, std::string_view specification) {
  Heap& heap = interpreter.heap();
  heap.StepBytes(specification.size());
  if (specification.empty()) return Str(heap, value);
  const Spec spec = Parse(specification);
  if (value.IsString()) return FormatText(heap, spec, value.text());
  if (value.Is(Kind::kBool) && spec.type == '\0') return FormatText(heap, spec, Str(heap, value));
  if (value.IsNumber()) return FormatNumber(heap, spec, value);
  throw Failure("unsupported format string passed to {}.__format__", TypeName(value));
}

}  // namespace spate::jinja
