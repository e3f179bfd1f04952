#include "tokenizer/jinja/value.h"

#include <algorithm>

#include "tokenizer/jinja/operators.h"

namespace spate::jinja {
namespace {

constexpr size_t kSmallDict = 8;  // entries that are compared one by one

Value NewSequence(Heap& heap, Kind kind, std::vector<Value> items) {
  heap.Charge(items.capacity() * sizeof(Value));
  auto* sequence = heap.New<Sequence>();
  sequence->items = std::move(items);
  return {kind, sequence};
}

}  // namespace

Text* Heap::NewText(std::string bytes) {
  Charge(sizeof(Text) + bytes.capacity());
  auto text = std::make_unique<Text>();
  text->ascii = std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  text->bytes = std::move(bytes);
  text->heap = this;
  return text.release();
}

void Heap::Free(Text* text) {
  Refund(sizeof(Text) + text->bytes.capacity());
  delete text;
}

Value NewString(Heap& heap, std::string bytes, bool markup) {
  heap.StepBytes(bytes.size());
  return {Kind::kString, heap.NewText(std::move(bytes)), markup};
}

Value NewString(Heap& heap, std::string_view bytes, bool markup) {
  heap.Check(bytes.size());
  return NewString(heap, std::string(bytes), markup);
}

Value NewString(Heap& heap, const char* bytes) { return NewString(heap, std::string(bytes)); }

Value NewUndefined(Heap& heap, std::string hint) { return {Kind::kUndefined, heap.NewText(std::move(hint))}; }

Value NewList(Heap& heap, std::vector<Value> items) { return NewSequence(heap, Kind::kList, std::move(items)); }
Value NewTuple(Heap& heap, std::vector<Value> items) { return NewSequence(heap, Kind::kTuple, std::move(items)); }

template <typename Matches>
const std::pair<Value, Value>* Dict::FindEntry(Heap& heap, uint64_t hash, Matches matches) const {
  if (index_.empty()) {
    for (const auto& entry : entries_) {
      if (matches(entry.first)) return &entry;
    }
    return nullptr;
  }
  const auto [begin, end] = index_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    heap.Step();
    if (matches(entries_[at->second].first)) return &entries_[at->second];
  }
  return nullptr;
}

const Value* Dict::Find(Heap& heap, const Value& key) const {
  const uint64_t hash = Hash(heap, key);
  const auto* entry = FindEntry(heap, hash, [&](const Value& other) { return Equal(heap, key, other); });
  return entry == nullptr ? nullptr : &entry->second;
}

const Value* Dict::Find(Heap& heap, std::string_view key) const {
  const auto* entry = FindEntry(heap, index_.empty() ? 0 : HashText(key),
                                [&](const Value& other) { return other.IsString() && other.text() == key; });
  return entry == nullptr ? nullptr : &entry->second;
}

void Dict::Set(Heap& heap, Value key, Value value) {
  const uint64_t hash = Hash(heap, key);
  if (const auto* entry = FindEntry(heap, hash, [&](const Value& other) { return Equal(heap, key, other); })) {
    entries_[static_cast<size_t>(entry - entries_.data())].second = std::move(value);
    return;
  }
  heap.Charge(4 * sizeof(Value) + 6 * sizeof(void*));  // room to grow and the index
  entries_.emplace_back(std::move(key), std::move(value));
  if (!index_.empty()) {
    index_.emplace(hash, static_cast<uint32_t>(entries_.size() - 1));
  } else if (entries_.size() > kSmallDict) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      index_.emplace(Hash(heap, entries_[i].first), static_cast<uint32_t>(i));
    }
  }
}

std::string_view TypeName(const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return value.markup() ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kDictView:
      return "dict view";
    case Kind::kRange:
      return "range";
    case Kind::kIterator:
      return "generator";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kMacro:
      return "Macro";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kFunction:
      return "function";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
    case Kind::kDictType:
      return "type";
  }
  return "object";
}

}  // namespace spate::jinja
