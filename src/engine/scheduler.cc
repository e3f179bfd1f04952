#include "engine/scheduler.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/op_params.h"
#include "base/check.h"

namespace spate {
namespace {

// How much a sequence is expected to grow before another is let in beside it. A preempted sequence is computed
// again: when it returns only with room for a quarter of its length, that costs at most four prompt tokens for
// every token gained, and short sequences still get four blocks ahead.
int64_t ProjectedSize(const Sequence& sequence) {
  const int64_t size = sequence.size();
  return std::min<int64_t>(sequence.limit(), size + std::max<int64_t>(64, size / 4));
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options), pool_(options.blocks, kKvBlockTokens) {
  CHECK(options.max_sequences > 0 && options.max_batch_tokens >= options.max_sequences,
        "a step of {} tokens for {} sequences", options.max_batch_tokens, options.max_sequences);
  CHECK(options.context > 1 && pool_.BlocksFor(options.context) <= options.blocks, "{} blocks for a context of {}",
        options.blocks, options.context);
  const auto sequences = static_cast<size_t>(options.max_sequences);
  running_.reserve(sequences);
  step_.entries.reserve(sequences);
  for (int slot = options.max_sequences - 1; slot >= 0; --slot) free_slots_.push_back(slot);
}

void Scheduler::Add(Sequence& sequence) {
  CHECK(sequence.state_ == Sequence::State::kNew && sequence.limit_ <= options_.context, "limit {}, context {}",
        sequence.limit_, options_.context);
  sequence.state_ = Sequence::State::kWaiting;
  sequence.arrival_ = arrivals_++;
  waiting_.push_back(&sequence);
}

void Scheduler::Remove(Sequence& sequence) {
  CHECK(!in_step_);
  if (sequence.state_ == Sequence::State::kRunning) {
    const auto at = std::find(running_.begin(), running_.end(), &sequence);
    CHECK(at != running_.end());
    running_.erase(at);
    Release(sequence);
  } else {
    CHECK(sequence.state_ == Sequence::State::kWaiting);
    const auto at = std::find(waiting_.begin(), waiting_.end(), &sequence);
    CHECK(at != waiting_.end());
    waiting_.erase(at);
  }
  sequence.state_ = Sequence::State::kRemoved;
}

const Step& Scheduler::Schedule() {
  CHECK(!in_step_);
  step_.entries.clear();
  step_.tokens = 0;
  step_.outputs = 0;
  ScheduleRunning();
  ScheduleWaiting();
  in_step_ = !step_.entries.empty();
  CHECK(in_step_ || idle(), "{} running, {} waiting, and nothing to do", running(), waiting());
  return step_;
}

// Nobody is admitted before all older prompts are computed, so only the youngest can have more than one token to go:
// walking by age puts decodes first, and each of them finds a token in the budget.
void Scheduler::ScheduleRunning() {
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    const int count = std::min(sequence.size() - sequence.computed_, options_.max_batch_tokens - step_.tokens);
    int fitting = FitBlocks(sequence, count);
    while (fitting == 0 && running_.back() != &sequence) {
      PreemptLast();
      fitting = FitBlocks(sequence, count);
    }
    if (fitting == 0) {
      PreemptLast();
    } else {
      Emit(sequence, fitting, false);
    }
  }
}

void Scheduler::ScheduleWaiting() {
  if (waiting_.empty()) return;
  int64_t promised = 0;  // blocks that running sequences will want
  for (const Sequence* s : running_) promised += MissingBlocks(*s);
  while (!waiting_.empty() && !free_slots_.empty() && step_.tokens < options_.max_batch_tokens) {
    Sequence& sequence = *waiting_.front();
    promised += MissingBlocks(sequence);
    if (promised > pool_.free()) return;
    // Holds as well when nothing runs: the pool has blocks for a sequence of full length.
    const int count = std::min(sequence.size(), options_.max_batch_tokens - step_.tokens);
    CHECK(FitBlocks(sequence, count) == count);
    promised -= sequence.blocks_.size();
    waiting_.pop_front();
    sequence.slot_ = free_slots_.back();
    free_slots_.pop_back();
    sequence.state_ = Sequence::State::kRunning;
    running_.push_back(&sequence);
    Emit(sequence, count, true);
  }
}

// Blocks for the next `count` tokens, or for as many of them as there is room for; that many.
int Scheduler::FitBlocks(Sequence& sequence, int count) {
  const int64_t room = int64_t{sequence.blocks_.size() + pool_.free()} * kKvBlockTokens - sequence.computed_;
  count = static_cast<int>(std::min<int64_t>(count, room));
  CHECK(sequence.blocks_.Grow(pool_, int64_t{sequence.computed_} + count));
  return count;
}

void Scheduler::Emit(Sequence& sequence, int count, bool admitted) {
  CHECK(!sequence.finish_ && count > 0, "{} is finished and was not removed, or has no tokens", sequence.id());
  const bool samples = sequence.computed_ + count == sequence.size();
  const bool decode = samples && count == 1 && sequence.output_size() > 0;
  step_.entries.push_back({&sequence, count, admitted, samples, decode});
  step_.tokens += count;
  step_.outputs += samples ? 1 : 0;
}

void Scheduler::PreemptLast() {
  Sequence& sequence = *running_.back();
  running_.pop_back();
  Release(sequence);
  sequence.computed_ = 0;
  sequence.state_ = Sequence::State::kWaiting;
  ++sequence.preemptions_;
  ++preemptions_;
  waiting_.push_front(&sequence);
}

void Scheduler::Release(Sequence& sequence) {
  sequence.blocks_.Release(pool_);
  free_slots_.push_back(sequence.slot_);
  sequence.slot_ = -1;
}

int64_t Scheduler::MissingBlocks(const Sequence& sequence) const {
  return std::max(0, pool_.BlocksFor(ProjectedSize(sequence)) - sequence.blocks_.size());
}

void Scheduler::Commit(std::span<const SampleResult> results) {
  CHECK(in_step_ && results.size() == static_cast<size_t>(step_.outputs), "{} results of {} outputs", results.size(),
        step_.outputs);
  size_t next = 0;
  for (const Step::Entry& entry : step_.entries) {
    entry.sequence->computed_ += entry.count;
    if (entry.samples) entry.sequence->Append(results[next++]);
  }
  in_step_ = false;
}

void Scheduler::Fail() {
  CHECK(in_step_);
  in_step_ = false;
}

std::string Scheduler::FindFault() const {
  std::vector<const BlockList*> lists;
  std::vector<bool> slots(static_cast<size_t>(options_.max_sequences), false);
  for (const int32_t slot : free_slots_) slots[static_cast<size_t>(slot)] = true;
  if (free_slots_.size() + running_.size() != slots.size()) {
    return fmt::format("{} free slots and {} running of {}", free_slots_.size(), running_.size(), slots.size());
  }
  uint64_t next_arrival = 0;
  for (const Sequence* s : running_) {
    if (s->state_ != Sequence::State::kRunning) return fmt::format("{}: listed as running, is not", s->id());
    if (s->arrival_ < next_arrival) return fmt::format("{}: out of order", s->id());
    if (slots[static_cast<size_t>(s->slot_)]) return fmt::format("{}: slot {} is not its own", s->id(), s->slot_);
    if (s->computed_ >= s->size()) return fmt::format("{}: {} of {} computed", s->id(), s->computed_, s->size());
    if (s->blocks_.size() < pool_.BlocksFor(s->computed_)) {
      return fmt::format("{}: {} blocks for {} tokens", s->id(), s->blocks_.size(), s->computed_);
    }
    if (s != running_.back() && s->size() - s->computed_ > 1) {
      return fmt::format("{}: younger ones run before its prompt is computed", s->id());
    }
    slots[static_cast<size_t>(s->slot_)] = true;
    next_arrival = s->arrival_ + 1;
    lists.push_back(&s->blocks_);
  }
  for (const Sequence* s : waiting_) {
    if (s->state_ != Sequence::State::kWaiting) return fmt::format("{}: listed as waiting, is not", s->id());
    if (s->arrival_ < next_arrival) return fmt::format("{}: out of order", s->id());
    if (s->slot_ != -1 || s->computed_ != 0 || s->blocks_.size() != 0) {
      return fmt::format("{}: waits and holds slot {}, {} blocks", s->id(), s->slot_, s->blocks_.size());
    }
    next_arrival = s->arrival_ + 1;
  }
  return spate::FindFault(pool_, lists);
}

}  // namespace spate
