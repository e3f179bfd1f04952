#include "base/nearest.h"

#include <gtest/gtest.h>

namespace spate {
namespace {

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> known = {"--temperature", "--top-k", "--top-p", "--threads", "-n"};
  EXPECT_EQ(Nearest("--temprature", known), "--temperature");
  EXPECT_EQ(Nearest("--topk", known), "--top-k");
  EXPECT_EQ(Nearest("--thraeds", known), "--threads");
  EXPECT_EQ(Nearest("--frobnicate", known), "");
}

TEST(Nearest, LooksAtNoWordOfAnySize) {
  EXPECT_EQ(Nearest(std::string(1'000'000, 'a'), {std::string(999'999, 'a')}), "");
}

}  // namespace
}  // namespace spate
