#include "term/visible_text.h"

#include <gtest/gtest.h>

namespace spate {
namespace {

TEST(VisibleText, LeavesTextAlone) {
  const std::string text = "Zw\xc3\xb6lf\tK\xc3\xa4uze\n\xe2\x82\xac \xf0\x9f\xa6\x8a \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d";
  EXPECT_EQ(VisibleText(text), text);
}

TEST(VisibleText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(VisibleText("\033[2J"), "\xe2\x90\x9b[2J");
  EXPECT_EQ(VisibleText("a\rb\bc\a"),
            "a\xe2\x90\x8d"
            "b\xe2\x90\x88"
            "c\xe2\x90\x87");
  EXPECT_EQ(VisibleText(std::string(1, '\0') + "\x7f"), "\xe2\x90\x80\xe2\x90\xa1");
  EXPECT_EQ(VisibleText("\xc2\x9b"
                        "31m"),
            "<U+009B>31m");
  EXPECT_EQ(VisibleText("\xe2\x80\xae"
                        "abc"),
            "<U+202E>abc");
  EXPECT_EQ(VisibleText("\xff\xfe"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(VisibleText, NoControlCharacterComesThrough) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string shown = VisibleText(std::string{static_cast<char>(a), static_cast<char>(b)});
      for (const char c : shown)
        ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << a << " " << b;
      ASSERT_EQ(shown.find('\x7f'), std::string::npos);
      for (char low = '\x80'; low < '\xa0'; ++low) ASSERT_EQ(shown.find(std::string("\xc2") + low), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace spate
