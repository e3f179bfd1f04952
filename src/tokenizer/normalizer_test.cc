#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/error.h"

namespace spate {
namespace {

std::string Apply(std::vector<NormalizerStep> steps, std::string_view text) {
  bool moved = false;
  return Normalizer(steps).Apply(text, true, &moved);
}

TEST(Normalizer, Forms) {
  const std::string decomposed = "e\u0301\u0323 \u1100\u1161\u11A8 \uFB01 \u2460";
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfc, decomposed), "\u1EB9\u0301 \uAC01 \uFB01 \u2460");
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfd, "\u1EB9\u0301 \uAC01"), "e\u0323\u0301 \u1100\u1161\u11A8");
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfkc, decomposed), "\u1EB9\u0301 \uAC01 fi 1");
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfkd, "\uFB01\u00E9"), "fie\u0301");
  // Excluded from composition, and a singleton that is replaced.
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfc, "\u0958 \u212B"), "\u0915\u093C \u00C5");
  EXPECT_EQ(NormalizeForm(UnicodeForm::kNfc, std::string("a\0b\u0301", 5)), std::string("a\0b\u0301", 5));
}

TEST(Normalizer, Steps) {
  EXPECT_EQ(Apply({NormalizeLowercase{}}, "\u0130\u03A3A\u01C4"), "i\u0307\u03C3a\u01C6");
  EXPECT_EQ(Apply({NormalizeStrip{true, false}}, "\u3000 a \n"), "a \n");
  EXPECT_EQ(Apply({NormalizeStrip{false, true}}, "\u3000 a \n"), "\u3000 a");
  EXPECT_EQ(Apply({NormalizeStrip{true, true}}, " \n"), "");
  EXPECT_EQ(Apply({NormalizeUnicode{UnicodeForm::kNfd}, NormalizeStripAccents{}}, "\u00E9\u00F1"), "en");
  EXPECT_EQ(Apply({NormalizePrepend{"\u2581"}, NormalizeReplace{{" ", false}, "\u2581"}}, "a b"), "\u2581a\u2581b");
  EXPECT_EQ(Apply({NormalizePrepend{"\u2581"}}, ""), "");
  EXPECT_EQ(Apply({NormalizeReplace{{"\\d+", true}, "#"}}, "a12b3"), "a#b#");
  EXPECT_THROW(Apply({NormalizeReplace{{"", false}, "#"}}, "a"), Error);
}

TEST(Normalizer, ManyMarksTakeNoQuadraticTime) {
  // A run of a million marks in the worst order for sorting by swaps takes minutes that way.
  std::string text = "a";
  for (int i = 0; i < 250000; ++i) text += "\u0301\u0323";
  const auto start = std::chrono::steady_clock::now();
  const std::string composed = NormalizeForm(UnicodeForm::kNfc, text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(composed.size(), 3 + (250000 - 1) * 2 + 250000 * 2);  // one dot below went into the a
  EXPECT_TRUE(composed.starts_with("\u1EA1\u0323"));
}

TEST(Normalizer, BertAndNmt) {
  const NormalizeBert all{.clean_text = true, .chinese_apart = true, .strip_accents = true, .lowercase = true};
  EXPECT_EQ(Apply({all}, std::string("\0\u200D\u00C9\t\u4E00b\uFFFD", 14)), "e  \u4E00 b");
  EXPECT_EQ(Apply({NormalizeNmt{}}, "\u0001a\u200Bb\u2581"), "a b ");
  EXPECT_EQ(Apply({NormalizeByteLevel{}}, " \u00E9"), "\u0120\u00C3\u00A9");
}

TEST(Normalizer, HostileCharacterMaps) {
  // Offsets that point outside, replacements that begin within a character: no match, no harm.
  for (uint32_t unit : {0u, 0xFFFFFFFFu, 0x7FFFFFFFu, 0x00000161u, 0x80000000u}) {
    std::string map("\x08\0\0\0", 4);
    for (int i = 0; i < 2; ++i) map.append(reinterpret_cast<const char*>(&unit), sizeof(unit));
    map += std::string("\u00E9\0", 3);
    EXPECT_EQ(Apply({NormalizeCharsMap{map}}, "a\u00E9\r\n"), "a\u00E9\r\n") << unit;
    EXPECT_EQ(Apply({NormalizeSentencePiece{.charsmap = map, .add_prefix = false}}, "a\u00E9"), "a\u00E9") << unit;
  }
}

}  // namespace
}  // namespace spate
