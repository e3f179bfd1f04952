#include "tokenizer/byte_pairs.h"

namespace spate {

BytePairTable::BytePairTable(const std::vector<Merge>& merges, const MergeTable& table,
                             const std::array<int32_t, 256>& byte_tokens, size_t ids) {
  std::vector<int16_t> byte_of(ids, -1);
  for (size_t b = 0; b < 256; ++b) {
    if (byte_tokens[b] >= 0) byte_of[static_cast<size_t>(byte_tokens[b])] = static_cast<int16_t>(b);
  }
  const auto for_pairs = [&](const auto& take) {
    for (const Merge& merge : merges) {
      const int left = byte_of[static_cast<size_t>(merge.left)], right = byte_of[static_cast<size_t>(merge.right)];
      if (left >= 0 && right >= 0) take(static_cast<size_t>(left), static_cast<size_t>(right), merge);
    }
  };
  uint32_t rows = 1;
  uint16_t columns = 1;
  for_pairs([&](size_t left, size_t right, const Merge& /*merge*/) {
    if (rows_[left] == 0) rows_[left] = rows++;
    if (columns_[right] == 0) columns_[right] = columns++;
  });
  if (size_t{rows} * columns * sizeof(MergeTable::Entry) > merges.size() * MergeTable::kMostBytesPerMerge) return;
  for (uint32_t& row : rows_) row *= columns;
  entries_.resize(size_t{rows} * columns);
  for_pairs([&](size_t left, size_t right, const Merge& merge) {
    entries_[rows_[left] + columns_[right]] = table.Find(merge.left, merge.right);
  });
}

}  // namespace spate
