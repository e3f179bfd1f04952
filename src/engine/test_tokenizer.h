// A tokenizer for tests: ids 0 to 255 are the bytes, 256 is EOS, then the given texts.
#pragma once

#include <string>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace spate {

inline constexpr int32_t kTestEos = 256;

inline Tokenizer MakeTestTokenizer(const std::vector<std::string>& texts = {}) {
  Vocabulary v;
  v.spelling = TokenSpelling::kBytes;
  for (int byte = 0; byte < 256; ++byte) v.tokens.emplace_back(1, static_cast<char>(byte));
  v.tokens.emplace_back("<end>");
  v.tokens.insert(v.tokens.end(), texts.begin(), texts.end());
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.kinds[kTestEos] = TokenKind::kAbsent;
  v.added.push_back({.id = kTestEos, .text = "<end>", .special = true});
  v.pre_tokenizer.emplace_back(SplitByteLevel{});
  v.decoder.emplace_back(DecodeByteLevel{});
  v.eos = {kTestEos};
  return Tokenizer(std::move(v));
}

}  // namespace spate
