#include "base/log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace spate {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetLogLevel(LogLevel::kInfo); }

  static std::string Captured(const auto& f) {
    testing::internal::CaptureStderr();
    f();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, OneRecordOneLineWithoutColours) {
  SetLogLevel(LogLevel::kInfo);
  const std::string text = Captured([] { LogInfo("{}: {} tensors", "a\nI forged\x1b[31m", 3); });
  EXPECT_TRUE(text.ends_with(" I a\\nI forged\\x1b[31m: 3 tensors\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST_F(LogTest, LevelDecides) {
  SetLogLevel(LogLevel::kWarn);
  const std::string text = Captured([] {
    LogDebug("d");
    LogInfo("i");
    LogWarn("w{}", 1);
    LogError("e");
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find(" W w1\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" E e\n"), std::string::npos) << text;
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  SetLogLevel(LogLevel::kOff);
  EXPECT_EQ(Captured([] { LogError("e"); }), "");
  SetLogLevel(LogLevel::kDebug);
  EXPECT_NE(Captured([] { LogDebug("d"); }).find(" D d\n"), std::string::npos);
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  const std::string text = Captured([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) LogInfo("[{}]", std::string(200, 'x'));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  size_t lines = 0;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1, ++lines) {
    ASSERT_TRUE(text.substr(begin, end - begin).ends_with(" I [" + std::string(200, 'x') + "]"));
  }
  EXPECT_EQ(lines, 400u);
}

TEST(Log, Names) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("off"), LogLevel::kOff);
  EXPECT_EQ(ParseLogLevel("INFO"), std::nullopt);
}

TEST(LogDeathTest, EnvironmentSetsTheLevel) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // a process of its own, whose logger reads the variable
  EXPECT_EXIT(
      {
        setenv("SPATE_LOG", "error", 1);
        LogWarn("no");
        LogError("yes");
        _exit(0);
      },
      testing::ExitedWithCode(0), "^[^\n]* E yes\n$");
  EXPECT_EXIT(
      {
        setenv("SPATE_LOG", "loud", 1);
        LogInfo("still");
        _exit(0);
      },
      testing::ExitedWithCode(0),
      "SPATE_LOG=loud: expected debug, info, warn, error or off; using info\n[^\n]* I still\n$");
}

}  // namespace
}  // namespace spate
