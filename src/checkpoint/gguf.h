// GGUF, versions 2 and 3: one file of metadata (gguf_metadata.h) and tensors. The parser checks all that it hands out,
// allocates a fraction of the file's size whatever the file claims, and copies nothing: results are views into the
// bytes, which outlive them. Pure functions.
//
//   GgufFile file = ParseGguf(mapped.bytes(), "model.gguf");
//   file.metadata.GetString("general.architecture", std::nullopt);
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_metadata.h"
#include "checkpoint/gguf_types.h"
#include "checkpoint/mapped_checkpoint.h"

namespace spate {

struct GgufTensor {
  std::string_view name;  // "blk.0.attn_q.weight"
  const GgufTensorType* type = nullptr;
  Shape shape;  // outermost first; the file has it the other way round
  std::span<const std::byte> bytes;
};

struct GgufFile {
  explicit GgufFile(std::string_view what) : metadata(what) {}

  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  // as they stand in the file

  const GgufTensor* Find(std::string_view tensor) const;  // null = absent
  const std::string& what() const { return metadata.what(); }
};

// Whether the bytes begin as such a file does, of whichever version.
bool IsGguf(std::span<const std::byte> bytes);

// `what` names the file in messages. Throws Error(kBadInput), naming the byte: another format, version 1, big-endian,
// cut off, fields that do not fit together, a number format with an unknown id. Formats that are known but cannot be
// computed with are no error here, so that such a file can be described.
GgufFile ParseGguf(std::span<const std::byte> bytes, std::string_view what);

// The tensors as the loader wants them. Throws Error(kBadInput) naming the number formats that cannot be computed with.
TensorMap TensorsOf(const GgufFile& file);

}  // namespace spate
