// Tokens as a trie over bytes: all tokens that begin at one place of a text, in one walk. Built in linear time.
// Immutable, thread-safe.
//
//   for (int32_t node = PieceTrie::kRoot; at < text.size() && (node = trie.Step(node, text[at])) >= 0; ++at)
//     if (trie.Value(node) >= 0) ...
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace spate {

class PieceTrie {
 public:
  struct Entry {
    std::string_view text;
    int32_t value;  // from 0
  };
  // Empty texts are left out; of equal ones one stays. The texts are not needed any more afterwards.
  explicit PieceTrie(std::vector<Entry> entries);

  static constexpr int32_t kRoot = 0;
  // -1: no text goes on so.
  int32_t Step(int32_t node, char byte) const {
    const unsigned char label = static_cast<unsigned char>(byte);
    if (node == kRoot) return root_[label];
    const Node& at = nodes_[static_cast<size_t>(node)];
    uint32_t low = at.first_child;
    uint32_t count = at.children;
    while (count > 8) {
      const uint32_t half = count / 2;
      if (labels_[low + half] <= label) low += half;
      count -= half;
    }
    for (; count > 0; --count, ++low) {
      if (labels_[low] == label) return static_cast<int32_t>(low);
    }
    return -1;
  }
  // Of the text that ends at the node; -1: none does.
  int32_t Value(int32_t node) const { return nodes_[static_cast<size_t>(node)].value; }

 private:
  struct Node {
    uint32_t first_child = 0;  // children lie side by side, by label
    uint32_t children = 0;
    int32_t value = -1;
  };
  std::vector<Node> nodes_;
  std::vector<unsigned char> labels_;  // [nodes] of the edge to the node
  int32_t root_[256];
};

}  // namespace spate
