#include "engine/stop_strings.h"

#include <gtest/gtest.h>

#include <random>

namespace spate {
namespace {

struct Result {
  std::string text;
  bool stopped = false;
};

Result Watch(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopStrings watcher(stops);
  Result result;
  for (const std::string& piece : pieces) {
    result.stopped = watcher.Push(piece, result.text);
    if (result.stopped) return result;
  }
  watcher.Flush(result.text);
  return result;
}

TEST(StopStrings, CutsBeforeAStringAcrossPieces) {
  const Result r = Watch({"\nUser:"}, {"Hello.\n", "Us", "er", ": hi"});
  EXPECT_TRUE(r.stopped);
  EXPECT_EQ(r.text, "Hello.");
}

TEST(StopStrings, HoldsBackOnlyWhatCouldStillBecomeOne) {
  StopStrings watcher({"abcd", "xyz"});
  std::string out;
  EXPECT_FALSE(watcher.Push("hello ab", out));
  EXPECT_EQ(out, "hello ");
  EXPECT_FALSE(watcher.Push("ca", out));
  EXPECT_EQ(out, "hello abc") << "the second a may begin again";
  EXPECT_FALSE(watcher.Push("b", out));
  EXPECT_EQ(out, "hello abc");
  EXPECT_FALSE(watcher.Push("xy", out));
  EXPECT_EQ(out, "hello abcab");
  watcher.Flush(out);
  EXPECT_EQ(out, "hello abcabxy");
}

TEST(StopStrings, OverlappingBeginnings) {
  EXPECT_EQ(Watch({"aab"}, {"aaaa", "b!"}).text, "aa");
  EXPECT_EQ(Watch({"ababc"}, {"abab", "abab", "c"}).text, "abab");
}

TEST(StopStrings, OfSeveralTheFirstCompletedEndsAndTheLongestIsCut) {
  EXPECT_EQ(Watch({"abcd", "bc"}, {"abcd"}).text, "a") << "bc is complete before abcd is";
  EXPECT_EQ(Watch({"abcd", "bc"}, {"a", "b", "c", "d"}).text, "a");
  EXPECT_EQ(Watch({"cd", "abcd"}, {"xabcd"}).text, "x") << "complete at once: the longer one";
}

TEST(StopStrings, WithoutStringsNothingIsHeld) {
  StopStrings watcher({});
  std::string out;
  EXPECT_FALSE(watcher.Push("abc", out));
  EXPECT_EQ(out, "abc");
}

TEST(StopStrings, MultibyteCharacters) {
  const Result r = Watch({"ö\u2028"}, {"schö", "ön", "ö", "\u2028x"});
  EXPECT_TRUE(r.stopped);
  EXPECT_EQ(r.text, "schöön");
}

// Against a definition by search, over an alphabet of two; and whatever was shown early stays shown.
TEST(StopStrings, RandomTextsInRandomPieces) {
  std::mt19937 random(5);
  const auto word = [&](size_t most) {
    std::string s(1 + random() % most, 'a');
    for (char& c : s) c = "ab"[random() % 2];
    return s;
  };
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops(1 + random() % 3);
    for (std::string& stop : stops) stop = word(6);
    const std::string text = word(24);

    size_t end = std::string::npos;
    size_t cut = text.size();
    for (size_t e = 1; e <= text.size() && end == std::string::npos; ++e) {
      for (const std::string& stop : stops) {
        if (e >= stop.size() && text.compare(e - stop.size(), stop.size(), stop) == 0) {
          end = e;
          cut = std::min(cut, e - stop.size());
        }
      }
    }

    StopStrings watcher(stops);
    std::string out;
    bool stopped = false;
    size_t at = 0;
    while (at < text.size() && !stopped) {
      const size_t count = std::min(text.size() - at, 1 + random() % 4);
      stopped = watcher.Push(std::string_view(text).substr(at, count), out);
      at += count;
      ASSERT_EQ(text.compare(0, out.size(), out), 0);
      ASSERT_LE(out.size(), cut) << "shown too early";
      if (stopped) break;
      // Not a byte is held that no stop string could begin with.
      size_t held = 0;
      for (const std::string& stop : stops) {
        for (size_t n = 1; n < stop.size() && n <= at; ++n) {
          if (text.compare(at - n, n, stop, 0, n) == 0) held = std::max(held, n);
        }
      }
      ASSERT_EQ(out.size(), at - held);
    }
    if (!stopped) watcher.Flush(out);
    ASSERT_EQ(stopped, end != std::string::npos);
    ASSERT_EQ(out, text.substr(0, cut));
  }
}

}  // namespace
}  // namespace spate
