// Text tables that fit a terminal: the first column left, numbers right, two spaces between.
#pragma once

#include <string>
#include <vector>

namespace spate {

// Rows of cells; the first row is the heading when `heading` is set. Every line is at most `max_columns` wide:
// the widest cells are cut and end in "~".
std::string FormatTable(const std::vector<std::vector<std::string>>& rows, bool heading, size_t max_columns = 100);

// 1234567 -> "1,234,567"
std::string Grouped(long long value);
// 2471645608 -> "2.47 GB", 7345 -> "7.3 kB" (powers of ten)
std::string Bytes(double bytes);

}  // namespace spate
