// FakeExecutor: an executor for tests whose model is a hash. Its cache holds nothing but what was written to it,
// so a token that it draws is right only if every earlier token of the sequence is still where the block table
// says; and it CHECKs every batch. Penalty counts and bias take part in the hash. Tests only, used by one thread.
#pragma once

#include <bit>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "backend/op_params.h"
#include "base/check.h"
#include "base/error.h"
#include "engine/executor.h"

namespace spate {

// The model of FakeExecutor as a function, for straight-line replays.
struct FakeModel {
  static uint64_t Mix(uint64_t a, uint64_t b) {
    uint64_t x = a * 0x9E3779B97F4A7C15u + b + 0x632BE59BD9B4E019u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }
  // State of a prefix: 0, then token by token.
  static uint64_t Extend(uint64_t state, int32_t token) { return Mix(state, static_cast<uint64_t>(token) + 1); }

  struct Counts {
    bool tracked = false;
    bool remembers = false;
    uint64_t tokens = 0;  // in their order
    float mirostat_mu = 0;
    uint64_t prompt = 0;  // sums, so the order of the tokens does not matter
    uint64_t output = 0;
    void AddPrompt(int32_t token) { prompt += Mix(11, static_cast<uint64_t>(token)); }
    void AddToken(int32_t token) { tokens = Mix(tokens, static_cast<uint64_t>(token)); }
    void AddOutput(int32_t token) { output += Mix(12, static_cast<uint64_t>(token)); }
  };

  static bool HasPenalties(const SampleArgs& a) {
    return a.repetition_penalty != 1 || a.presence_penalty != 0 || a.frequency_penalty != 0;
  }

  static bool Remembers(const SampleArgs& a) {
    return a.extras != nullptr && (a.extras->dry_multiplier > 0 || a.extras->bad_word_count > 0);
  }
  static float NextMu(const SampleArgs& a, const Counts& counts, int32_t token) {
    if (a.extras == nullptr || !a.extras->mirostat) return 0;
    return counts.mirostat_mu * 0.75f + static_cast<float>(token);
  }

  // The token after a prefix. Of whatever the arguments say, all but the slot matters.
  static int32_t Draw(uint64_t state, const SampleArgs& a, const Counts& counts, int vocab) {
    uint64_t x = Mix(state, static_cast<uint64_t>(a.position));
    for (const float f :
         {a.temperature, a.top_p, a.min_p, a.repetition_penalty, a.presence_penalty, a.frequency_penalty}) {
      x = Mix(x, std::bit_cast<uint32_t>(f));
    }
    x = Mix(x, static_cast<uint64_t>(a.top_k));
    if (a.temperature > 0) x = Mix(Mix(x, a.seed), a.choice);
    if (HasPenalties(a)) x = Mix(x, counts.prompt + 3 * counts.output);
    if (a.extras != nullptr) {
      for (int i = 0; i < a.extras->step_count; ++i) x = Mix(x, static_cast<uint64_t>(a.extras->steps[i]));
      x = Mix(x, counts.tokens + std::bit_cast<uint32_t>(counts.mirostat_mu));
    }
    std::vector<bool> banned(static_cast<size_t>(vocab), false);
    for (int i = 0; i < a.bias_count; ++i) {
      if (a.bias[i].bias < -1e30f) {
        banned[static_cast<size_t>(a.bias[i].id)] = true;
      } else {
        x = Mix(x, std::bit_cast<uint32_t>(a.bias[i].bias) + (static_cast<uint64_t>(a.bias[i].id) << 32));
      }
    }
    auto token = static_cast<size_t>(x % static_cast<uint64_t>(vocab));
    for (int tries = 0; banned[token] && tries < vocab; ++tries) token = (token + 1) % static_cast<size_t>(vocab);
    return static_cast<int32_t>(token);
  }
};

class FakeExecutor final : public Executor {
 public:
  struct Options {
    int blocks = 0;
    int slots = 0;
    int vocab = 0;
    int max_tokens = 0;  // of a step
  };
  enum class Failure : uint8_t { kNone, kLaunch, kCollect, kNoLogits };

  explicit FakeExecutor(const Options& options)
      : options_(options),
        cells_(static_cast<size_t>(options.blocks) * kKvBlockTokens),
        counts_(static_cast<size_t>(options.slots)) {}

  // The next call of that kind throws; kNoLogits: the next step's first result has none.
  void FailNext(Failure failure) { failure_ = failure; }
  int64_t launches() const { return launches_; }

  void Launch(const StepInput& input) override {
    CHECK(!launched_);
    if (failure_ == Failure::kLaunch) {
      failure_ = Failure::kNone;
      throw Error(ErrorCode::kEnvironment, "launch failed");
    }
    ++launches_;
    launched_ = true;
    const Batch& batch = input.batch;
    CheckShapes(batch);
    StartSlots(input.starts);
    results_.clear();
    std::set<int32_t> blocks;
    std::set<int32_t> slots;
    int output = 0;
    for (int s = 0; s < batch.sequences; ++s) {
      CHECK(slots.insert(batch.slots[s]).second, "slot {} twice", batch.slots[s]);
      CHECK(batch.slots[s] >= 0 && batch.slots[s] < options_.slots);
      const int used = (batch.context_len[s] + kKvBlockTokens - 1) / kKvBlockTokens;
      for (int b = 0; b < used; ++b) {
        const int32_t block = batch.kv[0].block_table[s * batch.kv[0].max_blocks + b];
        CHECK(block >= 0 && block < options_.blocks && blocks.insert(block).second, "block {}", block);
      }
      const uint64_t state = RunSequence(batch, s);
      const int last_row = batch.query_start[s + 1] - 1;
      if (output < batch.outputs && batch.output_rows[output] == last_row) Sample(batch, s, output++, state);
    }
    CHECK(output == batch.outputs, "{} of {} output rows are a sequence's last", output, batch.outputs);
  }

