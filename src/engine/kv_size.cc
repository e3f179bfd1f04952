#include "engine/kv_size.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/math_util.h"

namespace spate {
namespace {

// Slots of a block are numbered in 32 bits.
constexpr int64_t kMaxBlocks = std::numeric_limits<int32_t>::max() / kKvBlockTokens;

}  // namespace

KvSize ChooseKvSize(const KvLayout& layout, const KvWish& wish, int64_t free_bytes) {
  int64_t context = wish.context == 0 ? wish.model_context : wish.context;
  if (context < 2 || wish.blocks < 0) {
    throw Error(ErrorCode::kUsage, "context of {} with {} KV blocks: expected 2 positions or more", context,
                wish.blocks);
  }
  if (context > wish.model_context) {
    throw Error(ErrorCode::kDoesNotFit, "context: {} positions asked for, the model was made for {}", context,
                wish.model_context);
  }
  int64_t block_bytes = 0;
  for (int group = 0; group < layout.groups; ++group) block_bytes += layout.BytesPerBlock(group);
  const int64_t one_context = CeilDiv(context, kKvBlockTokens);
  int64_t blocks = wish.blocks;
  if (blocks == 0) {
    blocks = std::min(one_context * wish.sequences, free_bytes / 2 / block_bytes);
    blocks = std::clamp(blocks, one_context, std::max(one_context, kMaxBlocks));
  }
  const int64_t fitting = std::min(free_bytes / block_bytes, kMaxBlocks);
  if (blocks > fitting) {
    throw Error(ErrorCode::kDoesNotFit,
                "KV cache: {} blocks of {} tokens need {:.1f} GB, {:.1f} GB are free; try a context of {}", blocks,
                kKvBlockTokens, static_cast<double>(blocks) * static_cast<double>(block_bytes) * 1e-9,
                static_cast<double>(free_bytes) * 1e-9, std::min(context, fitting / 2 * kKvBlockTokens));
  }
  context = std::min(context, blocks * kKvBlockTokens);
  return {.blocks = static_cast<int>(blocks), .context = static_cast<int>(context)};
}

}  // namespace spate
