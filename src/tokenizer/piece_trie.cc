#include "tokenizer/piece_trie.h"

#include <algorithm>

#include "base/check.h"

namespace spate {

PieceTrie::PieceTrie(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  // Breadth first: a node stands for the entries [begin, end), which have `depth` bytes in common.
  struct Range {
    size_t begin;
    size_t end;
    size_t depth;
  };
  std::vector<Range> ranges = {{0, entries.size(), 0}};
  nodes_.emplace_back();
  labels_.push_back(0);
  for (size_t n = 0; n < ranges.size(); ++n) {
    auto [at, end, depth] = ranges[n];
    for (; at < end && entries[at].text.size() == depth; ++at) {
      if (depth > 0) nodes_[n].value = entries[at].value;
    }
    CHECK(nodes_.size() < INT32_MAX, "a trie of {} nodes", nodes_.size());
    nodes_[n].first_child = static_cast<uint32_t>(nodes_.size());
    while (at < end) {
      const char label = entries[at].text[depth];
      size_t next = at;
      while (next < end && entries[next].text[depth] == label) ++next;
      ranges.push_back({at, next, depth + 1});
      labels_.push_back(static_cast<unsigned char>(label));
      nodes_.emplace_back();
      ++nodes_[n].children;
      at = next;
    }
  }
  std::fill(std::begin(root_), std::end(root_), -1);
  for (uint32_t i = 0; i < nodes_[0].children; ++i) {
    root_[labels_[nodes_[0].first_child + i]] = static_cast<int32_t>(nodes_[0].first_child + i);
  }
}

}  // namespace spate
