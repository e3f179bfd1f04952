// The normalizers BertNormalizer and Nmt of Hugging Face tokenizers. Pure functions; text is valid UTF-8. *moved
// becomes true when the first character went.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

std::string ApplyBertNormalizer(const NormalizeBert& step, std::string_view text, bool* moved);
std::string ApplyNmtNormalizer(std::string_view text, bool* moved);

}  // namespace spate
