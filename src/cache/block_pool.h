// BlockPool: the numbers of a KV arena's blocks, counted by reference: who takes a block holds one reference,
// and the block is free again when the last is dropped. Host only: what lies in a block is the backend's.
// Owned by the scheduler; not thread-safe. Nothing allocates after construction.
//
//   BlockPool pool(1024, 16);
//   BlockList blocks;
//   if (blocks.Grow(pool, 40)) ...      // 3 blocks of 16 tokens
//   blocks.Release(pool);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace spate {

class BlockPool {
 public:
  BlockPool(int blocks, int block_tokens);

  int blocks() const { return static_cast<int>(references_.size()); }
  int block_tokens() const { return block_tokens_; }
  int free() const { return static_cast<int>(free_.size()); }
  int BlocksFor(int64_t tokens) const { return static_cast<int>((tokens + block_tokens_ - 1) / block_tokens_); }
  int references(int32_t block) const { return references_[static_cast<size_t>(block)]; }

  int32_t Take();             // a free block, now with one reference; there must be one
  void Share(int32_t block);  // one more reference to a taken block
  void Drop(int32_t block);   // one reference less; the last one frees

  std::span<const int32_t> free_blocks() const { return free_; }

 private:
  int block_tokens_;
  std::vector<int32_t> references_;  // [blocks], 0 = free
  std::vector<int32_t> free_;        // a stack: the block freed last is taken first, while it may be in a cache
};

// The blocks of one sequence: block i holds positions [i * block_tokens, (i + 1) * block_tokens). Must be
// released to its pool before it goes away.
class BlockList {
 public:
  BlockList() = default;
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;
  ~BlockList();

  int size() const { return static_cast<int>(blocks_.size()); }
  std::span<const int32_t> blocks() const { return blocks_; }

  // Makes room for positions [0, tokens). False and unchanged when the pool has too few free blocks.
  bool Grow(BlockPool& pool, int64_t tokens);
  void Release(BlockPool& pool);

 private:
  std::vector<int32_t> blocks_;
};

// What is wrong with a pool whose users are exactly `lists`, or "": every block is either free or referenced
// as often as lists hold it, numbers are in range, and no list holds a block twice.
std::string FindFault(const BlockPool& pool, std::span<const BlockList* const> lists);

}  // namespace spate
