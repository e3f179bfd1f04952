#include "tokenizer/jinja/format_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/print.h"
#include "tokenizer/jinja/text.h"

namespace spate::jinja {

NumberText IntegerText(int64_t number, char type, bool alternate) {
  NumberText text;
  text.negative = number < 0;
  const uint64_t size = text.negative ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  if (alternate && (type == 'b' || type == 'o' || type == 'x' || type == 'X')) text.prefix = std::string("0") + type;
  switch (type) {
    case 'b':
      text.digits = fmt::format("{:b}", size);
      break;
    case 'o':
      text.digits = fmt::format("{:o}", size);
      break;
    case 'x':
      text.digits = fmt::format("{:x}", size);
      break;
    case 'X':
      text.digits = fmt::format("{:X}", size);
      break;
    case 'c':
      if (text.negative || size > 0x10FFFF || (size >= 0xD800 && size < 0xE000)) throw Failure("%c arg not in range");
      AppendCodePoint(text.digits, static_cast<uint32_t>(size));
      break;
    default:
      text.digits = std::to_string(size);
  }
  return text;
}

NumberText FloatText(double number, char type, int64_t precision, bool alternate) {
  NumberText text;
  text.negative = std::signbit(number) && !std::isnan(number);
  const double size = std::abs(number);
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  if (!std::isfinite(size)) {
    text.digits = std::isnan(size) ? "nan" : "inf";
    if (upper) text.digits = Upper(text.digits);
    if (type == '%') text.digits += '%';
    return text;
  }
  const int digits = static_cast<int>(precision < 0 ? 6 : precision);
  switch (type) {
    case 'e':
    case 'E':
      text.digits = alternate ? fmt::format("{:#.{}e}", size, digits) : fmt::format("{:.{}e}", size, digits);
      break;
    case 'f':
    case 'F':
      text.digits = alternate ? fmt::format("{:#.{}f}", size, digits) : fmt::format("{:.{}f}", size, digits);
      break;
    case '%':
      text.digits = fmt::format("{:.{}f}%", size * 100, digits);
      break;
    case '\0':
      if (precision < 0) {
        text.digits = ReprFloat(size);
        break;
      }
      text.digits = fmt::format("{:.{}g}", size, std::max(digits, 1));
      // Like g, but there is always a digit behind the point, and the switch to exponents comes one earlier.
      if (text.digits.find_first_of(".e") == std::string::npos) {
        if (static_cast<int>(text.digits.size()) >= std::max(digits, 1)) {
          text.digits = fmt::format("{:.{}e}", size, std::max(digits, 1) - 1);
        } else {
          text.digits += ".0";
        }
      }
      break;
    default:
      text.digits = alternate ? fmt::format("{:#.{}g}", size, std::max(digits, 1))
                              : fmt::format("{:.{}g}", size, std::max(digits, 1));
  }
  if (upper) text.digits = Upper(text.digits);
  return text;
}

std::string GroupDigits(const std::string& digits, char separator, size_t group, int64_t width) {
  if (width > kMaxPrecision) throw Failure("a width is too large for groups of digits");
  const size_t whole =
      std::min(digits.find_first_not_of(group == 4 ? "0123456789abcdefABCDEF" : "0123456789"), digits.size());
  const std::string tail = digits.substr(whole);
  std::string head = digits.substr(0, whole);
  const auto grouped = [&](size_t count) { return count + (count - 1) / group; };
  while (static_cast<int64_t>(grouped(head.size() + 1) + tail.size()) <= width ||
         static_cast<int64_t>(grouped(head.size()) + tail.size()) < width) {
    head.insert(0, 1, '0');
  }
  std::string out;
  for (size_t i = 0; i < head.size(); ++i) {
    if (i > 0 && (head.size() - i) % group == 0) out += separator;
    out += head[i];
  }
  return out + tail;
}

}  // namespace spate::jinja
