#include "term/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "term/progress.h"

namespace spate {
namespace {

TEST(Table, AlignsAndSeparates) {
  EXPECT_EQ(FormatTable({{"name", "tok/s"}, {"decode", "23.5"}, {"x", "1,234.0"}}, true),
            "name      tok/s\n"
            "---------------\n"
            "decode     23.5\n"
            "x       1,234.0\n");
}

TEST(Table, NeverWiderThanAsked) {
  const std::string text = FormatTable({{std::string(300, 'a'), "number"}, {"b", std::string(90, '9')}}, true, 60);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 60u) << line;
  EXPECT_NE(text.find('~'), std::string::npos);
}

TEST(Table, CountsCodePointsNotBytes) { EXPECT_EQ(FormatTable({{"é", "1"}, {"ab", "2"}}, false), "é   1\nab  2\n"); }

TEST(Table, Numbers) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(-1234567), "-1,234,567");
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(7345), "7.34 kB");
  EXPECT_EQ(Bytes(2471645608), "2.47 GB");
}

TEST(Progress, FitsTheTerminalAtEveryWidth) {
  for (int columns = 1; columns < 140; ++columns) {
    EXPECT_LT(static_cast<int>(FormatProgress("loading", 1'200'000'000, 2'900'000'000, 0.5, columns).size()),
              std::max(columns, 2));
  }
  EXPECT_NE(FormatProgress("loading", 5, 10, 1, 100).find(" 50%"), std::string::npos);
  EXPECT_NE(
      FormatProgress("fetching", 1'200'000'000, 2'900'000'000, 100, 100).find("1.20 of 2.90 GB  12 MB/s  2:21 left"),
      std::string::npos);
  EXPECT_NE(FormatProgress("loading", 1'000'000, 7'000'000, 0.0005, 100).find("1.00 of 7.00 MB  2.00 GB/s"),
            std::string::npos);
  EXPECT_NE(FormatProgress("loading", 0, 0, 0, 100).find("  0%"), std::string::npos);
}

}  // namespace
}  // namespace spate
