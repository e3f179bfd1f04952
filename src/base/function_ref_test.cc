#include "base/function_ref.h"

#include <gtest/gtest.h>

#include <memory>

namespace spate {
namespace {

int Apply(FunctionRef<int(int)> f, int x) { return f(x); }

TEST(FunctionRef, CallsWhatItRefersTo) {
  int base = 10;
  EXPECT_EQ(Apply([&](int x) { return base + x; }, 5), 15);
  auto counter = [n = 0](int x) mutable { return n += x; };
  Apply(counter, 2);
  EXPECT_EQ(Apply(counter, 3), 5) << "the object itself, not a copy";
}

TEST(FunctionRef, ConstCallablesAndMoveOnlyArguments) {
  const auto twice = [](int x) { return 2 * x; };
  EXPECT_EQ(Apply(twice, 4), 8);
  auto take = [](std::unique_ptr<int> p) { return *p; };
  const FunctionRef<int(std::unique_ptr<int>)> ref(take);
  EXPECT_EQ(ref(std::make_unique<int>(7)), 7);
}

TEST(FunctionRef, CopiesReferToTheSame) {
  int calls = 0;
  auto count = [&] { ++calls; };
  const FunctionRef<void()> a(count);
  const FunctionRef<void()> b = a;
  a();
  b();
  EXPECT_EQ(calls, 2);
  static_assert(sizeof(a) == 2 * sizeof(void*));
}

}  // namespace
}  // namespace spate
