// Sample: every filter and penalty alone and together, over several steps, against backend/ref/sample.h.
//
// A token is a discrete result. It has to be the reference's, unless the draw lies within kDraw of the border
// between two tokens, or a filter's threshold within kThreshold of a cumulative or relative probability: a
// backend may weigh in f32, where an exponent of at most 32 is off by 3 roundings, 32 * 3 * 2^-24 < kDraw,
// and sums of weights by the same share. Log-probabilities: the logit's distance from the largest, and the
// logarithm of a sum whose weights are that exact: within 2^-21 of the largest magnitude, and kDraw.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "backend/ref/sample.h"
#include "base/half.h"
#include "base/rng.h"
#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

constexpr double kDraw = 0x1p-17;
constexpr double kThreshold = 1e-5;
constexpr int kBadWords = 3;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

enum class Logits { kRandom, kTies, kNotFinite, kNoneFinite };

struct Shape {
  std::string name;
  int vocab = 100;
  int rows = 5;
  int steps = 3;
  bool draws = true;  // not greedy: the position matters
  bool tracked = false;
  bool remembers = false;
  bool bans = false;  // the last token, in every row
  Logits logits = Logits::kRandom;
  std::function<void(Random&, SampleArgs&)> set = [](Random&, SampleArgs&) {};
  std::function<void(Random&, SampleArgs&, SamplerExtras&)> set_extras{};  // none: rows without extras
};

// One row's arguments and what they point to.
struct Row {
  SampleArgs args;
  std::vector<TokenBias> bias;
  SamplerExtras extras;
  std::vector<int32_t> breakers, bad_words, bad_word_ends;
};

// What a sequence had before the first step.
struct History {
  std::vector<int32_t> prompt, output;
};

class SampleCase final : public Case {
 public:
  explicit SampleCase(Shape shape) : shape_(std::move(shape)) {}

  std::string name() const override { return fmt::format("{}, vocab {}", shape_.name, shape_.vocab); }

  bool Feels(Fault fault) const override {
    const int choices = shape_.vocab - (shape_.bans ? 1 : 0) - (shape_.remembers ? kBadWords : 0);
    switch (fault) {
      case Fault::kWeight:
        return choices > 1;
      case Fault::kPosition:
        return choices > 1 && shape_.draws;
      case Fault::kNorm:
      case Fault::kAngle:
        return false;
      case Fault::kTail:
        return true;
    }
    return true;
  }

  Output Run(Device& device) const override {
    OpsConfig config = PlainConfig(shape_.rows, shape_.vocab);
    config.max_sequences = config.slots = shape_.rows;
    config.max_context = 128;  // histories and steps together
    const std::vector<int> contexts(static_cast<size_t>(shape_.rows), 1);
    const BlockPlan plan(contexts, 1);
    config.kv_blocks = {plan.blocks()};
    std::vector<Chunk> chunks;
    std::vector<int32_t> output_rows;
    for (int i = 0; i < shape_.rows; ++i) {
      chunks.push_back({i, 0, 1});
      output_rows.push_back(i);
    }
    const std::unique_ptr<Ops> ops = device.MakeOps(config);
    for (int i = 0; i < shape_.rows; ++i) {
      const History history = HistoryOf(i);
      ops->SetSlot(Start(i, history));
    }

    Output output;
    for (int s = 0; s < shape_.steps; ++s) {
      Step step(plan, 1, chunks);
      step.SetOutputs(output_rows);
      std::vector<Row> rows = Rows(s);
      std::vector<SampleArgs> args;
      for (Row& row : rows) args.push_back(row.args);
      step.batch().sample = args.data();
      ops->Begin(step.batch());
      GuardedMat logits(shape_.rows, shape_.vocab);
      const std::vector<float> values = LogitsOf(s);
      logits.Fill(values);
      std::vector<SampleResult> results(static_cast<size_t>(shape_.rows));
      for (SampleResult& result : results) result.token = -1;
      ops->Sample(step.batch(), logits.mat(), results);
      output.samples.insert(output.samples.end(), results.begin(), results.end());
      output.damage += logits.Damage("logits");
      const std::vector<float> after = logits.Values();
      const auto same = [](float a, float b) { return FloatBits(a) == FloatBits(b); };
      if (!std::equal(after.begin(), after.end(), values.begin(), same)) output.damage += "logits were changed";
    }
    return output;
  }