  void Collect(std::span<SampleResult> results) override {
    CHECK(launched_ && results.size() == results_.size());
    launched_ = false;
    if (failure_ == Failure::kCollect) {
      failure_ = Failure::kNone;
      throw Error(ErrorCode::kEnvironment, "collect failed");
    }
    for (size_t i = 0; i < results.size(); ++i) results[i] = results_[i];
    if (failure_ == Failure::kNoLogits && !results.empty()) {
      failure_ = Failure::kNone;
      results[0].no_logits = true;
    }
  }

 private:
  struct Cell {
    int32_t token = -1;
    int32_t position = -1;
    uint64_t state = 0;
  };

  void CheckShapes(const Batch& batch) const {
    CHECK(batch.tokens > 0 && batch.tokens <= options_.max_tokens, "{} tokens", batch.tokens);
    CHECK(batch.sequences > 0 && batch.outputs <= batch.sequences && batch.kv.size() == 1);
    CHECK(batch.query_start[0] == 0 && batch.query_start[batch.sequences] == batch.tokens);
    CHECK(batch.host_query_start.size() == static_cast<size_t>(batch.sequences) + 1);
    CHECK(batch.host_context_len.size() == static_cast<size_t>(batch.sequences));
  }

  void StartSlots(std::span<const SlotStart> starts) {
    for (const SlotStart& start : starts) {
      FakeModel::Counts& counts = counts_[static_cast<size_t>(start.slot)];
      counts = {.tracked = start.track, .remembers = start.remember, .mirostat_mu = start.mirostat_mu};
      for (const int32_t token : start.prompt) counts.AddPrompt(token);
      for (const int32_t token : start.output) counts.AddOutput(token);
      for (const auto part : {start.prompt, start.output}) {
        for (const int32_t token : part) {
          if (start.remember) counts.AddToken(token);
        }
      }
    }
  }

  Cell& CellAt(const Batch& batch, int sequence, int position) {
    const KvView& kv = batch.kv[0];
    const int32_t block = kv.block_table[sequence * kv.max_blocks + position / kKvBlockTokens];
    return cells_[static_cast<size_t>(block * kKvBlockTokens + position % kKvBlockTokens)];
  }

  // Writes the step's tokens, then reads the whole context back.
  uint64_t RunSequence(const Batch& batch, int s) {
    const int first_row = batch.query_start[s];
    const int count = batch.query_start[s + 1] - first_row;
    const int end = batch.context_len[s];
    CHECK(count > 0 && end >= count);
    for (int i = 0; i < count; ++i) {
      const int row = first_row + i;
      const int position = end - count + i;
      CHECK(batch.positions[row] == position, "position {} in row {}, not {}", batch.positions[row], row, position);
      CHECK(batch.ids[row] >= 0 && batch.ids[row] < options_.vocab, "id {}", batch.ids[row]);
      Cell& cell = CellAt(batch, s, position);
      CHECK(&cell == &cells_[static_cast<size_t>(batch.kv[0].write_slot[row])], "write slot of row {}", row);
      const uint64_t before = position == 0 ? 0 : CellAt(batch, s, position - 1).state;
      cell = {batch.ids[row], position, FakeModel::Extend(before, batch.ids[row])};
    }
    uint64_t state = 0;
    for (int position = 0; position < end; ++position) {
      const Cell& cell = CellAt(batch, s, position);
      state = FakeModel::Extend(state, cell.token);
      CHECK(cell.position == position && cell.state == state, "the cell of position {} was overwritten", position);
    }
    return state;
  }

  void Sample(const Batch& batch, int s, int output, uint64_t state) {
    const SampleArgs& args = batch.sample[output];
    CHECK(args.slot == batch.slots[s] && args.position == batch.context_len[s]);
    FakeModel::Counts& counts = counts_[static_cast<size_t>(args.slot)];
    CHECK(counts.tracked == FakeModel::HasPenalties(args), "slot {} kept its former owner's counts", args.slot);
    SampleResult result;
    result.token = FakeModel::Draw(state, args, counts, options_.vocab);
    result.logprob = -static_cast<float>(output);
    CHECK(counts.remembers == FakeModel::Remembers(args), "slot {} kept its former owner's tokens", args.slot);
    result.mirostat_mu = FakeModel::NextMu(args, counts, result.token);
    counts.mirostat_mu = result.mirostat_mu;
    if (counts.tracked) counts.AddOutput(result.token);
    if (counts.remembers) counts.AddToken(result.token);
    results_.push_back(result);
  }

  Options options_;
  std::vector<Cell> cells_;                // [blocks * kKvBlockTokens]
  std::vector<FakeModel::Counts> counts_;  // [slots]
  std::vector<SampleResult> results_;
  bool launched_ = false;
  Failure failure_ = Failure::kNone;
  int64_t launches_ = 0;
};

}  // namespace spate
