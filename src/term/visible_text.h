// Text from a model, for a terminal: what would move the cursor, change colours or type commands is shown as a symbol
// instead of being obeyed. Pure function.
#pragma once

#include <string>
#include <string_view>

namespace spate {

// `text` (UTF-8, whole characters) with every control character but newline and tab made visible: ESC is U+241B, C1
// controls and the marks that reverse the writing direction are "<U+009B>". Invalid bytes become U+FFFD.
std::string VisibleText(std::string_view text);

}  // namespace spate
