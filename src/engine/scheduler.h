// Scheduler: decides what each step computes. Two lists: waiting (first in, first out) and running; running
// sequences hold a slot and cache blocks. A step takes one token of every sequence that decodes, and fills the
// rest of its token budget with pieces of prompts. When blocks run out, the sequence that came last gives its
// blocks back, keeps its output, and waits at the front to be computed again; so the oldest always goes on.
// Every running sequence is older than every waiting one.
//
// Pure host code on the engine's thread: no device, no clock, no text. Nothing allocates in a steady state.
//
//   scheduler.Add(sequence);
//   const Step& step = scheduler.Schedule();   // build, launch, collect
//   scheduler.Commit(results);                 // results of step.outputs, in order
//   for (entry of step) if (entry.sequence->finish()) scheduler.Remove(*entry.sequence);
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "backend/ops.h"
#include "cache/block_pool.h"
#include "engine/sequence.h"

namespace spate {

struct SchedulerOptions {
  int max_batch_tokens = 0;  // of a step, at least max_sequences
  int max_sequences = 0;     // running at once
  int blocks = 0;            // of the cache; at least one sequence of full length
  int context = 0;           // longest sequence
};

struct Step {
  struct Entry {
    Sequence* sequence = nullptr;
    int count = 0;          // tokens [computed, computed + count) of the sequence
    bool admitted = false;  // first step in its slot
    bool samples = false;   // the last of these tokens is the sequence's last: the next one is drawn
    bool decode = false;    // the one token is of the output, everything before it was computed
  };
  std::vector<Entry> entries;  // oldest first
  int tokens = 0;
  int outputs = 0;  // entries that sample
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  void Add(Sequence& sequence);
  // Takes a sequence out, wherever it is, and frees what it held. Not between Schedule and Commit.
  void Remove(Sequence& sequence);

  // The next step; no entries when nothing is there. Valid until the next call.
  const Step& Schedule();
  // The step was computed: results are those of its sampling entries, in order.
  void Commit(std::span<const SampleResult> results);
  // The step failed: nothing is committed. What the cache holds of its sequences is unknown; remove them.
  void Fail();

  bool idle() const { return running_.empty() && waiting_.empty(); }
  int running() const { return static_cast<int>(running_.size()); }
  int waiting() const { return static_cast<int>(waiting_.size()); }
  int free_blocks() const { return pool_.free(); }
  int64_t preemptions() const { return preemptions_; }

  // What is wrong with blocks, slots, lists and order, or "". Cheap enough for every idle moment.
  std::string FindFault() const;

 private:
  void ScheduleRunning();
  void ScheduleWaiting();
  int FitBlocks(Sequence& sequence, int count);
  void Emit(Sequence& sequence, int count, bool admitted);
  void PreemptLast();
  int64_t MissingBlocks(const Sequence& sequence) const;
  void Release(Sequence& sequence);

  SchedulerOptions options_;
  BlockPool pool_;
  std::vector<Sequence*> running_;  // by arrival
  std::deque<Sequence*> waiting_;   // by arrival
  std::vector<int32_t> free_slots_;
  Step step_;
  bool in_step_ = false;
  uint64_t arrivals_ = 0;
  int64_t preemptions_ = 0;
};

}  // namespace spate
