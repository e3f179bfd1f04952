#include "tokenizer/jinja/format.h"

#include <charconv>
#include <cmath>

#include "tokenizer/jinja/attributes.h"
#include "tokenizer/jinja/format_number.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

// "%-8.3f" and its like, one after the other.
class PercentFormatter {
 public:
  PercentFormatter(Interpreter& interpreter, const Value& format, const Value& values)
      : heap_(interpreter.heap()), text_(format.text()), escape_(format.markup()), values_(values) {}

  std::string Run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      Add(text_.substr(at_, percent - at_));
      at_ = percent + 1;
      if (percent < text_.size()) Conversion();
    }
    const bool mapping = values_.Is(Kind::kDict);
    if (!mapping && (values_.Is(Kind::kTuple) ? next_ < values_.sequence().items.size() : next_ == 0)) {
      throw Failure("not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  void Add(std::string_view text) { heap_.Append(out_, text); }

  char Peek() const {
    if (at_ >= text_.size()) throw Failure("incomplete format");
    return text_[at_];
  }

  Value Argument() {
    if (values_.Is(Kind::kTuple)) {
      if (next_ >= values_.sequence().items.size()) throw Failure("not enough arguments for format string");
      return values_.sequence().items[next_++];
    }
    if (next_++ > 0) throw Failure("not enough arguments for format string");
    return values_;
  }

  int64_t Size() {
    if (Peek() == '*') {
      ++at_;
      const int64_t size = IndexOf(Argument());
      if (std::abs(size) > static_cast<int64_t>(kMaxBytes)) throw Failure("a width or precision is too large");
      return size;
    }
    int64_t size = 0;
    for (; Peek() >= '0' && Peek() <= '9'; ++at_) {
      size = size * 10 + (Peek() - '0');
      if (size > static_cast<int64_t>(kMaxBytes)) throw Failure("a width or precision is too large");
    }
    return size;
  }

  void Conversion() {
    Value value;
    if (Peek() == '(') {
      const size_t end = text_.find(')', at_);
      if (end == std::string_view::npos) throw Failure("incomplete format key");
      if (!values_.Is(Kind::kDict)) throw Failure("format requires a mapping");
      const std::string_view key = text_.substr(at_ + 1, end - at_ - 1);
      const Value* found = values_.dict().Find(heap_, key);
      if (found == nullptr) throw Failure("{} is not a key of the mapping", ReprText(key));
      value = *found;
      at_ = end + 1;
    }
    bool left = false, plus = false, space = false, alternate = false, zero = false;
    for (bool flags = true; flags;) {
      switch (Peek()) {
        case '-':
          left = true;
          break;
        case '+':
          plus = true;
          break;
        case ' ':
          space = true;
          break;
        case '#':
          alternate = true;
          break;
        case '0':
          zero = true;
          break;
        default:
          flags = false;
      }
      if (flags) ++at_;
    }
    int64_t width = Size(), precision = -1;
    if (width < 0) {
      left = true;
      width = -width;
    }
    if (Peek() == '.') {
      ++at_;
      precision = std::max<int64_t>(Size(), 0);
    }
    while (Peek() == 'h' || Peek() == 'l' || Peek() == 'L') ++at_;
    const char type = Peek();
    ++at_;
    if (type == '%') return Add("%");
    if (value.IsMissing()) value = Argument();
    NumberText number = Text(value, type, precision, alternate);
    if (!number.negative && number.sign == 'n') number.sign = plus ? '+' : space ? ' ' : '\0';
    const std::string sign = number.negative ? "-" : number.sign == '\0' ? "" : std::string(1, number.sign);
    const auto length = static_cast<int64_t>(sign.size() + number.prefix.size() + CountChars(number.digits));
    const auto missing = static_cast<size_t>(std::max<int64_t>(width - length, 0));
    heap_.Check(missing);
    const bool zeros = zero && !left && std::string_view("srac").find(type) == std::string_view::npos;
    if (!left && !zeros) Add(std::string(missing, ' '));
    Add(sign);
    Add(number.prefix);
    if (zeros) Add(std::string(missing, '0'));
    Add(number.digits);
    if (left) Add(std::string(missing, ' '));
  }

  // Its sign is 'n' for numbers, whose flags decide, and none for text.
  NumberText Text(const Value& value, char type, int64_t precision, bool alternate) {
    NumberText text;
    switch (type) {
      case 's':
      case 'r':
      case 'a':
        text.digits = type != 's' ? Repr(heap_, value) : Str(heap_, value);
        if (escape_ && !(type == 's' && value.markup())) text.digits = EscapeHtml(text.digits);
        if (precision >= 0) text.digits.resize(OffsetOfChar(text.digits, static_cast<size_t>(precision)));
        return text;
      case 'c':
        if (value.IsString()) {
          if (CountChars(value.text()) != 1) throw Failure("%c requires int or char");
          text.digits = value.text();
          return text;
        }
        return IntegerText(IndexOf(value), 'c', false);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        if (value.IsUndefined()) FailUndefined(value);
        const bool decimal = type == 'd' || type == 'i' || type == 'u';
        if (!value.IsWhole() && !(decimal && value.Is(Kind::kFloat))) {
          throw Failure("%{} format: a number is required, not {}", type, TypeName(value));
        }
        if (value.Is(Kind::kFloat) && !(std::abs(value.number()) < 0x1p63))
          throw Failure("an integer does not fit 64 bits");
        const int64_t integer = value.IsWhole() ? value.integer() : static_cast<int64_t>(value.number());
        text = IntegerText(integer, decimal ? 'd' : type, alternate);
        if (precision > kMaxPrecision) throw Failure("a precision is too large");
        if (precision > static_cast<int64_t>(text.digits.size())) {
          text.digits.insert(0, static_cast<size_t>(precision) - text.digits.size(), '0');
        }
        break;
      }
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (value.IsUndefined()) FailUndefined(value);
        if (!value.IsNumber()) throw Failure("must be real number, not {}", TypeName(value));
        if (precision > kMaxPrecision) throw Failure("a precision is too large");
        text = FloatText(value.number(), type, precision, alternate);
        break;
      default:
        throw Failure("unsupported format character {}",
                      ReprText(text_.substr(at_ - 1, ReadCodePoint(text_, at_ - 1).bytes)));
    }
    text.sign = 'n';
    return text;
  }

  Heap& heap_;
  std::string_view text_;
  bool escape_;
  const Value& values_;
  size_t at_ = 0;
  size_t next_ = 0;
  std::string out_;
};

