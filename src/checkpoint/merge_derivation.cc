#include "checkpoint/merge_derivation.h"

#include <algorithm>
#include <string_view>

namespace spate {

std::vector<Merge> DeriveMerges(const std::vector<std::string>& tokens, std::span<const int32_t> ranks) {
  std::vector<TokenKind> kinds(tokens.size(), TokenKind::kAbsent);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (ranks[id] >= 0 && !tokens[id].empty()) kinds[id] = TokenKind::kModel;
  }
  return DeriveMerges(tokens, ranks, TokenTable(tokens, kinds));
}

// In sorted order a token's prefixes stand before it, the longest nearest; so a stack holds all prefixes of the current
// token, and only those are tried as left halves.
std::vector<Merge> DeriveMerges(const std::vector<std::string>& tokens, std::span<const int32_t> ranks,
                                const TokenTable& table) {
  std::vector<int32_t> order;
  order.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (ranks[id] < 0 || tokens[id].empty()) continue;
    order.push_back(static_cast<int32_t>(id));
  }
  const auto text = [&](int32_t id) { return std::string_view(tokens[static_cast<size_t>(id)]); };
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return text(a) < text(b); });

  std::vector<Merge> merges;
  merges.reserve(3 * order.size());
  std::vector<int32_t> prefixes;
  for (const int32_t id : order) {
    const std::string_view token = text(id);
    while (!prefixes.empty() && !token.starts_with(text(prefixes.back()))) prefixes.pop_back();
    for (const int32_t left : prefixes) {
      const int32_t right = table.Find(token.substr(text(left).size()));
      if (right >= 0 && ranks[static_cast<size_t>(right)] >= 0)
        merges.push_back({left, right, id, ranks[static_cast<size_t>(id)]});
    }
    prefixes.push_back(id);
  }
  return merges;
}

}  // namespace spate
