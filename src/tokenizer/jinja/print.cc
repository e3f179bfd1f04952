#include "tokenizer/jinja/print.h"

#include <charconv>
#include <cmath>

#include "tokenizer/jinja/macro.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {
namespace {

class Printer {
 public:
  explicit Printer(Heap& heap) : heap_(heap) {}

  void Repr(const Value& value, int depth) {
    if (depth > kMaxDataDepth) throw Failure("values are nested deeper than {} levels", kMaxDataDepth);
    switch (value.kind()) {
      case Kind::kMissing:
      case Kind::kUndefined:
        return Add("Undefined");
      case Kind::kNone:
        return Add("None");
      case Kind::kBool:
        return Add(value.boolean() ? "True" : "False");
      case Kind::kInt:
        return Add(std::to_string(value.integer()));
      case Kind::kFloat:
        return Add(ReprFloat(value.number()));
      case Kind::kString:
        heap_.StepBytes(4 * value.text().size());
        return Add(value.markup() ? "Markup(" + ReprText(value.text()) + ")" : ReprText(value.text()));
      case Kind::kList:
        return Items(value.sequence().items, '[', ']', depth);
      case Kind::kTuple:
        return Items(value.sequence().items, '(', ')', depth);
      case Kind::kDict:
        return Entries(value.dict(), depth);
      case Kind::kDictView:
        return View(*static_cast<const DictView*>(value.object()), depth);
      case Kind::kRange: {
        const auto& range = *static_cast<const Range*>(value.object());
        Add(fmt::format("range({}, {}", range.start, range.stop));
        if (range.step != 1) Add(fmt::format(", {}", range.step));
        return Add(")");
      }
      case Kind::kNamespace:
        Add("<Namespace ");
        Entries(*static_cast<const Namespace*>(value.object())->attributes, depth + 1);
        return Add(">");
      case Kind::kMacro: {
        const std::string_view name = static_cast<const Macro*>(value.object())->node->name;
        return Add(name.empty() ? std::string("<Macro anonymous>") : "<Macro " + ReprText(name) + ">");
      }
      default:  // Python prints an address
        throw Failure("a {} cannot be printed", TypeName(value));
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void Add(std::string_view text) { heap_.Append(out_, text); }

  void Items(const std::vector<Value>& items, char open, char close, int depth) {
    out_ += open;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) Add(", ");
      Repr(items[i], depth + 1);
    }
    if (open == '(' && items.size() == 1) out_ += ',';
    out_ += close;
  }

  void Entries(const Dict& dict, int depth) {
    out_ += '{';
    for (size_t i = 0; i < dict.entries().size(); ++i) {
      if (i > 0) Add(", ");
      Repr(dict.entries()[i].first, depth + 1);
      Add(": ");
      Repr(dict.entries()[i].second, depth + 1);
    }
    out_ += '}';
  }

  void View(const DictView& view, int depth) {
    constexpr std::string_view kNames[] = {"dict_keys([", "dict_values([", "dict_items(["};
    Add(kNames[view.what]);
    for (size_t i = 0; i < view.dict->entries().size(); ++i) {
      const auto& [key, value] = view.dict->entries()[i];
      if (i > 0) Add(", ");
      if (view.what == DictView::kItems) {
        out_ += '(';
        Repr(key, depth + 2);
        Add(", ");
        Repr(value, depth + 2);
        out_ += ')';
      } else {
        Repr(view.what == DictView::kKeys ? key : value, depth + 1);
      }
    }
    Add("])");
  }

  Heap& heap_;
  std::string out_;
};

}  // namespace

std::string ReprFloat(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto shortest = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(shortest.ptr - buffer));
  std::string out;
  if (text.starts_with('-')) {
    out = "-";
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (digits.size() > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string Repr(Heap& heap, const Value& value) {
  Printer printer(heap);
  printer.Repr(value, 0);
  return printer.Take();
}

std::string Str(Heap& heap, const Value& value) {
  if (value.IsString()) return std::string(value.text());
  if (value.IsUndefined()) return {};
  return Repr(heap, value);
}

Value StrValue(Heap& heap, const Value& value) {
  if (value.IsString() && !value.markup()) return value;
  return NewString(heap, Str(heap, value));
}

}  // namespace spate::jinja
