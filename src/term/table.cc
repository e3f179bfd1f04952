#include "term/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace spate {
namespace {

// Columns of a terminal, counting each UTF-8 code point as one.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Cut(const std::string& text, size_t width) {
  if (Width(text) <= width) return text;
  std::string cut;
  size_t used = 0;
  for (const char c : text) {
    if ((c & 0xc0) != 0x80 && ++used >= width) break;
    cut += c;
  }
  return cut + "~";
}

}  // namespace

std::string FormatTable(const std::vector<std::vector<std::string>>& rows, bool heading, size_t max_columns) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], Width(row[c]));
  }
  size_t total = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (const size_t w : widths) total += w;
  while (total > max_columns) {
    size_t& widest = *std::max_element(widths.begin(), widths.end());
    if (widest <= 4) break;
    --widest;
    --total;
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string cell = Cut(rows[r][c], widths[c]);
      const std::string padding(widths[c] - Width(cell), ' ');
      line += (c > 0 ? "  " : "") + (c == 0 ? cell + padding : padding + cell);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (r == 0 && heading) text += std::string(std::min(total, max_columns), '-') + "\n";
  }
  return text;
}

std::string Grouped(long long value) {
  std::string digits = std::to_string(std::llabs(value));
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return value < 0 ? "-" + digits : digits;
}

std::string Bytes(double bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (std::abs(bytes) >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes)
                   : fmt::format("{:.{}f} {}", bytes,
                                 bytes < 10    ? 2
                                 : bytes < 100 ? 1
                                               : 0,
                                 kUnits[unit]);
}

}  // namespace spate
