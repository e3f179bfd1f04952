#include "checkpoint/pickle.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/byte_cursor.h"

namespace spate {
namespace {

// About twenty values describe a tensor, and files hold up to some ten thousand of them.
constexpr size_t kMaxBytes = size_t{32} << 20;
constexpr size_t kMaxValues = size_t{1} << 20;
// Beside what a pickle's length allows: a value of a saved tensor takes more bytes than that.
constexpr size_t kFreeStack = size_t{1} << 13;
constexpr size_t kBytesPerStacked = 16;
constexpr size_t kMaxMarks = 64;  // lists and dicts being filled, one within another
constexpr size_t kMaxShown = 100;
constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// Opcodes as Lib/pickle.py names them.
enum Op : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNoneValue = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobalName = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kInst = 'i',
  kLongBinGet = 'j',
  kObj = 'o',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTupleOfMark = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kProto = 0x80,
  kNewObj = 0x81,
  kExt1 = 0x82,
  kExt2 = 0x83,
  kExt4 = 0x84,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kNewObjEx = 0x92,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::string_view what, std::span<const std::string_view> allowed)
      : cursor_(bytes, what),
        what_(what),
        allowed_(allowed),
        max_stack_(kFreeStack + bytes.size() / kBytesPerStacked) {}

  Pickle Run() {
    while (true) {
      const auto op = cursor_.Take<uint8_t>();
      if (op == kStop) break;
      if (!Data(op) && !Container(op) && !Memo(op) && !Code(op)) {
        Fail("opcode 0x{:02x} is none that saved tensors need; save them again as safetensors", op);
      }
    }
    pickle_.root = Pop();
    return std::move(pickle_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kBadInput, "{}: byte {}: {}", what_, cursor_.at(),
                fmt::format(format, std::forward<Args>(args)...));
  }

  // --- values and the stack ---
  uint32_t New(PickleValue value) {
    if (pickle_.values.size() >= kMaxValues) Fail("more than {} values", kMaxValues);
    pickle_.values.push_back(std::move(value));
    return static_cast<uint32_t>(pickle_.values.size() - 1);
  }
  void Push(uint32_t index) {
    if (stack_.size() >= max_stack_) Fail("more than {} values on the stack", max_stack_);
    stack_.push_back(index);
  }
  void PushNew(PickleValue value) { Push(New(std::move(value))); }
  size_t Bottom() const { return marks_.empty() ? 0 : marks_.back(); }  // nothing below is taken but by its mark
  uint32_t Top() const {
    if (stack_.size() <= Bottom()) Fail("a value is missing on the stack");
    return stack_.back();
  }
  uint32_t Pop() {
    const uint32_t top = Top();
    stack_.pop_back();
    return top;
  }
  std::vector<uint32_t> PopToMark() {
    if (marks_.empty()) Fail("a mark is missing on the stack");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<uint32_t> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  PickleValue& Growing(uint32_t index, PickleKind kind, const char* name) {
    PickleValue& value = pickle_.values[index];
    if (value.kind != kind) Fail("expected a {} to add to", name);
    return value;
  }
  void PushString(uint64_t bytes) {
    const std::string_view text = cursor_.TakeText(bytes);
    if (!IsValidUtf8(text)) Fail("a string is not valid UTF-8");
    PushNew({.kind = PickleKind::kString, .text = text});
  }
  void PushInt(int64_t value) { PushNew({.kind = PickleKind::kInt, .integer = value}); }
  void PushBool(bool value) { PushNew({.kind = PickleKind::kBool, .integer = value ? 1 : 0}); }

  int64_t TakeLong() {
    const std::span<const std::byte> digits = cursor_.TakeBytes(cursor_.Take<uint8_t>());
    if (digits.size() > sizeof(int64_t)) Fail("an integer of {} bytes", digits.size());
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size(); ++i) value |= std::to_integer<uint64_t>(digits[i]) << (8 * i);
    const bool negative = !digits.empty() && (digits.back() & std::byte{0x80}) != std::byte{0};
    if (negative && digits.size() < sizeof value) value |= ~uint64_t{0} << (8 * digits.size());
    return static_cast<int64_t>(value);
  }

