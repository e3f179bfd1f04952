#include "tokenizer/token_table.h"

#include <algorithm>
#include <bit>
#include <random>

namespace spate {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

size_t SlotsFor(size_t entries) { return std::bit_ceil(entries * 2 + 2); }

}  // namespace

TokenTable::TokenTable(const std::vector<std::string>& tokens, const std::vector<TokenKind>& kinds)
    : tokens_(&tokens),
      slots_(SlotsFor(static_cast<size_t>(std::ranges::count(kinds, TokenKind::kModel)))),
      mask_(slots_.size() - 1),
      seed_(RandomSeed()) {
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (kinds[id] != TokenKind::kModel) continue;
    if (tokens[id].size() > max_bytes_) max_bytes_ = tokens[id].size();
    const uint64_t hash = Hash(tokens[id]);
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    size_t i = static_cast<size_t>(hash) & mask_;
    for (; slots_[i].id >= 0; i = (i + 1) & mask_) {
      const size_t other = static_cast<size_t>(slots_[i].id);
      if (slots_[i].tag == tag && tokens[other] == tokens[id]) {
        duplicate_ = {slots_[i].id, static_cast<int32_t>(id)};
        break;
      }
    }
    slots_[i] = {tag, static_cast<int32_t>(id)};
  }
}

MergeTable::MergeTable(const std::vector<Merge>& merges)
    : slots_(SlotsFor(merges.size())), mask_(slots_.size() - 1), seed_(RandomSeed()) {
  for (size_t at = 0; at < merges.size(); ++at) {
    const Merge& merge = merges[at];
    const uint64_t key = Key(merge.left, merge.right);
    size_t i = static_cast<size_t>(Hash(key)) & mask_;
    while (slots_[i].key != kFree && slots_[i].key != key) i = (i + 1) & mask_;
    const uint32_t rank = merge.rank >= 0 ? static_cast<uint32_t>(merge.rank) : static_cast<uint32_t>(at);
    slots_[i] = {key, {rank, merge.result}};
    if (rank >= rank_end_) rank_end_ = size_t{rank} + 1;
  }
}

}  // namespace spate