  std::string Mismatch(Device&, const Output& output) const override {
    if (!output.damage.empty()) return output.damage;
    std::vector<ref::SlotState> slots;
    for (int i = 0; i < shape_.rows; ++i) {
      const History history = HistoryOf(i);
      slots.emplace_back().Start(Start(i, history), shape_.vocab);
    }
    for (int s = 0; s < shape_.steps; ++s) {
      const std::vector<float> logits = LogitsOf(s);
      const std::vector<Row> rows = Rows(s);
      for (size_t i = 0; i < rows.size(); ++i) {
        const SampleResult& result = output.samples[static_cast<size_t>(s) * rows.size() + i];
        const size_t vocab = static_cast<size_t>(shape_.vocab);
        const std::span<const float> row(logits.data() + i * vocab, vocab);
        const std::string difference = RowMismatch(row, rows[i].args, slots[i], result);
        if (!difference.empty()) return fmt::format("step {} row {}: {}", s, i, difference);
        slots[i].Take(result);
      }
    }
    return {};
  }

 private:
  std::vector<float> LogitsOf(int step) const {
    Random random(static_cast<uint64_t>(shape_.vocab * 100 + step));
    std::vector<float> logits = random.Values(static_cast<size_t>(shape_.rows * shape_.vocab), 8.0f);
    for (float& logit : logits) {
      if (shape_.logits == Logits::kTies) logit = static_cast<float>(random.Below(3));
      if (shape_.logits == Logits::kNotFinite && random.Below(4) == 0) {
        constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(), -kInfinity, kInfinity,
                                  -std::numeric_limits<float>::max()};
        logit = kOdd[random.Below(4)];
      }
      if (shape_.logits == Logits::kNoneFinite) {
        logit = random.Below(2) == 0 ? -kInfinity : std::numeric_limits<float>::quiet_NaN();
      }
    }
    return logits;
  }

  void SetExtras(Random& random, Row& row) const {
    SamplerExtras& extras = row.extras;
    row.args.extras = &extras;
    if (shape_.remembers) {
      row.breakers = {random.Below(shape_.vocab)};
      row.bad_words = {0, 1 % shape_.vocab, 1 % shape_.vocab, 0, shape_.vocab - 1};
      row.bad_word_ends = {2, 4, 5};
      static_assert(kBadWords == 3);
    }
    shape_.set_extras(random, row.args, extras);
    extras.dry_breakers = row.breakers.data();
    extras.dry_breaker_count = static_cast<int32_t>(row.breakers.size());
    extras.bad_words = row.bad_words.data();
    extras.bad_word_ends = row.bad_word_ends.data();
    extras.bad_word_count = static_cast<int32_t>(row.bad_word_ends.size());
  }

  std::vector<Row> Rows(int step) const {
    std::vector<Row> rows(static_cast<size_t>(shape_.rows));
    Random random(static_cast<uint64_t>(shape_.vocab) + 17);
    for (size_t i = 0; i < rows.size(); ++i) {
      SampleArgs& args = rows[i].args;
      args.seed = random.Next();
      args.choice = static_cast<uint32_t>(i % 2);
      args.slot = static_cast<int32_t>(i);
      shape_.set(random, args);
      if (shape_.set_extras) SetExtras(random, rows[i]);
      args.position = 40 + step;
      if (shape_.bans) {
        rows[i].bias = {{shape_.vocab - 1, -kInfinity}, {0, 1.5f}};
        if (shape_.vocab > 2) rows[i].bias.push_back({shape_.vocab / 2, -2.25f});
        args.bias = rows[i].bias.data();
        args.bias_count = static_cast<int32_t>(rows[i].bias.size());
      }
    }
    return rows;
  }

  History HistoryOf(int index) const {
    History history;
    Random random(static_cast<uint64_t>(index) + 99);
    if (shape_.remembers) {  // few different tokens, so that stretches come again
      const int kinds = std::min(shape_.vocab, 2 + random.Below(4));
      for (int i = 5 + random.Below(40); i > 0; --i) history.prompt.push_back(random.Below(kinds));
      for (int i = random.Below(30); i > 0; --i) history.output.push_back(random.Below(kinds));
    } else if (shape_.tracked) {
      for (int32_t id = 0; id < shape_.vocab; ++id) {
        if (random.Below(3) == 0) history.prompt.push_back(id);
        if (random.Below(4) == 0) history.output.insert(history.output.end(), static_cast<size_t>(random.Below(4)), id);
      }
    }
    return history;
  }

  SlotStart Start(int index, const History& history) const {
    return {.slot = index,
            .track = shape_.tracked,
            .remember = shape_.remembers,
            .mirostat_mu = 0.5f + static_cast<float>(index),
            .prompt = history.prompt,
            .output = history.output};
  }

  // One row's samplers that cut somewhere, to be moved by what rounding may move them.
  struct Moved {
    SampleArgs args;
    SamplerExtras extras;
    ref::SlotState slot;
    std::vector<float*> cuts;  // those that are on

    Moved(const SampleArgs& a, const ref::SlotState& s) : args(a), slot(s) {
      const auto add = [&](float& value, bool on) {
        if (on) cuts.push_back(&value);
      };
      add(args.top_p, args.top_p < 1);
      add(args.min_p, args.min_p > 0);
      if (a.extras == nullptr) return;
      extras = *a.extras;
      args.extras = &extras;
      add(extras.typical_p, extras.typical_p < 1);
      add(extras.top_n_sigma, extras.top_n_sigma > 0);
      add(extras.xtc_threshold, extras.xtc_probability > 0);
      add(slot.mirostat_mu, extras.mirostat);
    }
    Moved(const Moved&) = delete;
    Moved& operator=(const Moved&) = delete;
  };

  // Whether `token` is what u falls on with every cut where it is, or a little lower or higher.
  static bool IsNear(std::span<const float> logits, const SampleArgs& args, const ref::SlotState& slot, int32_t token) {
    if (args.temperature <= 0) return false;
    const double u = static_cast<double>(UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0));
    Moved moved(args, slot);
    std::vector<float> cuts;
    for (const float* cut : moved.cuts) cuts.push_back(*cut);
    int ways = 1;
    for (size_t i = 0; i < cuts.size(); ++i) ways *= 3;
    for (int way = 0; way < ways; ++way) {
      for (int i = 0, rest = way; i < static_cast<int>(cuts.size()); ++i, rest /= 3) {
        const size_t c = static_cast<size_t>(i);
        *moved.cuts[c] = static_cast<float>(static_cast<double>(cuts[c]) * (1 + (rest % 3 - 1) * kThreshold));
      }
      if (Drawn(ref::Probabilities(logits, moved.args, moved.slot), token, u)) return true;
    }
    return false;
  }

  // Whether u falls on `token`, or as near as rounding decides.
  static bool Drawn(const std::vector<double>& probabilities, int32_t token, double u) {
    const size_t index = static_cast<size_t>(token);
    if (probabilities[index] <= 0) return false;
    double below = 0;
    for (size_t i = 0; i < index; ++i) below += probabilities[i];
    return u >= below - kDraw && u < below + probabilities[index] + kDraw;
  }

  static std::string RowMismatch(std::span<const float> logits, const SampleArgs& args, const ref::SlotState& slot,
                                 const SampleResult& result) {
    const SampleResult expected = ref::SampleRow(logits, args, slot);
    if (result.token < 0 || static_cast<size_t>(result.token) >= logits.size()) {
      return fmt::format("token {} of {}", result.token, logits.size());
    }
    if (result.no_logits != expected.no_logits) return fmt::format("no_logits {}", result.no_logits);
    if (result.token != expected.token) {
      if (!IsNear(logits, args, slot, result.token)) {
        return fmt::format("token {}, expected {}", result.token, expected.token);
      }
    } else if (args.extras != nullptr) {
      // A surprise is as exact as a weight's exponent.
      const double bound = static_cast<double>(args.extras->mirostat_eta) * 2 * kDraw +
                           static_cast<double>(std::abs(expected.mirostat_mu)) * 0x1p-20;
      const double difference = static_cast<double>(result.mirostat_mu) - static_cast<double>(expected.mirostat_mu);
      if (!(std::abs(difference) <= bound)) {
        return fmt::format("mirostat's mu {}, expected {}", result.mirostat_mu, expected.mirostat_mu);
      }
    }
    if (args.top_logprobs < 0) return {};
    return LogProbabilityMismatch(logits, args, slot, result);
  }

  static std::string LogProbabilityMismatch(std::span<const float> logits, const SampleArgs& args,
                                            const ref::SlotState& slot, const SampleResult& result) {
    // The token's own is looked up by forcing the reference to it.
    const TokenBias force = {result.token, std::numeric_limits<float>::max()};
    SampleArgs greedy;
    greedy.top_logprobs = args.top_logprobs;
    greedy.bias = &force;
    greedy.bias_count = 1;
    const SampleResult expected = ref::SampleRow(logits, greedy, slot);
    double magnitude = 0;
    for (float logit : logits) {
      if (std::isfinite(logit)) magnitude = std::max(magnitude, std::abs(static_cast<double>(logit)));
    }
    const double bound = magnitude * 0x1p-21 + kDraw;
    const auto differs = [&](float got, float want) {
      if (std::isinf(want)) return got != want;
      return !(std::abs(static_cast<double>(got) - static_cast<double>(want)) <= bound);
    };
    if (expected.token == result.token && differs(result.logprob, expected.logprob)) {
      return fmt::format("log-probability {}, expected {}", result.logprob, expected.logprob);
    }
    if (result.top_count != expected.top_count) {
      return fmt::format("{} most likely tokens, expected {}", result.top_count, expected.top_count);
    }
    for (int i = 0; i < result.top_count; ++i) {
      if (result.top_ids[i] != expected.top_ids[i] || differs(result.top_logprobs[i], expected.top_logprobs[i])) {
        return fmt::format("most likely token {}: {} with {}, expected {} with {}", i, result.top_ids[i],
                           result.top_logprobs[i], expected.top_ids[i], expected.top_logprobs[i]);
      }
    }
    return {};
  }

  Shape shape_;
};

