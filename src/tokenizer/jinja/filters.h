// Jinja2's filters, with the `tojson` of Hugging Face: `x | name(...)`. Tables without state.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

// A filter is a function whose `self` is what stands before the bar.
using Filter = Function::Code;

bool FilterExists(std::string_view name);
Value ApplyFilter(Interpreter& interpreter, std::string_view name, const Value& value, const Arguments& arguments);

struct NamedFilter {
  std::string_view name;
  Filter code;
};

// The table's parts.
std::span<const NamedFilter> TextFilters();
std::span<const NamedFilter> LayoutFilters();    // center, indent, truncate, wordwrap, ...
std::span<const NamedFilter> SequenceFilters();  // list, join, first, sort, ...
std::span<const NamedFilter> SelectFilters();    // map, select, reject, ...
std::span<const NamedFilter> ValueFilters();     // default, int, round, tojson, ...

// str.replace, also with strings that count as HTML.
Value ReplaceText(Interpreter& interpreter, const Value& text, const Value& old, const Value& with, int64_t count);
std::string EscapedText(Heap& heap, const Value& value);  // str(value), as HTML unless it is that already
Value IgnoreCase(Heap& heap, const Value& value);         // strings in small letters, others as they are

}  // namespace spate::jinja
