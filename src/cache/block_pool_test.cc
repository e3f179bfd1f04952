#include "cache/block_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <set>

namespace spate {
namespace {

TEST(BlockPool, GrowsByWholeBlocksAndOnlyWhenNeeded) {
  BlockPool pool(4, 16);
  BlockList list;
  EXPECT_TRUE(list.Grow(pool, 0));
  EXPECT_EQ(list.size(), 0);
  EXPECT_TRUE(list.Grow(pool, 1));
  EXPECT_EQ(list.size(), 1);
  EXPECT_TRUE(list.Grow(pool, 16));
  EXPECT_EQ(list.size(), 1);
  EXPECT_TRUE(list.Grow(pool, 17));
  EXPECT_EQ(list.size(), 2);
  EXPECT_TRUE(list.Grow(pool, 3)) << "never shrinks";
  EXPECT_EQ(list.size(), 2);
  EXPECT_FALSE(list.Grow(pool, 65));
  EXPECT_EQ(list.size(), 2) << "a refusal changes nothing";
  EXPECT_EQ(pool.free(), 2);
  EXPECT_TRUE(list.Grow(pool, 64));
  EXPECT_EQ(pool.free(), 0);
  list.Release(pool);
  EXPECT_EQ(pool.free(), 4);
}

TEST(BlockPool, ASharedBlockIsFreeAfterItsLastReference) {
  BlockPool pool(2, 16);
  const int32_t block = pool.Take();
  pool.Share(block);
  pool.Drop(block);
  EXPECT_EQ(pool.references(block), 1);
  EXPECT_EQ(pool.free(), 1);
  pool.Drop(block);
  EXPECT_EQ(pool.free(), 2);
}

TEST(BlockPool, FindFaultNamesEachKindOfDamage) {
  BlockPool pool(4, 16);
  BlockList a;
  BlockList b;
  ASSERT_TRUE(a.Grow(pool, 20));
  ASSERT_TRUE(b.Grow(pool, 5));
  const std::array<const BlockList*, 2> both{&a, &b};
  EXPECT_EQ(FindFault(pool, both), "");
  const std::array<const BlockList*, 1> one{&a};
  EXPECT_NE(FindFault(pool, one), "") << "a sequence was lost with its block";
  const std::array<const BlockList*, 3> twice{&a, &b, &b};
  EXPECT_NE(FindFault(pool, twice), "") << "two sequences hold one block that has one reference";
  const int32_t leaked = pool.Take();
  EXPECT_NE(FindFault(pool, both), "") << "a block that nobody holds";
  pool.Drop(leaked);
  pool.Drop(b.blocks()[0]);
  EXPECT_NE(FindFault(pool, both), "") << "a block that is free and held";
  pool.Share(pool.Take());
  EXPECT_NE(FindFault(pool, both), "") << "a reference too many";
  pool.Drop(b.blocks()[0]);
  EXPECT_EQ(FindFault(pool, both), "");
  a.Release(pool);
  b.Release(pool);
}

TEST(BlockPool, RandomGrowthNeverHandsABlockToTwo) {
  std::mt19937 random(7);
  BlockPool pool(37, 16);
  std::array<BlockList, 5> lists;
  std::array<const BlockList*, 5> views{};
  std::array<int, 5> tokens{};
  for (size_t i = 0; i < lists.size(); ++i) views[i] = &lists[i];
  for (int step = 0; step < 20000; ++step) {
    const size_t i = random() % lists.size();
    if (random() % 8 == 0) {
      lists[i].Release(pool);
      tokens[i] = 0;
    } else {
      const int wanted = tokens[i] + static_cast<int>(random() % 40);
      const bool fits = pool.BlocksFor(wanted) - lists[i].size() <= pool.free();
      ASSERT_EQ(lists[i].Grow(pool, wanted), fits);
      if (fits) tokens[i] = wanted;
    }
    ASSERT_EQ(FindFault(pool, views), "") << "step " << step;
    std::set<int32_t> all;
    size_t held = 0;
    for (const BlockList& list : lists) {
      held += list.blocks().size();
      all.insert(list.blocks().begin(), list.blocks().end());
    }
    ASSERT_EQ(all.size(), held);
  }
  for (BlockList& list : lists) list.Release(pool);
  EXPECT_EQ(pool.free(), 37);
}

}  // namespace
}  // namespace spate
