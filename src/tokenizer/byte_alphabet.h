// The byte alphabet of byte-level BPE files: each of the 256 bytes is written as one printable character (a space as
// U+0120), so that a vocabulary of bytes can be kept as text. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace spate {

// The spelling of `bytes`, any bytes, in the alphabet.
std::string SpellBytes(std::string_view bytes);

// Undoes SpellBytes. False, with *bytes untouched, if `text` holds a character outside the alphabet.
bool UnspellBytes(std::string_view text, std::string* bytes);

}  // namespace spate