  // --- opcodes; false: not one of these ---
  bool Data(uint8_t op) {
    switch (op) {
      case kProto:
        if (const auto version = cursor_.Take<uint8_t>(); version < 2 || version > 5) {
          Fail("pickle protocol {}, expected 2 to 5", version);
        }
        return true;
      case kFrame:
        cursor_.TakeBytes(8);  // a hint for readers of streams
        return true;
      case kNoneValue:
        PushNew({});
        return true;
      case kNewTrue:
      case kNewFalse:
        PushBool(op == kNewTrue);
        return true;
      case kBinInt:
        PushInt(cursor_.Take<int32_t>());
        return true;
      case kBinInt1:
        PushInt(cursor_.Take<uint8_t>());
        return true;
      case kBinInt2:
        PushInt(cursor_.Take<uint16_t>());
        return true;
      case kLong1:
        PushInt(TakeLong());
        return true;
      case kBinFloat:
        cursor_.TakeBytes(8);  // nothing that is read is a fraction
        PushNew({.kind = PickleKind::kFloat});
        return true;
      case kBinUnicode:
        PushString(cursor_.Take<uint32_t>());
        return true;
      case kShortBinUnicode:
        PushString(cursor_.Take<uint8_t>());
        return true;
      case kBinUnicode8:
        PushString(cursor_.Take<uint64_t>());
        return true;
      default:
        return false;
    }
  }

  bool Container(uint8_t op) {
    switch (op) {
      case kMark:
        if (marks_.size() >= kMaxMarks) Fail("lists and dicts more than {} deep", kMaxMarks);
        marks_.push_back(stack_.size());
        return true;
      case kEmptyTuple:
      case kEmptyList:
      case kEmptyDict:
        PushNew({.kind = op == kEmptyTuple  ? PickleKind::kTuple
                         : op == kEmptyList ? PickleKind::kList
                                            : PickleKind::kDict});
        return true;
      case kTuple1:
      case kTuple2:
      case kTuple3: {
        PickleValue tuple{.kind = PickleKind::kTuple};
        for (int i = kTuple1; i <= op; ++i) tuple.items.push_back(Pop());
        std::reverse(tuple.items.begin(), tuple.items.end());
        PushNew(std::move(tuple));
        return true;
      }
      case kTupleOfMark:
        PushNew({.kind = PickleKind::kTuple, .items = PopToMark()});
        return true;
      case kAppend: {
        const uint32_t item = Pop();
        Growing(Top(), PickleKind::kList, "list").items.push_back(item);
        return true;
      }
      case kAppends: {
        const std::vector<uint32_t> items = PopToMark();
        std::vector<uint32_t>& list = Growing(Top(), PickleKind::kList, "list").items;
        list.insert(list.end(), items.begin(), items.end());
        return true;
      }
      case kSetItem: {
        const uint32_t value = Pop(), key = Pop();
        std::vector<uint32_t>& dict = Growing(Top(), PickleKind::kDict, "dict").items;
        dict.push_back(key);
        dict.push_back(value);
        return true;
      }
      case kSetItems: {
        const std::vector<uint32_t> items = PopToMark();
        if (items.size() % 2 != 0) Fail("a dict's key without a value");
        std::vector<uint32_t>& dict = Growing(Top(), PickleKind::kDict, "dict").items;
        dict.insert(dict.end(), items.begin(), items.end());
        return true;
      }
      default:
        return false;
    }
  }

