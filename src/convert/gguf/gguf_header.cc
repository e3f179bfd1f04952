#include "convert/gguf/gguf_header.h"

#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "checkpoint/gguf_types.h"

namespace spate {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr int64_t kAlignment = 32;  // what readers take for granted where no key says otherwise

int64_t Aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

template <typename T>
void Append(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

void AppendText(std::string_view text, std::string* out) {
  Append<uint64_t>(text.size(), out);
  out->append(text);
}

}  // namespace

void GgufHeader::Begin(std::string_view key, GgufType type) {
  CHECK(keys_.emplace(key).second, "{} is there already", key);
  AppendText(key, &values_);
  Append(static_cast<uint32_t>(type), &values_);
}

void GgufHeader::BeginList(std::string_view key, GgufType type, size_t count) {
  Begin(key, GgufType::kArray);
  Append(static_cast<uint32_t>(type), &values_);
  Append<uint64_t>(count, &values_);
}

void GgufHeader::U32(std::string_view key, uint32_t value) {
  Begin(key, GgufType::kU32);
  Append(value, &values_);
}

void GgufHeader::F32(std::string_view key, float value) {
  Begin(key, GgufType::kF32);
  Append(value, &values_);
}

void GgufHeader::Bool(std::string_view key, bool value) {
  Begin(key, GgufType::kBool);
  Append<uint8_t>(value ? 1 : 0, &values_);
}

void GgufHeader::String(std::string_view key, std::string_view value) {
  Begin(key, GgufType::kString);
  AppendText(value, &values_);
}

void GgufHeader::Strings(std::string_view key, std::span<const std::string> values) {
  BeginList(key, GgufType::kString, values.size());
  for (const std::string& value : values) AppendText(value, &values_);
}

void GgufHeader::Floats(std::string_view key, std::span<const float> values) {
  BeginList(key, GgufType::kF32, values.size());
  for (const float value : values) Append(value, &values_);
}

void GgufHeader::Ints(std::string_view key, std::span<const int32_t> values) {
  BeginList(key, GgufType::kI32, values.size());
  for (const int32_t value : values) Append(value, &values_);
}

void GgufHeader::ByteList(std::string_view key, std::string_view values) {
  BeginList(key, GgufType::kU8, values.size());
  values_ += values;
}

void GgufHeader::AddTensor(std::string name, Shape shape, DType dtype) {
  CHECK(!shape.empty() && shape.back() % Traits(dtype).block_elements == 0, "{} {}", name, ToString(shape));
  int64_t rows = 1;
  for (size_t d = 0; d + 1 < shape.size(); ++d) rows *= shape[d];
  const int64_t bytes = rows * RowBytes(dtype, shape.back());
  tensors_.push_back({std::move(name), std::move(shape), dtype, bytes, data_bytes_});
  data_bytes_ += Aligned(bytes);
}

std::string GgufHeader::Bytes() const {
  std::string file = "GGUF";
  Append<uint32_t>(3, &file);
  Append<uint64_t>(tensors_.size(), &file);
  Append<uint64_t>(keys_.size(), &file);
  file += values_;
  for (const Tensor& tensor : tensors_) {
    const GgufTensorType* type = FindGgufTensorType(tensor.dtype);
    CHECK(type != nullptr, "{} is {}", tensor.name, Name(tensor.dtype));
    AppendText(tensor.name, &file);
    Append(static_cast<uint32_t>(tensor.shape.size()), &file);
    for (size_t d = tensor.shape.size(); d-- > 0;) Append(static_cast<uint64_t>(tensor.shape[d]), &file);
    Append(type->id, &file);
    Append(static_cast<uint64_t>(tensor.offset), &file);
  }
  file.resize(static_cast<size_t>(Aligned(static_cast<int64_t>(file.size()))));
  return file;
}

}  // namespace spate
