#include "bench/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace spate {
namespace {

TEST(Perplexity, NegativeLogLikelihood) {
  const std::vector<float> uniform(50, 3.f);
  EXPECT_NEAR(NegativeLogLikelihood(uniform, 7), std::log(50.0), 1e-12);
  const std::vector<float> two = {0.f, std::log(3.f)};
  EXPECT_NEAR(NegativeLogLikelihood(two, 1), -std::log(0.75), 1e-6);
  EXPECT_NEAR(NegativeLogLikelihood(two, 0), -std::log(0.25), 1e-6);
  const std::vector<float> huge = {1e4f, 0.f};  // no overflow on the way
  EXPECT_NEAR(NegativeLogLikelihood(huge, 1), 1e4, 1e-6);
}

}  // namespace
}  // namespace spate