  bool Memo(uint8_t op) {
    switch (op) {
      case kPop:
        Pop();
        return true;
      case kPopMark:
        PopToMark();
        return true;
      case kDup:
        Push(Top());
        return true;
      case kBinPut:
        memo_[cursor_.Take<uint8_t>()] = Top();
        return true;
      case kLongBinPut:
        memo_[cursor_.Take<uint32_t>()] = Top();
        return true;
      case kMemoize:
        memo_[static_cast<uint32_t>(memo_.size())] = Top();
        return true;
      case kBinGet:
        Recall(cursor_.Take<uint8_t>());
        return true;
      case kLongBinGet:
        Recall(cursor_.Take<uint32_t>());
        return true;
      default:
        return false;
    }
  }
  void Recall(uint32_t number) {
    const auto it = memo_.find(number);
    if (it == memo_.end()) Fail("memo {} was never set", number);
    Push(it->second);
  }

  // What would call something if this were Python.
  bool Code(uint8_t op) {
    switch (op) {
      case kGlobalName: {
        const std::string_view module = TakeLine();
        PushGlobal(module, TakeLine());
        return true;
      }
      case kStackGlobal: {
        const PickleValue &name = pickle_.values[Pop()], &module = pickle_.values[Pop()];
        if (name.kind != PickleKind::kString || module.kind != PickleKind::kString) Fail("a global without a name");
        PushGlobal(module.text, name.text);
        return true;
      }
      case kBinPersId:
        PushNew({.kind = PickleKind::kPersistent, .items = {Pop()}});
        return true;
      case kReduce:
        Call();
        return true;
      case kBuild: {
        // torch.nn.Module.state_dict() returns an OrderedDict with an attribute, _metadata: versions of modules.
        const uint32_t state = Pop();
        if (pickle_.values[Top()].kind != PickleKind::kDict || pickle_.values[state].kind != PickleKind::kDict) {
          Fail("sets the state of an object, which would run code; only tensors are read");
        }
        return true;
      }
      case kInst:
      case kObj:
      case kNewObj:
      case kNewObjEx:
      case kExt1:
      case kExt2:
      case kExt4:
        Fail("makes an object of a class, which would run code; only tensors are read");
      default:
        return false;
    }
  }
  std::string_view TakeLine() {
    constexpr size_t kMaxLine = 1000;
    std::string_view line;
    while (line.size() < kMaxLine) {
      const std::string_view next = cursor_.TakeText(1);
      if (next == "\n") return line;
      line = {line.empty() ? next.data() : line.data(), line.size() + 1};
    }
    Fail("a name of more than {} bytes", kMaxLine);
  }
  void PushGlobal(std::string_view module, std::string_view name) {
    const std::string full = fmt::format("{}.{}", module, name);
    const auto it = std::find(allowed_.begin(), allowed_.end(), full);
    if (it == allowed_.end()) {
      Fail("names {}, which would run code: only plain tensors are read; save them again as safetensors",
           OneLine(full, kMaxShown));
    }
    PushNew({.kind = PickleKind::kGlobal, .text = *it});
  }
  void Call() {
    const uint32_t arguments = Pop(), callee = Pop();
    if (pickle_.values[callee].kind != PickleKind::kGlobal || pickle_.values[arguments].kind != PickleKind::kTuple) {
      Fail("calls something that is no function");
    }
    if (pickle_.values[callee].text != kOrderedDict) {
      PushNew({.kind = PickleKind::kCall, .items = {callee, arguments}});
      return;
    }
    if (!pickle_.values[arguments].items.empty()) Fail("an OrderedDict made of something, expected an empty one");
    PushNew({.kind = PickleKind::kDict});  // SETITEMS fills it
  }

  ByteCursor cursor_;
  std::string_view what_;
  std::span<const std::string_view> allowed_;
  Pickle pickle_;
  const size_t max_stack_;
  std::vector<uint32_t> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, uint32_t> memo_;
};

}  // namespace

Pickle ParsePickle(std::span<const std::byte> bytes, std::string_view what, std::span<const std::string_view> allowed) {
  if (bytes.size() > kMaxBytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} bytes describe the tensors, at most {} are read", what, bytes.size(),
                kMaxBytes);
  }
  return Machine(bytes, what, allowed).Run();
}

}  // namespace spate
