#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace spate {
namespace {

constexpr int kContext = 320;

std::unique_ptr<Sequence> MakeSequence(int prompt, int max_tokens, int context = kContext) {
  Request request;
  request.id = "r";
  request.prompt.assign(static_cast<size_t>(prompt), 5);
  request.params.max_tokens = max_tokens;
  return std::make_unique<Sequence>(request, 1, SequenceLimits{.context = context, .eos_ids = {0}});
}

// Sequences, a scheduler, and the two calls that make a step.
struct Bed {
  explicit Bed(const SchedulerOptions& options) : scheduler(options) {}
  ~Bed() {
    for (const auto& s : sequences) {
      if (!s->finish() && added.size() > 0) scheduler.Remove(*s);
    }
  }

  Sequence& Add(int prompt, int max_tokens) {
    sequences.push_back(MakeSequence(prompt, max_tokens));
    added.push_back(sequences.back().get());
    scheduler.Add(*sequences.back());
    return *sequences.back();
  }
  const Step& Turn(int32_t token = 9) {
    const Step& step = scheduler.Schedule();
    if (step.entries.empty()) return step;
    SampleResult result;
    result.token = token;
    scheduler.Commit(std::vector<SampleResult>(static_cast<size_t>(step.outputs), result));
    for (const Step::Entry& entry : step.entries) {
      if (entry.sequence->finish()) scheduler.Remove(*entry.sequence);
    }
    return step;
  }

  Scheduler scheduler;
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::vector<Sequence*> added;
};

const Step::Entry* EntryOf(const Step& step, const Sequence& sequence) {
  for (const Step::Entry& entry : step.entries) {
    if (entry.sequence == &sequence) return &entry;
  }
  return nullptr;
}

TEST(Scheduler, DecodesComeFirstAndPromptsFillTheBudget) {
  Bed bed({.max_batch_tokens = 10, .max_sequences = 4, .blocks = 80, .context = kContext});
  Sequence& a = bed.Add(3, 50);
  bed.Turn();
  EXPECT_EQ(a.output_size(), 1);
  Sequence& b = bed.Add(25, 50);
  Sequence& c = bed.Add(4, 50);
  const Step& step = bed.Turn();
  ASSERT_EQ(step.entries.size(), 2u);
  EXPECT_EQ(step.tokens, 10);
  EXPECT_TRUE(EntryOf(step, a)->decode);
  EXPECT_EQ(EntryOf(step, b)->count, 9);
  EXPECT_FALSE(EntryOf(step, b)->samples);
  EXPECT_EQ(c.slot(), -1);
  bed.Turn();
  EXPECT_EQ(b.computed(), 18);
  const Step& third = bed.Turn();
  EXPECT_EQ(EntryOf(third, b)->count, 7);
  EXPECT_TRUE(EntryOf(third, b)->samples);
  EXPECT_EQ(EntryOf(third, c)->count, 2) << "what b left of the budget";
  EXPECT_EQ(third.outputs, 2);
}

TEST(Scheduler, AdmissionWaitsForProjectedNeedInOrder) {
  // 20 blocks hold one sequence of full length. a's prompt takes 10 and is expected to grow by 64 tokens.
  Bed bed({.max_batch_tokens = 512, .max_sequences = 4, .blocks = 20, .context = kContext});
  Sequence& a = bed.Add(160, 100);
  Sequence& b = bed.Add(64, 100);
  Sequence& c = bed.Add(8, 8);
  bed.Turn();
  EXPECT_GE(a.slot(), 0);
  EXPECT_EQ(b.slot(), -1) << "its first chunk would fit, its projected need does not";
  EXPECT_EQ(c.slot(), -1) << "first in, first out";
  bed.scheduler.Remove(b);
  bed.Turn();
  EXPECT_GE(c.slot(), 0);
  bed.sequences.erase(bed.sequences.begin() + 1);
}

TEST(Scheduler, TheLastIsPreemptedKeepsItsOutputAndReturnsFirst) {
  Bed bed({.max_batch_tokens = 512, .max_sequences = 4, .blocks = 20, .context = kContext});
  Sequence& a = bed.Add(100, 0);
  Sequence& b = bed.Add(40, 0);
  Sequence& c = bed.Add(16, 0);
  while (bed.scheduler.preemptions() == 0) {
    ASSERT_EQ(bed.Turn().entries.empty(), false);
    ASSERT_EQ(bed.scheduler.FindFault(), "");
  }
  Sequence& victim = c.slot() == -1 && c.preemptions() > 0 ? c : b;
  EXPECT_EQ(victim.preemptions(), 1);
  EXPECT_EQ(victim.computed(), 0);
  EXPECT_TRUE(victim.blocks().empty());
  const int output = victim.output_size();
  EXPECT_GT(output, 0);
  bed.scheduler.Remove(a);
  bed.sequences.erase(bed.sequences.begin());
  const Step& step = bed.Turn();
  const Step::Entry* entry = EntryOf(step, victim);
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->admitted);
  EXPECT_FALSE(entry->decode);
  EXPECT_EQ(entry->count, victim.size() - 1) << "prompt and output are computed again";
  EXPECT_EQ(victim.output_size(), output + 1) << "and it goes on where it was";
}

