// KvArena: keys and values of all blocks, in the layout that the attention kernels read (attention_kernels.h). A block
// number of a group names a place in each layer of that group; within it each key/value head has its keys and then its
// values. Owned by one CpuOps; threads write different positions at once. Pages are taken when first written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/op_params.h"
#include "base/aligned_buffer.h"

namespace spate::cpu {

class KvArena {
 public:
  struct Layer {
    int group;
    int kv_heads;
    int head_dim;
    int32_t blocks;
    int64_t key_bytes;    // of one head in one block
    int64_t head_bytes;   // keys and values
    int64_t block_bytes;  // all heads
    AlignedBuffer data;   // [blocks][kv_heads][keys | values]

    std::byte* Keys(int32_t block, int head) { return data.data() + block * block_bytes + head * head_bytes; }
    std::byte* Values(int32_t block, int head) { return Keys(block, head) + key_bytes; }
  };

  // Throws Error: kUsage for a format other than f32 and bf16, kDoesNotFit where memory is too small.
  KvArena(const KvLayout& layout, std::span<const int32_t> blocks);

  DType dtype() const { return dtype_; }
  int layers() const { return static_cast<int>(layers_.size()); }
  Layer& layer(int i) { return layers_[static_cast<size_t>(i)]; }
  const Layer& layer(int i) const { return layers_[static_cast<size_t>(i)]; }

 private:
  DType dtype_;
  std::vector<Layer> layers_;
};

}  // namespace spate::cpu
