#include "checkpoint/torch_file.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/math_util.h"
#include "base/utf8.h"
#include "checkpoint/pickle.h"
#include "checkpoint/row_makers.h"
#include "checkpoint/zip_directory.h"

namespace spate {
namespace {

constexpr size_t kMaxRank = 8;
constexpr size_t kMaxShown = 80;
constexpr int kMaxNesting = 8;  // dicts around the one with the tensors

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array kStorages = {
    StorageType{"torch.FloatStorage", DType::kF32},     StorageType{"torch.HalfStorage", DType::kF16},
    StorageType{"torch.BFloat16Storage", DType::kBF16}, StorageType{"torch.DoubleStorage", DType::kF64},
    StorageType{"torch.LongStorage", DType::kI64},      StorageType{"torch.IntStorage", DType::kI32},
    StorageType{"torch.ShortStorage", DType::kI16},     StorageType{"torch.CharStorage", DType::kI8},
    StorageType{"torch.ByteStorage", DType::kU8},       StorageType{"torch.BoolStorage", DType::kBool},
};

// All that a pickle may name.
constexpr std::array kAllowed = [] {
  std::array<std::string_view, kStorages.size() + 4> names{"collections.OrderedDict", kRebuildTensor, kRebuildParameter,
                                                           "torch.Size"};
  for (size_t i = 0; i < kStorages.size(); ++i) names[i + 4] = kStorages[i].name;
  return names;
}();

template <typename... Args>
[[noreturn]] void Fail(std::string_view file, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kBadInput, "{}: {}", file, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void FailNotZip(std::span<const std::byte> bytes, std::string_view file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool pickle = text.starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  const bool tar = text.size() >= 262 && text.substr(257, 5) == "ustar";
  if (pickle || tar) {
    Fail(file,
         "saved in the form PyTorch had before 1.6, which is not read; with a current one: "
         "torch.save(torch.load(f, weights_only=True), f)");
  }
  if (text.starts_with("version https://git-lfs")) {
    Fail(file, "a Git LFS pointer, not the file itself; fetch it: git lfs pull");
  }
  Fail(file, "not a file of torch.save: expected a zip file");
}

// Reads tensors of one file.
class TorchReader {
 public:
  TorchReader(const ZipDirectory& zip, std::string_view prefix, const Pickle& pickle, std::string_view file)
      : zip_(zip), prefix_(prefix), pickle_(pickle), file_(file) {}

  FileTensors Read() {
    const std::vector<uint32_t>& items = TensorDict().items;
    for (size_t i = 0; i < items.size(); i += 2) {
      const PickleValue &key = pickle_[items[i]], *value = Tensor(items[i + 1]);
      if (value == nullptr) continue;
      if (key.kind != PickleKind::kString) Fail(file_, "data.pkl: a tensor whose name is no string");
      name_ = OneLine(key.text, kMaxShown);
      result_.tensors.insert_or_assign(std::string(key.text), Rebuild(*value));
    }
    return std::move(result_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void Bad(fmt::format_string<Args...> format, Args&&... args) const {
    Fail(file_, "tensor \"{}\": {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view Callee(const PickleValue& call) const { return pickle_[call.items[0]].text; }
  const std::vector<uint32_t>& Arguments(const PickleValue& call) const { return pickle_[call.items[1]].items; }

  // The call that makes a tensor, without the Parameter around it; null: some other value.
  const PickleValue* Tensor(uint32_t index) const {
    const PickleValue* value = &pickle_[index];
    if (value->kind == PickleKind::kCall && Callee(*value) == kRebuildParameter && !Arguments(*value).empty()) {
      value = &pickle_[Arguments(*value)[0]];
    }
    return value->kind == PickleKind::kCall && Callee(*value) == kRebuildTensor ? value : nullptr;
  }

  bool HoldsTensors(const PickleValue& dict) const {
    for (size_t i = 1; i < dict.items.size(); i += 2) {
      if (Tensor(dict.items[i]) != nullptr) return true;
    }
    return false;
  }

  // The dict with the tensors: the outermost one, and the only one that far in. An optimizer's lie deeper.
  const PickleValue& TensorDict() const {
    std::vector<uint32_t> level = {pickle_.root};
    std::set<uint32_t> seen = {pickle_.root};
    for (int depth = 0; depth < kMaxNesting && !level.empty(); ++depth) {
      const PickleValue* found = nullptr;
      std::vector<uint32_t> next;
      for (const uint32_t index : level) {
        const PickleValue& value = pickle_[index];
        if (value.kind != PickleKind::kDict) continue;
        if (HoldsTensors(value)) {
          if (found != nullptr) Fail(file_, "data.pkl: several dicts with tensors; save the model's alone");
          found = &value;
        }
        for (size_t i = 1; i < value.items.size(); i += 2) {
          if (seen.insert(value.items[i]).second) next.push_back(value.items[i]);
        }
      }
      if (found != nullptr) return *found;
      level = std::move(next);
    }
    Fail(file_, "data.pkl: no dict of tensors (a model's state_dict); is it the model's file?");
  }

  int64_t Count(uint32_t index, const char* what) const {
    const PickleValue& value = pickle_[index];
    if (value.kind != PickleKind::kInt || value.integer < 0) Bad("{}: expected a whole number from 0 on", what);
    return value.integer;
  }
  Shape Counts(uint32_t index, const char* what) const {
    const PickleValue* value = &pickle_[index];
    if (value->kind == PickleKind::kCall && Callee(*value) == "torch.Size" && Arguments(*value).size() == 1) {
      value = &pickle_[Arguments(*value)[0]];
    }
    if (value->kind != PickleKind::kTuple || value->items.size() > kMaxRank) {
      Bad("{}: expected a tuple of at most {}", what, kMaxRank);
    }
    Shape counts;
    for (const uint32_t item : value->items) counts.push_back(Count(item, what));
    return counts;
  }

  // ('storage', type, key, device, elements), as persistent_id of torch.save writes it.
  std::span<const std::byte> Storage(uint32_t index, DType* dtype) const {
    const PickleValue& id = pickle_[index];
    if (id.kind != PickleKind::kPersistent) Bad("expected a storage of this file");
    const PickleValue& tuple = pickle_[id.items[0]];
    if (tuple.kind != PickleKind::kTuple || tuple.items.size() != 5 || pickle_[tuple.items[0]].text != "storage") {
      Bad("expected a storage of five parts");
    }
    const auto* type = std::find_if(kStorages.begin(), kStorages.end(),
                                    [&](const StorageType& t) { return t.name == pickle_[tuple.items[1]].text; });
    if (type == kStorages.end()) Bad("a storage without an element type");
    *dtype = type->dtype;
    const std::string member = fmt::format("{}data/{}", prefix_, pickle_[tuple.items[2]].text);
    const auto it = zip_.find(member);
    if (it == zip_.end()) Bad("its bytes, {}, are not in the file", OneLine(member, kMaxShown));
    if (it->second.compressed) {
      Bad("its bytes, {}, are compressed; zip them without compression", OneLine(member, kMaxShown));
    }
    const std::optional<int64_t> bytes = CheckedMul(Count(tuple.items[4], "storage"), Traits(*dtype).block_bytes);
    if (!bytes || static_cast<uint64_t>(*bytes) > it->second.bytes.size()) {
      Bad("a storage of {} elements in {}, which has {} bytes", pickle_[tuple.items[4]].integer,
          OneLine(member, kMaxShown), it->second.bytes.size());
    }
    return it->second.bytes.first(static_cast<size_t>(*bytes));
  }

  // How many elements there are, all of them within the `held` ones of the storage.
  int64_t CheckedElements(const Shape& shape, const Shape& strides, int64_t offset, int64_t held) const {
    int64_t elements = 1;  // without the zeros: later code multiplies parts of the shape
    int64_t last = offset;
    bool fits = true, empty = false;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) {
        empty = true;
        continue;
      }
      int64_t reach = 0;
      fits = fits && !__builtin_mul_overflow(elements, shape[i], &elements) &&
             !__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) && !__builtin_add_overflow(last, reach, &last);
    }
    if (!fits) Bad("shape {}, strides {}: overflow", ToString(shape), ToString(strides));
    if (empty) return 0;
    if (last >= held) {
      Bad("shape {} with strides {} from element {} on leaves its storage of {} elements", ToString(shape),
          ToString(strides), offset, held);
    }
    if (elements > held) {
      Bad("shape {} from a storage of {} elements: repeats them, which is not supported", ToString(shape), held);
    }
    return elements;
  }

  TensorView Rebuild(const PickleValue& call) {
    const std::vector<uint32_t>& arguments = Arguments(call);  // storage, offset, size, stride, requires_grad, hooks
    if (arguments.size() < 4) Bad("{} arguments", arguments.size());
    TensorView view;
    const std::span<const std::byte> storage = Storage(arguments[0], &view.dtype);
    const int64_t offset = Count(arguments[1], "storage_offset");
    view.shape = Counts(arguments[2], "size");
    const Shape strides = Counts(arguments[3], "stride");
    if (strides.size() != view.shape.size()) Bad("{} sizes, {} strides", view.shape.size(), strides.size());

    const int64_t element = Traits(view.dtype).block_bytes;
    const int64_t held = static_cast<int64_t>(storage.size()) / element;
    const int64_t elements = CheckedElements(view.shape, strides, offset, held);
    if (elements == 0) return view;
    const int64_t bytes = elements * element;
    const std::byte* data = storage.data() + offset * element;
    const bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(element) == 0;
    const bool contiguous = IsContiguous(view.shape, strides);
    if (contiguous && aligned) {
      view.bytes = {data, static_cast<size_t>(bytes)};
      return view;
    }
    if (!contiguous && view.shape.size() > 2) {
      Bad("shape {} with strides {}: save it .contiguous()", ToString(view.shape), ToString(strides));
    }
    const int64_t cols = view.shape.empty() ? 1 : view.shape.back();
    int64_t row_step = cols * element, col_step = element;
    if (!contiguous) {
      if (view.shape.size() == 2) row_step = strides[0] * element;
      col_step = strides.back() * element;
    }
    result_.makers.push_back(std::make_unique<StridedRows>(data, view.dtype, cols, row_step, col_step));
    view.maker = result_.makers.back().get();
    view.made_from = bytes;
    view.made_of = storage;
    return view;
  }

  static bool IsContiguous(const Shape& shape, const Shape& strides) {
    int64_t expected = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      if (shape[i] != 1 && strides[i] != expected) return false;
      expected *= shape[i];
    }
    return true;
  }

  const ZipDirectory& zip_;
  std::string_view prefix_;
  const Pickle& pickle_;
  std::string_view file_;
  std::string name_;  // of the tensor being read, for messages
  FileTensors result_;
};

// "archive/" of "archive/data.pkl".
std::string_view FindPrefix(const ZipDirectory& zip, std::string_view file) {
  constexpr std::string_view kPickle = "/data.pkl";
  const std::string_view* found = nullptr;
  for (const auto& [name, member] : zip) {
    if (!name.ends_with(kPickle) || name.find('/') != name.size() - kPickle.size()) continue;
    if (found != nullptr) Fail(file, "two data.pkl; expected what torch.save writes");
    found = &name;
  }
  if (found == nullptr) Fail(file, "a zip file without data.pkl; expected what torch.save writes");
  return found->substr(0, found->size() - kPickle.size() + 1);
}

}  // namespace

FileTensors ParseTorchFile(std::span<const std::byte> bytes, std::string_view file) {
  if (!LooksLikeZip(bytes)) FailNotZip(bytes, file);
  const ZipDirectory zip = ReadZipDirectory(bytes, file);
  const std::string_view prefix = FindPrefix(zip, file);
  const ZipMember& text = zip.find(fmt::format("{}data.pkl", prefix))->second;
  if (text.compressed) Fail(file, "data.pkl is compressed; zip the file without compression");
  if (const auto order = zip.find(fmt::format("{}byteorder", prefix)); order != zip.end()) {
    const std::span<const std::byte> value = order->second.bytes;
    if (std::string_view(reinterpret_cast<const char*>(value.data()), value.size()) != "little") {
      Fail(file, "written on a big-endian machine, which is not supported");
    }
  }
  const std::string what = fmt::format("{}: data.pkl", file);
  const Pickle pickle = ParsePickle(text.bytes, what, kAllowed);
  return TorchReader(zip, prefix, pickle, file).Read();
}

}  // namespace spate
