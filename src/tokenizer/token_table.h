// Two hash tables made once and then only read: token text -> id, and pair of ids -> merge. Open addressing, at most
// half full, with a secret seed, so that a hostile file cannot choose its collisions. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace spate {

// Multiplies to 128 bits and folds: the mixing step of both hashes.
inline uint64_t FoldMultiply(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

class TokenTable {
 public:
  // Indexes every token of kind kModel; keeps a reference to `tokens`, which must not change any more.
  TokenTable(const std::vector<std::string>& tokens, const std::vector<TokenKind>& kinds);

  int32_t Find(std::string_view text) const {  // -1: none
    if (text.size() > max_bytes_) return -1;
    const uint64_t hash = Hash(text);
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = static_cast<size_t>(hash) & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.id < 0) return -1;
      if (slot.tag == tag && (*tokens_)[static_cast<size_t>(slot.id)] == text) return slot.id;
    }
  }

  // Two ids with one text, if there are any: then the vocabulary is bad.
  struct Duplicate {
    int32_t first = -1;
    int32_t second = -1;
  };
  Duplicate duplicate() const { return duplicate_; }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
  };
  uint64_t Hash(std::string_view text) const {
    uint64_t hash = seed_ ^ text.size();
    const char* p = text.data();
    size_t left = text.size();
    for (; left > 8; left -= 8, p += 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      hash = FoldMultiply(hash ^ word, 0x9E3779B97F4A7C15u);
    }
    // The last 1 to 8 bytes without a loop; reads may overlap.
    uint64_t word = 0;
    if (text.size() >= 8) {
      std::memcpy(&word, p + left - 8, 8);
    } else if (left >= 4) {
      uint32_t low, high;
      std::memcpy(&low, p, 4);
      std::memcpy(&high, p + left - 4, 4);
      word = static_cast<uint64_t>(high) << 32 | low;
    } else if (left > 0) {
      const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(p[i])); };
      word = byte(0) | byte(left / 2) << 8 | byte(left - 1) << 16;
    }
    return FoldMultiply(hash ^ word, seed_ | 1);
  }

  const std::vector<std::string>* tokens_;
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t max_bytes_ = 0;
  uint64_t seed_;
  Duplicate duplicate_;
};

class MergeTable {
 public:
  explicit MergeTable(const std::vector<Merge>& merges);

  static constexpr uint32_t kNoRank = UINT32_MAX;
  static constexpr size_t kMostBytesPerMerge = 64;
  size_t rank_end() const { return rank_end_; }  // above every rank
  struct Entry {
    uint32_t rank = kNoRank;  // the lower, the earlier it is done
    int32_t result = -1;
  };
  Entry Find(int32_t left, int32_t right) const {
    const uint64_t key = Key(left, right);
    for (size_t i = static_cast<size_t>(Hash(key)) & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.key == key) return slot.entry;
      if (slot.key == kFree) return {};
    }
  }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;
  struct Slot {
    uint64_t key = kFree;
    Entry entry;
  };
  static_assert(kMostBytesPerMerge == 4 * sizeof(Slot));  // a quarter full
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  uint64_t Hash(uint64_t key) const { return FoldMultiply(key ^ seed_, 0x9E3779B97F4A7C15u); }

  std::vector<Slot> slots_;
  size_t mask_ = 0;
  uint64_t seed_;
  size_t rank_end_ = 0;
};

}  // namespace spate
