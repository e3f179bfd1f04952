#include "tokenizer/jinja/json_text.h"

#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  void Write(const Value& value, int depth) {
    if (depth > kMaxDataDepth) throw Failure("values are nested deeper than {} levels", kMaxDataDepth);
    switch (value.kind()) {
      case Kind::kNone:
      case Kind::kBool:
      case Kind::kInt:
      case Kind::kFloat:
        return Add(Scalar(value));
      case Kind::kString:
        return Text(value.text());
      case Kind::kList:
      case Kind::kTuple:
        return Items(value.sequence().items, depth);
      case Kind::kDict:
        return Entries(value.dict(), depth);
      default:
        throw Failure("Object of type {} is not JSON serializable", TypeName(value));
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void Add(std::string_view text) { heap_.Append(out_, text); }

  static std::string Scalar(const Value& value) {
    switch (value.kind()) {
      case Kind::kNone:
        return "null";
      case Kind::kBool:
        return value.boolean() ? "true" : "false";
      case Kind::kInt:
        return std::to_string(value.integer());
      default:
        if (std::isnan(value.number())) return "NaN";
        if (std::isinf(value.number())) return value.number() < 0 ? "-Infinity" : "Infinity";
        return ReprFloat(value.number());
    }
  }

  void Text(std::string_view text) {
    heap_.Check(out_.size() + 6 * text.size());
    heap_.StepBytes(4 * text.size());
    out_ += '"';
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = ReadCodePoint(text, at);
      Character(c.value, text.substr(at, c.bytes));
      at += c.bytes;
    }
    out_ += '"';
  }

  void Character(uint32_t c, std::string_view bytes) {
    constexpr std::string_view kPlain = "\"\\\n\r\t\b\f", kEscaped = "\"\\nrtbf";
    if (const size_t at = c < 0x80 ? kPlain.find(static_cast<char>(c)) : std::string_view::npos;
        at != std::string_view::npos) {
      out_ += '\\';
      out_ += kEscaped[at];
    } else if (c >= 0x10000 && style_.ascii) {
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
    } else if (c < 0x20 || (style_.ascii && c > 0x7E)) {
      out_ += fmt::format("\\u{:04x}", c);
    } else {
      out_ += bytes;
    }
  }

  void NewLine(int depth) {
    if (!style_.indent) return;
    heap_.Check(static_cast<size_t>(depth), style_.indent->size());
    out_ += '\n';
    for (int i = 0; i < depth; ++i) Add(*style_.indent);
  }

  void Items(const std::vector<Value>& items, int depth) {
    if (items.empty()) return Add("[]");
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) Add(style_.item_separator);
      NewLine(depth + 1);
      Write(items[i], depth + 1);
    }
    NewLine(depth);
    out_ += ']';
  }

  void Key(const Value& key) {
    if (key.IsString()) return Text(key.text());
    if (!key.IsNone() && !key.IsNumber()) {
      throw Failure("keys must be str, int, float, bool or None, not {}", TypeName(key));
    }
    Text(Scalar(key));
  }

  void Entries(const Dict& dict, int depth) {
    if (dict.entries().empty()) return Add("{}");
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto* a, const auto* b) { return Compare(heap_, a->first, b->first, "<") < 0; });
    }
    out_ += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) Add(style_.item_separator);
      NewLine(depth + 1);
      Key(entries[i]->first);
      Add(style_.key_separator);
      Write(entries[i]->second, depth + 1);
    }
    NewLine(depth);
    out_ += '}';
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

std::string JsonText(Heap& heap, const Value& value, const JsonStyle& style) {
  JsonWriter writer(heap, style);
  writer.Write(value, 0);
  return writer.Take();
}

}  // namespace spate::jinja
