// The tokenizer of a model folder, whichever file it is in. Pure functions.
#pragma once

#include <filesystem>

#include "tokenizer/vocabulary.h"

namespace spate {

// `path` is a folder with tokenizer.json or tokenizer.model (of SentencePiece, or Llama 3's tiktoken), the first if it
// has both; then what is beside it counts too: tokenizer_config.json, special_tokens_map.json, generation_config.json
// and config.json (tokenizer_config.h). Or `path` is such a file, or GGUF, which then speaks for
// itself alone.
// Throws Error(kBadInput) naming the file and what is wrong with it.
Vocabulary ReadTokenizer(const std::filesystem::path& path);

// Whether there is one to read.
bool HasTokenizer(const std::filesystem::path& path);

}  // namespace spate
