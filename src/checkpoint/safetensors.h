// The safetensors format (huggingface.co/docs/safetensors): eight bytes of header length, a JSON header
// {"name": {"dtype", "shape", "data_offsets"}}, then the tensors back to back. The header is hostile until
// proven right: every size is checked before it is used, tensors may neither overlap nor leave holes, and the
// views handed out lie inside the mapped bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/mapped_checkpoint.h"

namespace spate {

// Parses a whole file. `file` names it in messages; the views point into `bytes`. Throws Error(kBadInput).
// This is the function the fuzz target calls with its input.
TensorMap ParseSafetensors(std::span<const std::byte> bytes, std::string_view file);

// model.safetensors.index.json: which shard holds each tensor.
struct SafetensorsIndex {
  std::map<std::string, std::string, std::less<>> weight_map;  // tensor -> file name, a plain name in the same folder
  int64_t total_size = -1;                                     // bytes of all tensors; -1 = the file does not say
};
SafetensorsIndex ParseSafetensorsIndex(std::string_view text, std::string_view file);

}  // namespace spate
