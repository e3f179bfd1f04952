#include "term/line_input.h"

#include <gtest/gtest.h>

#include <deque>

namespace spate {
namespace {

class GivenLines : public LineInput {
 public:
  GivenLines(std::deque<std::string> lines, LineStatus end) : lines_(std::move(lines)), end_(end) {}
  LineStatus Read(bool first, std::string& line) override {
    firsts_ += first ? 'f' : 'm';
    if (lines_.empty()) return end_;
    line = lines_.front();
    lines_.pop_front();
    return LineStatus::kLine;
  }
  void Remember(const std::string&) override {}
  const std::string& firsts() const { return firsts_; }

 private:
  std::deque<std::string> lines_;
  LineStatus end_;
  std::string firsts_;
};

TEST(MessageReader, OneLineIsOneMessage) {
  GivenLines lines({"one", "", "two"}, LineStatus::kEnd);
  MessageReader reader(lines);
  ChatInput input;
  for (const std::string expected : {"one", "", "two"}) {
    ASSERT_EQ(reader.Read(input), LineStatus::kLine);
    EXPECT_EQ(input.text, expected);
    EXPECT_FALSE(input.literal);
  }
  EXPECT_EQ(reader.Read(input), LineStatus::kEnd);
  EXPECT_EQ(input.text, "");
}

TEST(MessageReader, ABackslashGoesOn) {
  GivenLines lines({"one\\", "two\\", "\"\"\"", "three"}, LineStatus::kEnd);
  MessageReader reader(lines);
  ChatInput input;
  ASSERT_EQ(reader.Read(input), LineStatus::kLine);
  EXPECT_EQ(input.text, "one\ntwo\n\"\"\"") << "quotes open a block only where a message begins";
  EXPECT_EQ(lines.firsts(), "fmm");
}

TEST(MessageReader, ABlockKeepsItsLines) {
  GivenLines lines({"\"\"\" ", "/exit", "", "a\\", "b", "\"\"\"", "next"}, LineStatus::kEnd);
  MessageReader reader(lines);
  ChatInput input;
  ASSERT_EQ(reader.Read(input), LineStatus::kLine);
  EXPECT_EQ(input.text, "/exit\n\na\\\nb");
  EXPECT_TRUE(input.literal);
  ASSERT_EQ(reader.Read(input), LineStatus::kLine);
  EXPECT_EQ(input.text, "next");
  EXPECT_FALSE(input.literal);
}

TEST(MessageReader, TheEndInsideAMessageKeepsItAndCtrlCDropsIt) {
  ChatInput input;
  GivenLines ended({"one\\"}, LineStatus::kEnd);
  EXPECT_EQ(MessageReader(ended).Read(input), LineStatus::kEnd);
  EXPECT_EQ(input.text, "one\n");
  GivenLines interrupted({"\"\"\"", "one"}, LineStatus::kInterrupt);
  EXPECT_EQ(MessageReader(interrupted).Read(input), LineStatus::kInterrupt);
}

}  // namespace
}  // namespace spate