TEST(Scheduler, FinishesAtItsLimitAndAtTheContext) {
  Bed bed({.max_batch_tokens = 512, .max_sequences = 4, .blocks = 20, .context = kContext});
  Sequence& a = bed.Add(10, 3);
  Sequence& b = bed.Add(kContext - 2, 0);
  bed.Turn();
  bed.Turn();
  EXPECT_FALSE(a.finish());
  bed.Turn();
  EXPECT_EQ(a.finish(), FinishReason::kLength);
  EXPECT_EQ(a.output_size(), 3);
  while (!b.finish()) bed.Turn();
  EXPECT_EQ(b.size(), kContext);
  EXPECT_EQ(bed.scheduler.free_blocks(), 20);
  EXPECT_TRUE(bed.scheduler.idle());
}

TEST(Scheduler, AFailedStepCommitsNothing) {
  Bed bed({.max_batch_tokens = 16, .max_sequences = 4, .blocks = 20, .context = kContext});
  Sequence& a = bed.Add(10, 3);
  bed.scheduler.Schedule();
  bed.scheduler.Fail();
  EXPECT_EQ(a.computed(), 0);
  EXPECT_EQ(a.output_size(), 0);
  EXPECT_EQ(bed.scheduler.FindFault(), "");
}

// What holds in every single step, over random loads.
TEST(Scheduler, EveryStepKeepsItsPromises) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    std::mt19937_64 random(seed);
    const SchedulerOptions options{
        .max_batch_tokens = static_cast<int>(8 * seed), .max_sequences = 8, .blocks = 27, .context = kContext};
    Scheduler scheduler(options);
    std::deque<std::unique_ptr<Sequence>> live;  // by arrival
    for (int turn = 0; turn < 10000; ++turn) {
      if (live.size() < 12 && random() % 5 == 0) {
        const int prompt = 1 + static_cast<int>(random() % (random() % 4 == 0 ? kContext - 1 : 30));
        live.push_back(MakeSequence(prompt, static_cast<int>(random() % 2 * 200)));
        scheduler.Add(*live.back());
      }
      const int oldest_before = live.empty() ? 0 : live.front()->computed();
      const Step& step = scheduler.Schedule();
      ASSERT_EQ(step.entries.empty(), live.empty());
      if (live.empty()) continue;
      ASSERT_LE(step.tokens, options.max_batch_tokens);
      ASSERT_LE(step.entries.size(), 8u);
      ASSERT_EQ(step.entries[0].sequence, live.front().get()) << "the oldest goes on in every step";
      int tokens = 0;
      for (size_t i = 0; i < step.entries.size(); ++i) {
        const Step::Entry& e = step.entries[i];
        ASSERT_GT(e.count, 0);
        ASSERT_GE(static_cast<int>(e.sequence->blocks().size()) * 16, e.sequence->computed() + e.count);
        ASSERT_EQ(e.samples, e.sequence->computed() + e.count == e.sequence->size());
        tokens += e.count;
      }
      ASSERT_EQ(tokens, step.tokens);
      SampleResult result;
      result.token = random() % 400 == 0 ? 0 : 9;
      scheduler.Commit(std::vector<SampleResult>(static_cast<size_t>(step.outputs), result));
      ASSERT_GT(live.front()->computed(), oldest_before);
      for (auto s = live.begin(); s != live.end();) {
        if ((*s)->finish() || random() % 4000 == 0) {
          scheduler.Remove(**s);
          s = live.erase(s);
        } else {
          ++s;
        }
      }
      ASSERT_EQ(scheduler.FindFault(), "") << "seed " << seed << " turn " << turn;
      ASSERT_EQ(static_cast<size_t>(scheduler.running() + scheduler.waiting()), live.size());
    }
    EXPECT_GT(scheduler.preemptions(), 20);
    for (const auto& s : live) scheduler.Remove(*s);
    EXPECT_EQ(scheduler.free_blocks(), 27);
  }
}

}  // namespace
}  // namespace spate