// "{0.name[key]!r:>{width}}" and its like.
class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Arguments& arguments, bool escape)
      : interpreter_(interpreter), heap_(interpreter.heap()), arguments_(arguments), escape_(escape) {}

  std::string Run(std::string_view text, int depth) {
    if (depth > 1) throw Failure("Max string recursion exceeded");
    std::string out;
    const auto add = [&](std::string_view part) {
      heap_.Check(out.size() + part.size());
      heap_.StepBytes(part.size());
      out += part;
    };
    for (size_t at = 0; at < text.size();) {
      const size_t brace = std::min(text.find_first_of("{}", at), text.size());
      add(text.substr(at, brace - at));
      at = brace;
      if (at == text.size()) break;
      if (at + 1 < text.size() && text[at + 1] == text[at]) {
        add(text.substr(at, 1));
        at += 2;
        continue;
      }
      if (text[at] == '}') throw Failure("Single '}}' encountered in format string");
      const size_t end = FieldEnd(text, at);
      add(Field(text.substr(at + 1, end - at - 1), depth));
      at = end + 1;
    }
    return out;
  }

 private:
  static size_t FieldEnd(std::string_view text, size_t begin) {
    int open = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      if (text[at] == '[') {  // a key may hold braces
        const size_t close = text.find(']', at);
        if (close != std::string_view::npos && open == 1) at = close;
      } else if (text[at] == '{') {
        ++open;
      } else if (text[at] == '}' && --open == 0) {
        return at;
      }
    }
    throw Failure("expected '}}' before end of string");
  }

  std::string Field(std::string_view field, int depth) {
    size_t name_end = 0;
    while (name_end < field.size() && field[name_end] != '!' && field[name_end] != ':') {
      const size_t close = field[name_end] == '[' ? field.find(']', name_end) : std::string_view::npos;
      name_end = close != std::string_view::npos ? close + 1 : name_end + 1;
    }
    Value value = Lookup(field.substr(0, name_end));
    std::string_view rest = field.substr(name_end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':'))
        throw Failure("expected ':' after conversion specifier");
      if (rest[1] == 's') {
        value = StrValue(heap_, value);
      } else if (rest[1] == 'r') {
        value = NewString(heap_, Repr(heap_, value));
      } else {
        throw Failure("Unknown conversion specifier '{}'", rest.substr(1, 1));
      }
      rest.remove_prefix(2);
    }
    const std::string specification = rest.empty() ? std::string() : Run(rest.substr(1), depth + 1);
    if (escape_ && value.markup()) return std::string(value.text());
    const std::string text = FormatValue(interpreter_, value, specification);
    return escape_ ? EscapeHtml(text) : text;
  }

  static bool AsIndex(std::string_view text, int64_t& index) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), index);
    return !text.empty() && text[0] != '-' && result.ec == std::errc() && result.ptr == text.data() + text.size();
  }

  Value Lookup(std::string_view name) {
    const size_t first_end = std::min(name.find_first_of(".["), name.size());
    const std::string_view first = name.substr(0, first_end);
    int64_t index = 0;
    Value value;
    if (first.empty() || AsIndex(first, index)) {
      if (first.empty() ? manual_ : next_ > 0) {
        throw Failure("cannot switch between automatic and manual field numbering");
      }
      if (first.empty()) {
        index = next_++;
      } else {
        manual_ = true;
      }
      if (static_cast<size_t>(index) >= arguments_.positional.size()) {
        throw Failure("Replacement index {} out of range for positional args tuple", index);
      }
      value = arguments_.positional[static_cast<size_t>(index)];
    } else {
      for (const auto& [key, named] : arguments_.named) {
        if (key == first) value = named;
      }
      if (value.IsMissing()) throw Failure("format() has no argument {}", ReprText(first));
    }
    for (std::string_view rest = name.substr(first_end); !rest.empty();) {
      const bool item = rest[0] == '[';
      const size_t end = item ? rest.find(']') : std::min(rest.find_first_of(".[", 1), rest.size());
      if (end == std::string_view::npos || end == 1 || (!item && rest[0] != '.')) {
        throw Failure("Empty attribute in format string");
      }
      const std::string_view part = rest.substr(1, end - 1);
      if (!item) {
        value = GetAttribute(interpreter_, value, part);
      } else {
        value = GetItem(interpreter_, value, AsIndex(part, index) ? Value(index) : NewString(heap_, part));
      }
      rest.remove_prefix(end + (item ? 1 : 0));
    }
    return value;
  }

  Interpreter& interpreter_;
  Heap& heap_;
  const Arguments& arguments_;
  bool escape_;
  int64_t next_ = 0;
  bool manual_ = false;
};

}  // namespace

Value FormatPercent(Interpreter& interpreter, const Value& format, const Value& values) {
  return NewString(interpreter.heap(), PercentFormatter(interpreter, format, values).Run(), format.markup());
}

Value FormatBraces(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  BraceFormatter formatter(interpreter, arguments, self.markup());
  return NewString(interpreter.heap(), formatter.Run(self.text(), 0), self.markup());
}

}  // namespace spate::jinja
