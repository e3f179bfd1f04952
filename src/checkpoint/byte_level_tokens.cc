#include "checkpoint/byte_level_tokens.h"

#include <vector>

#include "tokenizer/byte_alphabet.h"

namespace spate {

void UnspellTokens(Vocabulary* v) {
  bool any_opaque = false;
  for (size_t id = 0; id < v->tokens.size(); ++id) {
    if (v->kinds[id] != TokenKind::kModel || UnspellBytes(v->tokens[id], &v->tokens[id])) continue;
    v->kinds[id] = TokenKind::kOpaque;
    any_opaque = true;
  }
  if (!any_opaque) return;
  std::erase_if(v->merges,
                [&](const Merge& merge) { return v->kinds[static_cast<size_t>(merge.result)] == TokenKind::kOpaque; });
}

}  // namespace spate
