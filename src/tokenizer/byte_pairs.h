// The merges of two bytes, by the bytes: most pairs that a text's words are looked up for. A table of the bytes that
// begin such merges times those that end them, small enough to stay in the cache. Immutable, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class BytePairTable {
 public:
  BytePairTable() = default;  // empty
  // `byte_tokens` [byte]: ids, -1: none. `ids`: all of the vocabulary. Stays empty where the table would be larger than
  // that of all merges.
  BytePairTable(const std::vector<Merge>& merges, const MergeTable& table, const std::array<int32_t, 256>& byte_tokens,
                size_t ids);

  bool empty() const { return entries_.empty(); }
  const MergeTable::Entry& Find(char left, char right) const {
    return entries_[size_t{rows_[static_cast<unsigned char>(left)]} + columns_[static_cast<unsigned char>(right)]];
  }

 private:
  std::array<uint32_t, 256> rows_{};     // [byte] where its row begins; 0: of the bytes that begin no merge
  std::array<uint16_t, 256> columns_{};  // [byte] 0: of the bytes that end none
  std::vector<MergeTable::Entry> entries_;
};

}  // namespace spate
