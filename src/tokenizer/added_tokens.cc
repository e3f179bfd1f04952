#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/unicode.h"

namespace spate {
namespace {

bool IsWordBefore(std::string_view text, size_t at) {
  return at > 0 && IsWordCharacter(ReadCodePointBefore(text, at).value);
}

bool IsWordAt(std::string_view text, size_t at) {
  return at < text.size() && IsWordCharacter(ReadCodePoint(text, at).value);
}

size_t SpacesBegin(std::string_view text, size_t end, size_t not_before) {
  while (end > not_before) {
    const CodePoint c = ReadCodePointBefore(text, end);
    if (!IsWhitespace(c.value)) break;
    end -= c.bytes;
  }
  return end;
}

size_t SpacesEnd(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const CodePoint c = ReadCodePoint(text, begin);
    if (!IsWhitespace(c.value)) break;
    begin += c.bytes;
  }
  return begin;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<Pattern> patterns) : patterns_(std::move(patterns)), nodes_(1) {
  for (size_t p = 0; p < patterns_.size(); ++p) {
    int32_t node = 0;
    for (const char c : patterns_[p].text) {
      const unsigned char byte = static_cast<unsigned char>(c);
      int32_t next = Child(node, byte);
      if (next < 0) {
        next = static_cast<int32_t>(nodes_.size());
        Node fresh;
        fresh.depth = nodes_[static_cast<size_t>(node)].depth + 1;
        nodes_.push_back(std::move(fresh));
        auto& children = nodes_[static_cast<size_t>(node)].children;
        const std::pair<unsigned char, int32_t> child{byte, next};
        children.insert(std::upper_bound(children.begin(), children.end(), child), child);
      }
      node = next;
    }
    nodes_[static_cast<size_t>(node)].pattern = static_cast<int32_t>(p);
    first_byte_[static_cast<unsigned char>(patterns_[p].text[0])] = true;
  }
  // Breadth first, so that a node's failure is complete before its children ask for it.
  std::vector<int32_t> order = {0};
  for (size_t i = 0; i < order.size(); ++i) {
    const int32_t parent = order[i];
    for (const auto& [byte, child] : nodes_[static_cast<size_t>(parent)].children) {
      int32_t fail = 0;
      for (int32_t node = parent; node != 0;) {
        node = nodes_[static_cast<size_t>(node)].fail;
        const int32_t next = Child(node, byte);
        if (next >= 0) {
          fail = next;
          break;
        }
      }
      Node& node = nodes_[static_cast<size_t>(child)];
      node.fail = fail;
      if (node.pattern < 0) node.pattern = nodes_[static_cast<size_t>(fail)].pattern;
      order.push_back(child);
    }
  }
}

int32_t AddedTokenFinder::Child(int32_t node, unsigned char byte) const {
  const auto& children = nodes_[static_cast<size_t>(node)].children;
  const auto it = std::lower_bound(children.begin(), children.end(), byte,
                                   [](const auto& child, unsigned char b) { return child.first < b; });
  return it != children.end() && it->first == byte ? it->second : -1;
}

AddedTokenFinder::Match AddedTokenFinder::Find(std::string_view text, size_t from) const {
  Match best;
  int32_t node = 0;
  for (size_t at = from; at < text.size(); ++at) {
    const unsigned char byte = static_cast<unsigned char>(text[at]);
    if (node == 0 && !first_byte_[byte]) {
      if (best.pattern >= 0) return best;
      continue;
    }
    int32_t next;
    while ((next = Child(node, byte)) < 0 && node != 0) node = nodes_[static_cast<size_t>(node)].fail;
    node = std::max(next, 0);
    const Node& state = nodes_[static_cast<size_t>(node)];
    // What is being read began behind the match that we have: that one is leftmost, and as long as can be.
    if (best.pattern >= 0 && at + 1 - state.depth > best.range.begin) return best;
    if (state.pattern >= 0) {
      const size_t begin = at + 1 - patterns_[static_cast<size_t>(state.pattern)].text.size();
      if (best.pattern < 0 || begin <= best.range.begin) best = {state.pattern, {begin, at + 1}};
    }
  }
  return best;
}

std::vector<AddedTokenFinder::Stretch> AddedTokenFinder::Cut(std::string_view text, bool literal) const {
  std::vector<Stretch> stretches;
  size_t done = 0;
  const auto add_text = [&](size_t end) {
    if (done < end) stretches.push_back({-1, {done, end}});
  };
  for (size_t at = 0; !empty() && at < text.size();) {
    const Match match = Find(text, at);
    if (match.pattern < 0) break;
    at = match.range.end;
    const AddedToken& token = patterns_[static_cast<size_t>(match.pattern)].token;
    TextRange range = match.range;
    if (literal && token.special) continue;
    if (token.single_word && (IsWordBefore(text, range.begin) || IsWordAt(text, range.end))) continue;
    if (token.lstrip) range.begin = std::max(SpacesBegin(text, range.begin, std::min(done, range.begin)), done);
    if (token.rstrip) range.end = SpacesEnd(text, range.end);
    add_text(range.begin);
    stretches.push_back({token.id, range});
    // The search goes on behind the token itself. A token inside the spaces that were taken is found there, and what
    // follows it counts again: Hugging Face tokenizers does the same.
    done = range.end;
  }
  add_text(text.size());
  return stretches;
}

}  // namespace spate
