// Writes GGUF files for tests, well formed or not: fields go out as they are given.
//
//   GgufWriter writer;
//   writer.String("general.architecture", "llama");
//   writer.Tensor("token_embd.weight", {4, 8}, 0, 4 * 8 * 4);   // dimensions innermost first, as in the file
//   const std::string file = writer.Finish();
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_metadata.h"

namespace spate {

class GgufWriter {
 public:
  uint32_t version = 3;
  uint64_t extra_keys = 0;     // more than there are
  uint64_t extra_tensors = 0;  // likewise
  uint64_t alignment = 32;     // of the data; says nothing in the file

  template <typename T>
  static std::string Raw(T value) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    return bytes;
  }
  static std::string Text(std::string_view text) { return Raw<uint64_t>(text.size()) + std::string(text); }

  // A key whose value is `bytes`, whatever they are.
  void Key(std::string_view key, uint32_t type, const std::string& bytes) {
    keys_ += Text(key) + Raw(type) + bytes;
    ++key_count_;
  }
  template <typename T>
  void Value(std::string_view key, GgufType type, T value) {
    Key(key, static_cast<uint32_t>(type), Raw(value));
  }
  void U32(std::string_view key, uint32_t value) { Value(key, GgufType::kU32, value); }
  void F32(std::string_view key, float value) { Value(key, GgufType::kF32, value); }
  void Bool(std::string_view key, bool value) { Value<uint8_t>(key, GgufType::kBool, value ? 1 : 0); }
  void String(std::string_view key, std::string_view value) { Key(key, 8, Text(value)); }
  template <typename T>
  void List(std::string_view key, GgufType type, const std::vector<T>& values) {
    std::string bytes = Raw(static_cast<uint32_t>(type)) + Raw<uint64_t>(values.size());
    for (const T& value : values) bytes += Raw(value);
    Key(key, 9, bytes);
  }
  void Strings(std::string_view key, const std::vector<std::string>& values) {
    std::string bytes = Raw<uint32_t>(8) + Raw<uint64_t>(values.size());
    for (const std::string& value : values) bytes += Text(value);
    Key(key, 9, bytes);
  }

  // The tensor's `bytes` bytes follow the one before, aligned; each is its own offset's low byte.
  void Tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type, uint64_t bytes) {
    TensorAt(name, dims, type, data_bytes_);
    data_bytes_ = (data_bytes_ + bytes + alignment - 1) / alignment * alignment;
  }
  // ... lies at `offset`, wherever that is.
  void TensorAt(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type, uint64_t offset) {
    tensors_ += Text(name) + Raw(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) tensors_ += Raw(dim);
    tensors_ += Raw(type) + Raw(offset);
    ++tensor_count_;
  }

  std::string Finish() const {
    std::string file = "GGUF" + Raw(version) + Raw(tensor_count_ + extra_tensors) + Raw(key_count_ + extra_keys);
    file += keys_ + tensors_;
    if (data_bytes_ == 0) return file;
    file.resize((file.size() + alignment - 1) / alignment * alignment);
    for (uint64_t i = 0; i < data_bytes_; ++i) file += static_cast<char>(i);
    return file;
  }

 private:
  std::string keys_;
  std::string tensors_;
  uint64_t key_count_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t data_bytes_ = 0;
};

}  // namespace spate
