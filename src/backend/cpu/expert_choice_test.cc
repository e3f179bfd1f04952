#include "backend/cpu/expert_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace spate::cpu {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Choice {
  std::vector<int32_t> experts;
  std::vector<float> weights;
};

Choice Choose(const std::vector<float>& logits, int active, bool renormalize = true) {
  const FfnSpec spec{.experts = static_cast<int>(logits.size()), .active = active, .renormalize = renormalize};
  Choice choice{std::vector<int32_t>(static_cast<size_t>(active), -1), std::vector<float>(static_cast<size_t>(active))};
  ChooseExperts(spec, logits.data(), choice.experts.data(), choice.weights.data());
  return choice;
}

TEST(ChooseExperts, LargestFirstAndTheLowestIndexAmongEquals) {
  EXPECT_EQ(Choose({1, 3, 2, 5}, 2).experts, (std::vector<int32_t>{3, 1}));
  EXPECT_EQ(Choose({2, 7, 7, 2, 7, 2}, 5).experts, (std::vector<int32_t>{1, 2, 4, 0, 3}));
  EXPECT_EQ(Choose({0.0f, -0.0f, 0.0f}, 2).experts, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(Choose({4}, 1).experts, (std::vector<int32_t>{0}));
  EXPECT_EQ(Choose({-kInfinity, kInfinity, 3}, 3).experts, (std::vector<int32_t>{1, 2, 0}));
}

TEST(ChooseExperts, WeighsTheChosenOrAll) {
  const std::vector<float> logits = {std::log(1.0f), std::log(4.0f), std::log(2.0f), std::log(3.0f)};
  const Choice chosen = Choose(logits, 2);
  EXPECT_NEAR(chosen.weights[0], 4.0 / 7, 1e-7);
  EXPECT_NEAR(chosen.weights[1], 3.0 / 7, 1e-7);
  const Choice all = Choose(logits, 2, false);
  EXPECT_NEAR(all.weights[0], 0.4, 1e-7);
  EXPECT_NEAR(all.weights[1], 0.3, 1e-7);
  EXPECT_EQ(Choose({1e30f, 0, -1e30f}, 2).weights, (std::vector<float>{1, 0}));
}

// Whatever a broken checkpoint makes of the logits, the experts are different ones that exist.
TEST(ChooseExperts, NanIsChosenLastAndShowsInTheWeight) {
  EXPECT_EQ(Choose({kNan, 1, kNan, 2}, 2).experts, (std::vector<int32_t>{3, 1}));
  EXPECT_NEAR(Choose({kNan, 1, kNan, 1}, 2).weights[1], 0.5, 1e-7);
  EXPECT_TRUE(std::isnan(Choose({kNan, 1, kNan, 1}, 2, false).weights[0]));
  const Choice few = Choose({kNan, 1, kNan}, 2);
  EXPECT_EQ(few.experts, (std::vector<int32_t>{1, 0}));
  EXPECT_TRUE(std::isnan(few.weights[0]));
  EXPECT_EQ(Choose({kNan, kNan, -kInfinity}, 3).experts, (std::vector<int32_t>{0, 1, 2}));
}

TEST(ExpertGroups, EveryChoiceHasARowOfItsOwnAmongThoseOfItsExpert) {
  constexpr int kTokens = 50, kExperts = 12, kActive = 3;
  std::mt19937 random(3);
  ExpertGroups groups(kTokens, kExperts, kActive);
  for (int tokens = 0; tokens <= kTokens; tokens += 7) {
    std::vector<int32_t> chosen;
    for (int i = 0; i < tokens * kActive; ++i) chosen.push_back(static_cast<int32_t>(random() % 6 * 2));  // even ones
    groups.Reset(chosen, kExperts);
    std::vector<int> expert_of_row;
    int before = -1;
    for (const ExpertGroups::Group& group : groups.groups()) {
      EXPECT_GT(group.expert, before);
      EXPECT_GT(group.rows, 0);
      EXPECT_EQ(group.begin, static_cast<int>(expert_of_row.size()));
      expert_of_row.resize(expert_of_row.size() + static_cast<size_t>(group.rows), group.expert);
      before = group.expert;
    }
    ASSERT_EQ(expert_of_row.size(), chosen.size());
    std::vector<int> last(kExperts, -1);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const int row = groups.row(static_cast<int>(i));
      ASSERT_EQ(expert_of_row[static_cast<size_t>(row)], chosen[i]);
      EXPECT_GT(row, last[static_cast<size_t>(chosen[i])]);  // ascending, so no row twice
      last[static_cast<size_t>(chosen[i])] = row;
    }
  }
}

}  // namespace
}  // namespace spate::cpu
