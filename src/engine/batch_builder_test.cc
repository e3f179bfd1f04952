#include "engine/batch_builder.h"

#include <gtest/gtest.h>

#include <vector>

namespace spate {
namespace {

std::vector<int32_t> Copy(const int32_t* data, int count) { return {data, data + count}; }

TEST(BatchBuilder, PacksChunksBackToBack) {
  BatchBuilder builder({.tokens = 8, .sequences = 3, .outputs = 4});
  const std::vector<int32_t> a{10, 11, 12};
  const std::vector<int32_t> b{20};
  const std::vector<int32_t> c{30, 31};
  const std::vector<int32_t> a_blocks{7, 2};
  const std::vector<int32_t> b_blocks{4};
  const std::vector<int32_t> c_blocks{0, 1, 9};
  const Chunk chunks[] = {
      {.ids = a, .first = 14, .blocks = a_blocks, .slot = 5, .outputs = Chunk::Outputs::kAll},
      {.ids = b, .first = 0, .blocks = b_blocks, .slot = 1, .outputs = Chunk::Outputs::kNone},
      {.ids = c, .first = 40, .blocks = c_blocks, .slot = 3, .outputs = Chunk::Outputs::kLast},
  };
  for (int round = 0; round < 2; ++round) {  // the second reuses the arrays
    const Batch& batch = builder.Build(chunks).batch;
    EXPECT_EQ(batch.tokens, 6);
    EXPECT_EQ(batch.sequences, 3);
    EXPECT_EQ(batch.outputs, 4);
    EXPECT_EQ(Copy(batch.ids, 6), (std::vector<int32_t>{10, 11, 12, 20, 30, 31}));
    EXPECT_EQ(Copy(batch.positions, 6), (std::vector<int32_t>{14, 15, 16, 0, 40, 41}));
    EXPECT_EQ(Copy(batch.slots, 3), (std::vector<int32_t>{5, 1, 3}));
    EXPECT_EQ(Copy(batch.query_start, 4), (std::vector<int32_t>{0, 3, 4, 6}));
    EXPECT_EQ(Copy(batch.context_len, 3), (std::vector<int32_t>{17, 1, 42}));
    EXPECT_EQ(Copy(batch.output_rows, 4), (std::vector<int32_t>{0, 1, 2, 5}));
    EXPECT_EQ(Copy(batch.kv[0].write_slot, 6),
              (std::vector<int32_t>{7 * 16 + 14, 7 * 16 + 15, 2 * 16, 4 * 16, 9 * 16 + 8, 9 * 16 + 9}));
    ASSERT_EQ(batch.kv[0].max_blocks, 3);
    EXPECT_EQ(Copy(batch.kv[0].block_table, 9), (std::vector<int32_t>{7, 2, -1, 4, -1, -1, 0, 1, 9}));
    EXPECT_EQ(batch.sample, nullptr);
    EXPECT_EQ(batch.host_query_start.size(), 4u);
    EXPECT_EQ(batch.host_context_len.back(), 42);
  }
}

TEST(BatchBuilder, AStepNamesSlotsThatChangedOwner) {
  Scheduler scheduler({.max_batch_tokens = 32, .max_sequences = 2, .blocks = 8, .context = 64});
  const SequenceLimits limits{.context = 64, .eos_ids = {}};
  Sequence plain({.id = "a", .prompt = {1, 2}}, 1, limits);
  Sequence penalized({.id = "b", .prompt = {3, 4, 5}, .params = {.frequency_penalty = 1.f}}, 2, limits);
  scheduler.Add(plain);
  scheduler.Add(penalized);
  BatchBuilder builder({.tokens = 32, .sequences = 2, .outputs = 2});
  const StepInput& input = builder.Build(scheduler.Schedule());
  ASSERT_EQ(input.starts.size(), 2u);
  EXPECT_FALSE(input.starts[0].track);
  EXPECT_TRUE(input.starts[0].prompt.empty());
  EXPECT_TRUE(input.starts[1].track);
  EXPECT_EQ(input.starts[1].prompt.size(), 3u);
  EXPECT_TRUE(input.starts[1].output.empty());
  ASSERT_EQ(input.batch.outputs, 2);
  EXPECT_EQ(input.batch.sample[0].position, 2);
  EXPECT_EQ(input.batch.sample[1].position, 3);
  EXPECT_EQ(input.batch.sample[1].seed, 2u);
  EXPECT_EQ(input.batch.sample[1].slot, penalized.slot());

  const std::vector<SampleResult> results(2);
  scheduler.Commit(results);
  EXPECT_TRUE(builder.Build(scheduler.Schedule()).starts.empty()) << "nobody is new in the second step";
  scheduler.Commit(results);
  scheduler.Remove(plain);
  scheduler.Remove(penalized);
}

}  // namespace
}  // namespace spate
