// tokenizer.json, the file of Hugging Face tokenizers, as a Vocabulary: BPE models with the normalizers,
// pre-tokenizers, post-processors and decoders that decoder-only models use. A kind that is not known is an error that
// names it; nothing is guessed. Pure functions.
#pragma once

#include <filesystem>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

// Reads tokenizer.json of a model folder and, where they are there: tokenizer_config.json (which tokens are BOS, EOS
// and padding, and whether the first two are added), generation_config.json and config.json (ids that end a
// generation). Throws Error(kBadInput) naming the file and the field.
Vocabulary ReadTokenizer(const std::filesystem::path& model_folder);

// The same from memory. `config_json` is tokenizer_config.json or empty; `what` names the source in messages.
Vocabulary ParseTokenizerJson(std::string_view json, std::string_view config_json, std::string_view what);

}  // namespace spate
