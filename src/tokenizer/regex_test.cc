#include "tokenizer/regex.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

std::string Matches(std::string_view pattern, std::string_view text) {
  const Regex regex(pattern);
  RegexRun run(regex, text);
  std::string all;
  for (TextRange r; run.Next(&r);) all += fmt::format("[{}]", text.substr(r.begin, r.size()));
  return all;
}

TEST(Regex, MeansWhatOnigurumaMeans) {
  // Each of these was tried in Hugging Face tokenizers.
  EXPECT_EQ(Matches(R"(\s+)", "a\u180Eb\u0085c\u200Bd\u001Ce"), "[\u0085]");
  EXPECT_EQ(Matches(R"([^\S\r\n]+)", "a \n\tb"), "[ ][\t]");
  EXPECT_EQ(Matches(R"(\w)", "\u00BD_\u2167\u24B6\u200D\u0301-"), "[\u00BD][_][\u2167][\u24B6][\u0301]");
  EXPECT_EQ(Matches(R"([^\w\s]+)", "I'\u00B2x\u00BD"), "['\u00B2][\u00BD]");
  EXPECT_EQ(Matches(R"(\d{1,2}+)", "12345a"), "[12345]");
  EXPECT_EQ(Matches(R"(a{,2})", "aaaa"), "[aa][aa]");
  EXPECT_EQ(Matches(R"(\h+)", "a1g z"), "[a1]");
  EXPECT_EQ(Matches(R"([\p{L}&&[^aeiou]]+)", "xay"), "[x][y]");
  EXPECT_EQ(Matches(R"([^a[b-d]]+)", "xabcde"), "[x][e]");
  EXPECT_EQ(Matches(R"([aeiou[0-5]]++)", "xa3e"), "[a3e]");
  EXPECT_EQ(Matches(R"((?i)s+)", "s\u017FSK"), "[s\u017FS]");
  EXPECT_EQ(Matches(R"((?m:.)+)", "a\nb"), "[a\nb]");
  EXPECT_EQ(Matches(R"(.+)", "a\nb"), "[a][b]");
  EXPECT_EQ(Matches(R"(\bb)", "ab b"), "[b]");
  EXPECT_EQ(Matches(R"([(|,.]+)", "a(|,b"), "[(|,]");
  EXPECT_EQ(Matches(R"(\p{Han}+)", "\u4E2D\u3002\u3001\u6587"), "[\u4E2D][\u6587]");  // not the shared punctuation
  EXPECT_EQ(Matches(R"([^\p{han}]+)", "\u4E2D\u3002\u3001\u6587"), "[\u3002\u3001]");
  EXPECT_EQ(Matches(R"(\p{^Latin}+)", "a1b"), "[1]");
}

TEST(Regex, EmptyMatchesDoNotLoop) { EXPECT_EQ(Matches("x*", "axb\u00E9"), "[][x][][]"); }

TEST(Regex, RefusesWhatItCannotSay) {
  for (const std::string_view bad :
       {"(", ")", "[a", "a\\", "*a", "a**", "\\G", "\\K", "(?<n>a)", "(?P<n>a)", "[[:word:]]", "[\\W]", "\\p{Nonsense}",
        "a{2}?", "\\x{zz}", "a(?i)b", "\\1", "\xFF"}) {
    EXPECT_THROW(Regex{bad}, Error) << bad;
  }
  EXPECT_THROW(Regex{std::string(100, '(')}, Error);
  EXPECT_THROW(Regex{std::string(100, '[')}, Error);
  EXPECT_THROW(Regex{std::string(100000, 'a')}, Error);
}

TEST(Regex, EndlessBacktrackingIsAnError) {
  EXPECT_THROW(Matches("(a|aa|a[a-z])+$", std::string(60, 'a') + "!"), Error);
}

// Every match alone stays within the limit of steps.
TEST(Regex, ManySlowMatchesAreAnError) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::string(23, 'a') + "!";
  const Regex regex("(?:(?:a|aa)+(?=;))|.");
  RegexRun run(regex, text, std::chrono::milliseconds(20));
  const auto all = [&] {
    for (TextRange match; run.Next(&match);) {
    }
  };
  EXPECT_THROW(all(), Error);
}

TEST(Regex, LongRunsMatch) {
  EXPECT_EQ(Matches(R"(\s+(?!\S)|\s+)", std::string(1 << 20, ' ') + "a").size(), (size_t{1} << 20) + 4);
}

}  // namespace
}  // namespace spate
