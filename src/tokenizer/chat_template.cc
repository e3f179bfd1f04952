#include "tokenizer/chat_template.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/jinja/interpreter.h"
#include "tokenizer/jinja/parser.h"

namespace spate {
namespace {

using jinja::Failure;
using jinja::Heap;
using jinja::Value;

constexpr size_t kReasonBytes = 300;
constexpr int kMaxDepth = 100;  // of the data: printing it takes another level for each

[[noreturn]] void Throw(std::string_view name, int line, const Failure& failure) {
  throw Error(ErrorCode::kBadInput, "{}: line {}: {}", name, line, OneLine(failure.what(), kReasonBytes));
}

Value ToValue(Heap& heap, const nlohmann::ordered_json& json, int depth) {
  using Type = nlohmann::ordered_json::value_t;
  if (depth > kMaxDepth) throw Failure("the data is nested deeper than {} levels", kMaxDepth);
  heap.Step();
  switch (json.type()) {
    case Type::boolean:
      return Value(json.get<bool>());
    case Type::number_integer:
      return Value(json.get<int64_t>());
    case Type::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) throw Failure("an integer does not fit 64 bits");
      return Value(json.get<int64_t>());
    case Type::number_float:
      return Value(json.get<double>());
    case Type::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (!IsValidUtf8(text)) throw Failure("a string of the data is no valid UTF-8");
      return NewString(heap, std::string_view(text));
    }
    case Type::array: {
      heap.Check(json.size(), sizeof(Value));
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(ToValue(heap, item, depth + 1));
      return NewList(heap, std::move(items));
    }
    case Type::object: {
      auto* dict = heap.New<jinja::Dict>();
      for (const auto& [key, item] : json.items()) {
        if (!IsValidUtf8(key)) throw Failure("a key of the data is no valid UTF-8");
        dict->Set(heap, NewString(heap, std::string_view(key)), ToValue(heap, item, depth + 1));
      }
      return {jinja::Kind::kDict, dict};
    }
    default:
      return Value::None();
  }
}

// What the template is given. Names that come from outside may not take the place of the conversation.
jinja::Dict* MakeContext(Heap& heap, const ChatRequest& request, const std::map<std::string, std::string>& tokens) {
  auto* context = heap.New<jinja::Dict>();
  const auto set = [&](std::string_view name, Value value) {
    context->Set(heap, NewString(heap, name), std::move(value));
  };
  for (const auto& [name, text] : tokens) set(name, NewString(heap, std::string_view(text)));
  if (!request.variables.is_null()) {
    if (!request.variables.is_object()) throw Failure("the template's variables are not an object");
    for (const auto& [name, value] : request.variables.items()) {
      for (const std::string_view taken : {"messages", "tools", "documents", "add_generation_prompt"}) {
        if (name == taken) throw Failure("the variable '{}' is part of the request itself", name);
      }
      set(name, ToValue(heap, value, 0));
    }
  }
  if (!request.messages.is_array()) throw Failure("the messages are not a list");
  for (const auto& message : request.messages) {
    if (!message.is_object()) throw Failure("a message is not an object");
  }
  set("messages", ToValue(heap, request.messages, 0));
  set("tools", ToValue(heap, request.tools, 0));
  set("documents", ToValue(heap, request.documents, 0));
  set("add_generation_prompt", Value(request.add_generation_prompt));
  return context;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string_view source, std::string_view name,
                           std::map<std::string, std::string> special_tokens)
    : source_(source), name_(OneLine(name, kReasonBytes)), special_tokens_(std::move(special_tokens)) {
  if (source.size() > jinja::kMaxSourceBytes) {
    throw Error(ErrorCode::kBadInput, "{}: a template of {} bytes, at most {} are read", name_, source.size(),
                jinja::kMaxSourceBytes);
  }
  if (const size_t valid = ValidUtf8Prefix(source); valid != source.size()) {
    throw Error(ErrorCode::kBadInput, "{}: invalid UTF-8 at byte {}", name_, valid);
  }
  try {
    program_ = jinja::Parse(source);
  } catch (const Failure& failure) {
    Throw(name_, failure.line == 0 ? 1 : failure.line, failure);
  }
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::string ChatTemplate::Render(const ChatRequest& request) const {
  Heap heap;
  const jinja::Dict* context = nullptr;
  try {
    context = MakeContext(heap, request, special_tokens_);
  } catch (const Failure& failure) {
    throw Error(ErrorCode::kBadInput, "{}: {}", name_, OneLine(failure.what(), kReasonBytes));
  }
  jinja::Interpreter interpreter(*program_, heap, *context, request.now);
  try {
    return interpreter.Run();
  } catch (const Failure& failure) {
    Throw(name_, failure.line == 0 ? interpreter.line() : failure.line, failure);
  }
}

}  // namespace spate
