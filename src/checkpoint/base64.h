// Base64 with its padding (RFC 4648). Pure function.
#pragma once

#include <string>
#include <string_view>

namespace spate {

// Appends to *out. False if `text` is empty or no such base64; *out is then of no use.
bool DecodeBase64(std::string_view text, std::string* out);

}  // namespace spate