float Between(Random& random, float low, float high) {
  return low + (high - low) * static_cast<float>(random.Below(1000)) / 1000.0f;
}

void SetOrder(std::initializer_list<SamplerStep> steps, SamplerExtras& extras) {
  extras.step_count = 0;
  for (const SamplerStep step : steps) extras.steps[extras.step_count++] = step;
}

// Some of the samplers in any order.
void SetRandomOrder(Random& random, SamplerExtras& extras) {
  for (int i = 0; i < kSamplerSteps; ++i) extras.steps[i] = static_cast<SamplerStep>(i);
  for (int i = kSamplerSteps - 1; i > 0; --i) std::swap(extras.steps[i], extras.steps[random.Below(i + 1)]);
  extras.step_count = random.Below(4) == 0 ? 1 + random.Below(kSamplerSteps) : kSamplerSteps;
}

// Penalties first: behind a temperature, logits near the largest float leave the range of a float.
void PenalizeFirst(SamplerExtras& extras) {
  std::stable_partition(extras.steps, extras.steps + extras.step_count,
                        [](SamplerStep step) { return step <= SamplerStep::kDry; });
}

// Each sampler alone, behind a temperature, and all of them together.
void AddExtraCases(const std::function<void(Shape)>& add) {
  using Step = SamplerStep;
  const auto dry = [](Random& random, SamplerExtras& extras) {
    extras.dry_multiplier = Between(random, 0.2f, 2);
    extras.dry_base = Between(random, 1, 2);
    extras.dry_allowed_length = 1 + random.Below(4);
    extras.dry_last_n = random.Below(2) == 0 ? -1 : random.Below(60);
  };
  const auto alone = [](Step step, auto set) {
    return [=](Random& random, SampleArgs& args, SamplerExtras& extras) {
      args.temperature = Between(random, 0.5f, 1.5f);
      SetOrder({Step::kTemperature, step}, extras);
      set(random, extras);
    };
  };
  const auto everything = [=](Random& random, SampleArgs& args, SamplerExtras& extras) {
    SetRandomOrder(random, extras);
    args.temperature = random.Below(8) == 0 ? 0 : Between(random, 0.5f, 1.5f);
    args.repetition_penalty = Between(random, 0.5f, 2.0f);
    args.presence_penalty = Between(random, -1, 1);
    args.frequency_penalty = Between(random, -1, 1);
    args.top_k = random.Below(2) == 0 ? 0 : 3 + random.Below(300);
    args.top_p = random.Below(2) == 0 ? 1 : Between(random, 0.7f, 1);
    args.min_p = random.Below(2) == 0 ? 0 : Between(random, 0.0f, 0.02f);
    args.top_logprobs = random.Below(4) - 1;
    dry(random, extras);
    extras.top_n_sigma = random.Below(2) == 0 ? 0 : Between(random, 1, 3);
    extras.typical_p = random.Below(2) == 0 ? 1 : Between(random, 0.6f, 1);
    extras.xtc_probability = Between(random, 0, 1);
    extras.xtc_threshold = Between(random, 0.01f, 0.3f);
    extras.dynatemp_range = random.Below(2) == 0 ? 0 : Between(random, 0.1f, 0.8f);
    extras.dynatemp_exponent = Between(random, 0.5f, 2);
    extras.mirostat = random.Below(3) == 0;
    extras.mirostat_tau = Between(random, 1, 6);
    extras.mirostat_eta = Between(random, 0.05f, 0.5f);
  };
  add({.name = "top-n-sigma", .rows = 12, .set_extras = alone(Step::kTopNSigma, [](Random& random, SamplerExtras& e) {
                                            e.top_n_sigma = Between(random, 0.5f, 3);
                                          })});
  add({.name = "typical-p", .rows = 12, .set_extras = alone(Step::kTypicalP, [](Random& random, SamplerExtras& e) {
                                          e.typical_p = Between(random, 0.2f, 0.99f);
                                        })});
  add({.name = "XTC", .rows = 12, .set_extras = alone(Step::kXtc, [](Random& random, SamplerExtras& e) {
                                    e.xtc_probability = Between(random, 0, 1);
                                    e.xtc_threshold = Between(random, 0.005f, 0.4f);
                                  })});
  add({.name = "dynamic temperature", .rows = 12, .set_extras = [](Random& random, SampleArgs& args, SamplerExtras& e) {
         args.temperature = Between(random, 0.5f, 1.5f);
         SetOrder({Step::kTemperature}, e);
         e.dynatemp_range = Between(random, 0.1f, 0.5f);
         e.dynatemp_exponent = Between(random, 0.3f, 3);
       }});
  add({.name = "mirostat",
       .rows = 12,
       .steps = 6,
       .set_extras = [](Random& random, SampleArgs& args, SamplerExtras& e) {
         args.temperature = Between(random, 0.5f, 1.5f);
         SetOrder({Step::kTemperature}, e);
         e.mirostat = true;
         e.mirostat_tau = Between(random, 1, 6);
         e.mirostat_eta = Between(random, 0.05f, 0.5f);
       }});
  add({.name = "DRY and bad words", .rows = 12, .steps = 6, .remembers = true, .set_extras = alone(Step::kDry, dry)});
  add({.name = "greedy with DRY and bad words",
       .rows = 12,
       .steps = 6,
       .draws = false,
       .remembers = true,
       .set_extras = [=](Random& random, SampleArgs& args, SamplerExtras& e) {
         args.temperature = 0;
         SetOrder({Step::kDry}, e);
         dry(random, e);
       }});
  Shape all{.name = "any samplers in any order",
            .rows = 16,
            .steps = 6,
            .draws = false,
            .tracked = true,
            .remembers = true,
            .set_extras = everything};
  add(all);
  all.logits = Logits::kTies;
  all.name += ", equals";
  add(all);
  all.logits = Logits::kNotFinite;
  all.set_extras = [everything](Random& random, SampleArgs& args, SamplerExtras& extras) {
    everything(random, args, extras);
    PenalizeFirst(extras);
  };
  all.name = "any samplers in any order, not finite";
  add(all);
  all.bans = true;
  all.logits = Logits::kNoneFinite;
  all.name = "any samplers in any order, none finite";
  add(all);
}

}  // namespace

