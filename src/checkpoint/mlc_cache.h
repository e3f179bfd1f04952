// ndarray-cache.json (also tensor-cache.json), which says where the tensors of an MLC model lie in its
// params_shard_*.bin files. Hostile until proven right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/view.h"

namespace spate {

struct MlcRecord {
  std::string name;
  Shape shape;
  DType dtype = DType::kF32;  // as stored: "f32-to-bf16" tensors are bf16
  uint64_t offset = 0;        // bytes in the shard
  uint64_t bytes = 0;         // as many as shape and dtype need
};

struct MlcShard {
  std::string file;  // a plain name in the same folder
  std::vector<MlcRecord> records;
};

// `what` names the text in messages. Throws Error(kBadInput). The checksums in it are not compared.
std::vector<MlcShard> ParseMlcCache(std::string_view text, std::string_view what);

}  // namespace spate
