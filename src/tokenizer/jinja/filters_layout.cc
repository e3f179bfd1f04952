// Filters that lay text out in lines and columns.
#include <algorithm>

#include "tokenizer/jinja/arguments.h"
#include "tokenizer/jinja/filters.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/iterate.h"
#include "tokenizer/jinja/methods.h"
#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

std::string_view TextOf(const Value& value, std::string_view filter) {
  if (value.IsUndefined()) FailUndefined(value);
  if (!value.IsString()) throw Failure("{}: expected a str, got {}", filter, TypeName(value));
  return value.text();
}

Value Center(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "center", {"width"}, 0);
  const Value text = value.IsString() ? value : StrValue(interpreter.heap(), value);
  return FindMethod(Kind::kString, "center")->code(interpreter, text, {{Value(parameters.Integer(0, 80))}, {}});
}

Value Indent(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "indent", {"width", "first", "blank"}, 0);
  Heap& heap = interpreter.heap();
  const std::string text = std::string(TextOf(value, "indent")) + "\n";
  std::string indent;
  if (parameters.Has(0) && parameters[0].IsString()) {
    indent = parameters[0].text();
  } else {
    const int64_t width = std::max<int64_t>(parameters.Integer(0, 4), 0);
    heap.Check(static_cast<size_t>(width));
    indent.assign(static_cast<size_t>(width), ' ');
  }
  const bool first = parameters.Truth(1, false), blank = parameters.Truth(2, false);
  heap.StepBytes(4 * text.size());
  heap.Check(text.size() + 1, sizeof(std::string_view));
  const std::vector<std::string_view> lines = SplitLines(text, false);
  heap.Check(lines.size() + 1, indent.size());
  heap.Check(text.size() + (lines.size() + 1) * indent.size());
  std::string out;
  if (first) out += indent;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i > 0 && (blank || !lines[i].empty())) out += indent;
    out += lines[i];
  }
  return NewString(heap, std::move(out), value.markup());
}

Value Truncate(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "truncate", {"length", "killwords", "end", "leeway"}, 0);
  Heap& heap = interpreter.heap();
  const std::string_view text = TextOf(value, "truncate"), end = parameters.Text(2, "...");
  const int64_t length = parameters.Integer(0, 255), end_length = static_cast<int64_t>(CountChars(end));
  const int64_t leeway = parameters.Has(3) && !parameters[3].IsNone() ? parameters.Integer(3, 5) : 5;
  if (length < end_length) throw Failure("truncate: expected a length of at least {}, got {}", end_length, length);
  if (leeway < 0) throw Failure("truncate: expected a leeway of at least 0, got {}", leeway);
  if (leeway > INT64_MAX - length || Length(interpreter, value) <= length + leeway) return value;
  std::string_view kept = text.substr(0, OffsetOfChar(text, static_cast<size_t>(length - end_length)));
  if (!parameters.Truth(1, false)) {
    const size_t space = kept.rfind(' ');
    if (space != std::string_view::npos) kept = kept.substr(0, space);
  }
  return NewString(heap, std::string(kept) + std::string(end), value.markup());
}

bool IsWrapSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A line cut into words and spaces; words are also cut behind hyphens between letters, as Python's textwrap does.
std::vector<std::string_view> Chunks(std::string_view line, bool hyphens) {
  std::vector<std::string_view> chunks;
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    const bool space = IsWrapSpace(line[at]);
    while (end < line.size() && IsWrapSpace(line[end]) == space) ++end;
    const std::string_view word = line.substr(at, end - at);
    at = end;
    size_t begin = 0;
    const auto letter = [&](size_t i) {
      if (i >= word.size() || (static_cast<unsigned char>(word[i]) & 0xC0) == 0x80) return false;
      return IsAlpha(ReadCodePoint(word, i).value);
    };
    const auto letter_before = [&](size_t i) { return i > 0 && IsAlpha(ReadCodePointBefore(word, i).value); };
    for (size_t i = 0; hyphens && !space && i < word.size(); ++i) {
      if (word[i] != '-' || i - begin < 2 || !letter_before(i) || !letter(i + 1)) continue;
      const size_t previous = i - ReadCodePointBefore(word, i).bytes;
      const size_t after = i + 1 + ReadCodePoint(word, i + 1).bytes;
      const bool second = letter(after) || (after < word.size() && word[after] == '-');
      if (!letter_before(previous) && !(previous > 0 && word[previous - 1] == '-')) continue;
      if (!second) continue;
      chunks.push_back(word.substr(begin, i + 1 - begin));
      begin = i + 1;
    }
    chunks.push_back(word.substr(begin));
  }
  return chunks;
}

