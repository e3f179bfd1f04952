#include "tokenizer/jinja/pretty.h"

#include <algorithm>

#include "tokenizer/jinja/operators.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {
namespace {

constexpr size_t kWidth = 80;

class PrettyPrinter {
 public:
  explicit PrettyPrinter(Heap& heap) : heap_(heap) {}

  // `column`: where the value starts; `allowance`: characters that follow on its last line.
  std::string Format(const Value& value, size_t column, size_t allowance, int depth) {
    if (depth > kMaxDataDepth) throw Failure("values are nested deeper than {} levels", kMaxDataDepth);
    const Value sorted = Sorted(value, depth);
    std::string flat = Repr(heap_, sorted);
    if (column + CountChars(flat) + allowance <= kWidth) return flat;
    switch (sorted.kind()) {
      case Kind::kDict:
        return Entries(sorted.dict(), column, allowance, depth);
      case Kind::kList:
        return Items(sorted.sequence().items, '[', "]", column, allowance, depth);
      case Kind::kTuple: {
        const std::vector<Value>& items = sorted.sequence().items;
        return Items(items, '(', items.size() == 1 ? ",)" : ")", column, allowance, depth);
      }
      case Kind::kString:
        throw Failure("pprint: a string is longer than its line, which is not supported");
      default:
        return flat;
    }
  }

 private:
  // Dictionaries are printed by their sorted keys, in every depth.
  Value Sorted(const Value& value, int depth) {
    if (depth > kMaxDataDepth) throw Failure("values are nested deeper than {} levels", kMaxDataDepth);
    heap_.Step();
    if (value.IsSequence()) {
      std::vector<Value> items;
      for (const Value& item : value.sequence().items) items.push_back(Sorted(item, depth + 1));
      return value.Is(Kind::kList) ? NewList(heap_, std::move(items)) : NewTuple(heap_, std::move(items));
    }
    if (!value.Is(Kind::kDict)) return value;
    std::vector<std::pair<Value, Value>> entries = value.dict().entries();
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const auto& a, const auto& b) { return Compare(heap_, a.first, b.first, "<") == -1; });
    auto* dict = heap_.New<Dict>();
    for (const auto& [key, item] : entries) dict->Set(heap_, key, Sorted(item, depth + 1));
    return {Kind::kDict, dict};
  }

  std::string Items(const std::vector<Value>& items, char open, std::string_view close, size_t column, size_t allowance,
                    int depth) {
    std::string out(1, open);
    for (size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      out += Format(items[i], column + 1, last ? allowance + close.size() : 1, depth + 1);
      if (!last) out += ",\n" + std::string(column + 1, ' ');
      heap_.Check(out.size());
    }
    return out += close;
  }

  std::string Entries(const Dict& dict, size_t column, size_t allowance, int depth) {
    std::string out = "{";
    for (size_t i = 0; i < dict.entries().size(); ++i) {
      const auto& [key, item] = dict.entries()[i];
      const bool last = i + 1 == dict.entries().size();
      const std::string name = Repr(heap_, key) + ": ";
      out += name + Format(item, column + 1 + CountChars(name), last ? allowance + 1 : 1, depth + 1);
      if (!last) out += ",\n" + std::string(column + 1, ' ');
      heap_.Check(out.size());
    }
    return out += "}";
  }

  Heap& heap_;
};

}  // namespace

std::string PrettyText(Heap& heap, const Value& value) { return PrettyPrinter(heap).Format(value, 0, 0, 0); }

}  // namespace spate::jinja
