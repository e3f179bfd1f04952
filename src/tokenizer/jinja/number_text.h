// Text to numbers as Python's int() and float() read it, and rounding as round() does. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spate::jinja {

// Nothing for text that is no number. Throws Failure for an integer beyond 64 bits and a base that does not exist.
std::optional<int64_t> ParseInteger(std::string_view text, int64_t base);
std::optional<double> ParseFloat(std::string_view text);

double RoundFloat(double number, int64_t digits);  // half to even, of the exact value

}  // namespace spate::jinja
