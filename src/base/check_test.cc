#include "base/check.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

TEST(CheckDeathTest, SaysWhereAndWhatAndExitsWithOne) {
  const int rows = 3;
  EXPECT_EXIT(CHECK(rows == 4, "rows {}", rows), testing::ExitedWithCode(1),
              "check_test.cc:[0-9]+: CHECK\\(rows == 4\\) failed: rows 3\nThis is a bug in spate");
  EXPECT_EXIT(CHECK(rows == 4), testing::ExitedWithCode(1), "CHECK\\(rows == 4\\) failed\n");
  CHECK(rows == 3, "never formatted {}", rows);
}

TEST(Error, CarriesMessageAndExitCode) {
  const Error error(ErrorCode::kDoesNotFit, "{}: needs {} MiB", "model", 12);
  EXPECT_STREQ(error.what(), "model: needs 12 MiB");
  EXPECT_EQ(error.code(), ErrorCode::kDoesNotFit);
  EXPECT_EQ(error.exit_code(), 4);
}

}  // namespace
}  // namespace spate