CaseList SampleCases() {
  CaseList cases;
  const auto temperature = [](Random& random, SampleArgs& args) { args.temperature = Between(random, 0.3f, 1.5f); };
  const auto penalties = [](Random& random, SampleArgs& args) {
    args.repetition_penalty = Between(random, 0.5f, 2.0f);
    args.presence_penalty = Between(random, -1, 1);
    args.frequency_penalty = Between(random, -1, 1);
  };
  const auto top_k = [=](Random& random, SampleArgs& args) {
    temperature(random, args);
    args.top_k = 1 + random.Below(20);
  };
  const auto top_p = [=](Random& random, SampleArgs& args) {
    temperature(random, args);
    args.top_p = Between(random, 0.3f, 0.99f);
  };
  const auto min_p = [=](Random& random, SampleArgs& args) {
    temperature(random, args);
    args.min_p = Between(random, 0.01f, 0.3f);
  };
  const auto logprobs = [=](Random& random, SampleArgs& args) {
    temperature(random, args);
    args.top_logprobs = random.Below(kMaxTopLogprobs + 1);
  };
  const auto everything = [=](Random& random, SampleArgs& args) {
    penalties(random, args);
    temperature(random, args);
    args.top_k = random.Below(3) == 0 ? 0 : 1 + random.Below(60);
    args.top_p = Between(random, 0.5f, 1.0f);
    args.min_p = Between(random, 0.0f, 0.05f);
    args.top_logprobs = random.Below(8) - 1;
  };
  const auto add = [&](Shape shape) {
    for (int vocab : {1, 2, 15, 17, 100, 1025, 5003}) {
      if (vocab > 1025 && shape.rows * shape.steps > 40) continue;  // time
      shape.vocab = vocab;
      cases.push_back(std::make_unique<SampleCase>(shape));
    }
  };
  add({.name = "greedy", .draws = false});
  add({.name = "greedy with bias", .draws = false, .bans = true});
  add({.name = "greedy with penalties", .steps = 6, .draws = false, .tracked = true, .set = penalties});
  add({.name = "greedy among equals", .draws = false, .logits = Logits::kTies});
  add({.name = "temperature", .set = temperature});
  add({.name = "top-k", .rows = 12, .set = top_k});
  add({.name = "top-p", .rows = 12, .set = top_p});
  add({.name = "min-p", .rows = 12, .set = min_p});
  add({.name = "equals through filters", .rows = 12, .logits = Logits::kTies, .set = top_k});
  add({.name = "bias", .bans = true, .set = temperature});
  add({.name = "log-probabilities", .set = logprobs});
  add({.name = "log-probabilities among equals", .logits = Logits::kTies, .set = logprobs});
  add({.name = "everything", .rows = 16, .steps = 6, .tracked = true, .set = everything});
  add({.name = "everything with bias", .rows = 16, .steps = 6, .tracked = true, .bans = true, .set = everything});
  add({.name = "not finite, greedy", .draws = false, .logits = Logits::kNotFinite});
  add({.name = "not finite", .rows = 12, .draws = false, .logits = Logits::kNotFinite, .set = everything});
  add({.name = "none finite", .draws = false, .logits = Logits::kNoneFinite, .set = everything});
  add({.name = "none finite with bias",
       .draws = false,
       .bans = true,
       .logits = Logits::kNoneFinite,
       .set = everything});
  AddExtraCases(add);
  cases.push_back(std::make_unique<SampleCase>(
      Shape{.name = "everything", .vocab = 128257, .rows = 4, .steps = 2, .tracked = true, .set = everything}));
  return cases;
}

}  // namespace spate::conformance
