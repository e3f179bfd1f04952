// Digits of numbers for both kinds of format strings. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spate::jinja {

inline constexpr int64_t kMaxPrecision = 1000;

struct NumberText {
  bool negative = false;
  char sign = '\0';    // of a number that is not negative
  std::string prefix;  // 0x and the like
  std::string digits;
};

NumberText IntegerText(int64_t number, char type, bool alternate);                  // b c d n o x X or none
NumberText FloatText(double number, char type, int64_t precision, bool alternate);  // e E f F g G n % or none

// Separators between groups of digits; with `width` zeros are put in front up to so many characters.
std::string GroupDigits(const std::string& digits, char separator, size_t group, int64_t width);

}  // namespace spate::jinja
