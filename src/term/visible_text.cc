#include "term/visible_text.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace spate {
namespace {

constexpr char32_t kSymbols = 0x2400;  // U+2400 to U+241F show the C0 controls
constexpr char32_t kDeleteSymbol = 0x2421;

// Embeddings, overrides and isolates: text after them may be shown in another order than it is read.
bool IsDirectionMark(char32_t c) { return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); }

}  // namespace

std::string VisibleText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8(text, at);
    const char32_t code = c.code_point;
    if (c.length == 0) {
      AppendUtf8(out, kReplacementChar);
    } else if (code < 0x20 && code != '\n' && code != '\t') {
      AppendUtf8(out, kSymbols + code);
    } else if (code == 0x7F) {
      AppendUtf8(out, kDeleteSymbol);
    } else if ((code >= 0x80 && code < 0xA0) || IsDirectionMark(code)) {
      fmt::format_to(std::back_inserter(out), "<U+{:04X}>", static_cast<uint32_t>(code));
    } else {
      out.append(text.substr(at, static_cast<size_t>(c.length)));
    }
    at += c.length == 0 ? 1 : static_cast<size_t>(c.length);
  }
  return out;
}

}  // namespace spate
