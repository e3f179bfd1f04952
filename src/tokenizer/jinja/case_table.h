// Tables behind text.h that utf8proc does not have. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spate::jinja {

// The up to three characters (then zeros) that a letter becomes in capitals, or as the capital of a word; nullptr for a
// letter that becomes one character.
const uint32_t* SpecialUpper(uint32_t code_point, bool title);

bool IsOtherDigit(uint32_t code_point);
bool IsNumericLetter(uint32_t code_point);

}  // namespace spate::jinja
