// GgufHeader: what stands before the data of a GGUF file, version 3: metadata in the order in which it is added, and
// where each tensor lies. Little-endian, as this program is. One thread.
//
//   GgufHeader header;
//   header.String("general.architecture", "llama");
//   header.AddTensor("token_embd.weight", {2048, 256}, DType::kF16);
//   file.WriteAt(0, header.Bytes());   // data begins behind it, tensor i at header.tensors()[i].offset
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_metadata.h"
#include "tensor/view.h"

namespace spate {

class GgufHeader {
 public:
  struct Tensor {
    std::string name;
    Shape shape;  // outermost first
    DType dtype = DType::kF32;
    int64_t bytes = 0;
    int64_t offset = 0;  // from the start of the data
  };

  void U32(std::string_view key, uint32_t value);
  void F32(std::string_view key, float value);
  void Bool(std::string_view key, bool value);
  void String(std::string_view key, std::string_view value);
  void Strings(std::string_view key, std::span<const std::string> values);
  void Floats(std::string_view key, std::span<const float> values);
  void Ints(std::string_view key, std::span<const int32_t> values);
  void ByteList(std::string_view key, std::string_view values);

  // Behind the tensors before it. The last dimension is a multiple of the format's block.
  void AddTensor(std::string name, Shape shape, DType dtype);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  int64_t data_bytes() const { return data_bytes_; }
  std::string Bytes() const;  // padded to where the data begins

 private:
  void Begin(std::string_view key, GgufType type);
  void BeginList(std::string_view key, GgufType type, size_t count);

  std::string values_;  // keys and values as they lie in the file
  std::set<std::string, std::less<>> keys_;
  std::vector<Tensor> tensors_;
  int64_t data_bytes_ = 0;
};

}  // namespace spate
