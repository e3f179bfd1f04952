#include "tokenizer/jinja/filters.h"

#include <algorithm>

#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {
namespace {

Filter FindFilter(std::string_view name) {
  for (const std::span<const NamedFilter> part :
       {TextFilters(), LayoutFilters(), SequenceFilters(), SelectFilters(), ValueFilters()}) {
    const auto found =
        std::find_if(part.begin(), part.end(), [&](const NamedFilter& filter) { return filter.name == name; });
    if (found != part.end()) return found->code;
  }
  return nullptr;
}

}  // namespace

bool FilterExists(std::string_view name) { return FindFilter(name) != nullptr; }

Value ApplyFilter(Interpreter& interpreter, std::string_view name, const Value& value, const Arguments& arguments) {
  const Filter filter = FindFilter(name);
  if (filter == nullptr) throw Failure("there is no filter '{}'", name);
  interpreter.heap().Step();
  return filter(interpreter, value, arguments);
}

Value ReplaceText(Interpreter& interpreter, const Value& text, const Value& old, const Value& with, int64_t count) {
  Heap& heap = interpreter.heap();
  for (const Value* part : {&old, &with}) {
    if (!part->IsString()) throw Failure("replace() argument must be str, not {}", TypeName(*part));
  }
  const std::string replacement = text.markup() ? EscapedText(heap, with) : std::string(with.text());
  heap.StepBytes(2 * text.text().size());
  size_t most = replacement.empty() ? SIZE_MAX : kMaxBytes / replacement.size() + 1;  // already too many
  if (count >= 0) most = std::min(most, static_cast<size_t>(count));
  heap.Check(CountParts(text.text(), old.text(), most), replacement.size());
  return NewString(heap, Replace(text.text(), old.text(), replacement, count), text.markup());
}

std::string EscapedText(Heap& heap, const Value& value) {
  if (value.IsString() && value.markup()) return std::string(value.text());
  const std::string text = Str(heap, value);
  heap.Check(5 * text.size());
  return EscapeHtml(text);
}

Value IgnoreCase(Heap& heap, const Value& value) {
  if (!value.IsString()) return value;
  heap.StepBytes(8 * value.text().size());
  return NewString(heap, Lower(value.text()), value.markup());
}

}  // namespace spate::jinja
