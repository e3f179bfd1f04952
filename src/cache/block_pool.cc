#include "cache/block_pool.h"

#include <fmt/format.h>

#include "base/check.h"

namespace spate {

BlockPool::BlockPool(int blocks, int block_tokens) : block_tokens_(block_tokens) {
  CHECK(blocks > 0 && block_tokens > 0, "{} blocks of {} tokens", blocks, block_tokens);
  references_.assign(static_cast<size_t>(blocks), 0);
  free_.reserve(static_cast<size_t>(blocks));
  for (int32_t block = blocks - 1; block >= 0; --block) free_.push_back(block);
}

int32_t BlockPool::Take() {
  CHECK(!free_.empty(), "all {} blocks are taken", blocks());
  const int32_t block = free_.back();
  free_.pop_back();
  references_[static_cast<size_t>(block)] = 1;
  return block;
}

void BlockPool::Share(int32_t block) {
  CHECK(block >= 0 && block < blocks() && references(block) > 0, "block {} of {} is not taken", block, blocks());
  ++references_[static_cast<size_t>(block)];
}

void BlockPool::Drop(int32_t block) {
  CHECK(block >= 0 && block < blocks() && references(block) > 0, "block {} of {} is not taken", block, blocks());
  if (--references_[static_cast<size_t>(block)] == 0) free_.push_back(block);
}

BlockList::~BlockList() { CHECK(blocks_.empty(), "{} blocks were not released", blocks_.size()); }

bool BlockList::Grow(BlockPool& pool, int64_t tokens) {
  const int missing = pool.BlocksFor(tokens) - size();
  if (missing > pool.free()) return false;
  for (int i = 0; i < missing; ++i) blocks_.push_back(pool.Take());
  return true;
}

void BlockList::Release(BlockPool& pool) {
  for (const int32_t block : blocks_) pool.Drop(block);
  blocks_.clear();
}

std::string FindFault(const BlockPool& pool, std::span<const BlockList* const> lists) {
  std::vector<int32_t> held(static_cast<size_t>(pool.blocks()), 0);
  std::vector<int64_t> last_list(held.size(), -1);
  for (size_t l = 0; l < lists.size(); ++l) {
    for (const int32_t block : lists[l]->blocks()) {
      if (block < 0 || block >= pool.blocks())
        return fmt::format("list {} holds block {} of {}", l, block, pool.blocks());
      const auto b = static_cast<size_t>(block);
      if (last_list[b] == static_cast<int64_t>(l)) return fmt::format("list {} holds block {} twice", l, block);
      last_list[b] = static_cast<int64_t>(l);
      ++held[b];
    }
  }
  for (int32_t block = 0; block < pool.blocks(); ++block) {
    const int32_t count = held[static_cast<size_t>(block)];
    if (pool.references(block) != count) {
      return fmt::format("block {} has {} references, lists hold it {} times", block, pool.references(block), count);
    }
  }
  std::vector<bool> free(held.size(), false);
  for (const int32_t block : pool.free_blocks()) {
    if (block < 0 || block >= pool.blocks()) return fmt::format("block {} of {} is free", block, pool.blocks());
    if (free[static_cast<size_t>(block)]) return fmt::format("block {} is free twice", block);
    if (pool.references(block) != 0)
      return fmt::format("block {} is free and has {} references", block, pool.references(block));
    free[static_cast<size_t>(block)] = true;
  }
  int taken = 0;
  for (const int32_t count : held) taken += count > 0 ? 1 : 0;
  if (taken + pool.free() != pool.blocks()) {
    return fmt::format("{} blocks taken and {} free are not {}", taken, pool.free(), pool.blocks());
  }
  return "";
}

}  // namespace spate