std::vector<std::string> WrapLine(std::string_view line, size_t width, bool break_words, bool hyphens) {
  std::vector<std::string_view> chunks = Chunks(line, hyphens);
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  const auto is_space = [](std::string_view chunk) { return Strip(chunk).empty(); };
  while (!chunks.empty()) {
    std::vector<std::string_view> current;
    size_t length = 0;
    if (!lines.empty() && is_space(chunks.back())) chunks.pop_back();
    while (!chunks.empty() && length + CountChars(chunks.back()) <= width) {
      length += CountChars(chunks.back());
      current.push_back(chunks.back());
      chunks.pop_back();
    }
    if (!chunks.empty() && CountChars(chunks.back()) > width) {
      std::string_view& chunk = chunks.back();
      if (break_words) {
        const size_t cut = OffsetOfChar(chunk, width - length);
        if (cut > 0) current.push_back(chunk.substr(0, cut));
        chunk.remove_prefix(cut);
      } else if (current.empty()) {
        current.push_back(chunk);
        chunks.pop_back();
      }
    }
    if (!current.empty() && is_space(current.back())) current.pop_back();
    if (current.empty()) continue;
    std::string& text = lines.emplace_back();
    for (const std::string_view chunk : current) text += chunk;
  }
  return lines;
}

Value WordWrap(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "wordwrap", {"width", "break_long_words", "wrapstring", "break_on_hyphens"},
                              0);
  Heap& heap = interpreter.heap();
  const std::string_view text = TextOf(value, "wordwrap");
  const int64_t width = parameters.Integer(0, 79);
  if (width <= 0) throw Failure("invalid width {} (must be > 0)", width);
  const std::string_view separator =
      parameters.Has(2) && !parameters[2].IsNone() ? parameters.Text(2, "\n") : std::string_view("\n");
  heap.StepBytes(64 * text.size());
  heap.Check(text.size(), 4 * sizeof(std::string_view));
  heap.Check(text.size() + 1, separator.size());
  std::string out;
  bool first_line = true;
  for (const std::string_view line : SplitLines(text, false)) {
    if (!first_line) out += separator;
    first_line = false;
    bool first = true;
    for (const std::string& wrapped :
         WrapLine(line, static_cast<size_t>(width), parameters.Truth(1, true), parameters.Truth(3, true))) {
      if (!first) out += separator;
      first = false;
      out += wrapped;
    }
  }
  return NewString(heap, std::move(out));
}

Value WordCount(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  RefuseArguments(arguments, "wordcount");
  const Value text = StrValue(interpreter.heap(), value);
  interpreter.heap().StepBytes(16 * text.text().size());
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.text().size();) {
    const CodePoint c = ReadCodePoint(text.text(), at);
    const bool word = IsAlpha(c.value) || IsNumeric(c.value) || c.value == '_';
    words += word && !inside ? 1 : 0;
    inside = word;
    at += c.bytes;
  }
  return Value(words);
}

Value FileSizeFormat(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Parameters parameters(arguments, "filesizeformat", {"binary"}, 0);
  const Value number = ApplyFilter(interpreter, "float", value, {});
  const bool binary = parameters.Truth(0, false);
  const double base = binary ? 1024 : 1000, bytes = number.number();
  if (bytes == 1) return NewString(interpreter.heap(), "1 Byte");
  if (bytes < base) return NewString(interpreter.heap(), fmt::format("{} Bytes", static_cast<int64_t>(bytes)));
  double unit = base;
  std::string_view prefixes = "kMGTPEZY";
  while (prefixes.size() > 1 && bytes >= unit * base) {
    unit *= base;
    prefixes.remove_prefix(1);
  }
  const std::string prefix =
      binary ? fmt::format("{}iB", prefixes[0] == 'k' ? 'K' : prefixes[0]) : fmt::format("{}B", prefixes[0]);
  return NewString(interpreter.heap(), fmt::format("{:.1f} {}", base * bytes / (unit * base), prefix));
}

constexpr NamedFilter kFilters[] = {{"center", Center},     {"filesizeformat", FileSizeFormat}, {"indent", Indent},
                                    {"truncate", Truncate}, {"wordcount", WordCount},           {"wordwrap", WordWrap}};

}  // namespace

std::span<const NamedFilter> LayoutFilters() { return kFilters; }

}  // namespace spate::jinja
