// Embed, GatherRows, Add, AddPositions and Softcap.
//
// All but the last copy, scale or add once in f32: no tolerance, and an embedding row has exactly the bits of its
// rounded source.
//
// Softcap. c tanh(x / c): a tanh within 2^-21 of its value, and 3 roundings for the division (tanh does not enlarge a
// relative error), the product and the reference's own store.
#include <fmt/format.h>

#include <cmath>

#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

Expectation Exactly(std::vector<float> values) {
  Expectation expectation;
  expectation.bounds.resize(values.size());
  expectation.values = std::move(values);
  return expectation;
}

class EmbedCase final : public Case {
 public:
  EmbedCase(int vocab, int dim, int tokens, DType format, DType source, bool tied, float scale = 1)
      : vocab_(vocab), dim_(dim), tokens_(tokens), format_(format), source_(source), tied_(tied), scale_(scale) {}

  std::string name() const override {
    return fmt::format("vocab {} dim {}, {} tokens, {} from {}{}, times {}", vocab_, dim_, tokens_,
                       spate::Name(format_), spate::Name(source_), tied_ ? ", tied" : "", scale_);
  }

  bool Feels(Fault fault) const override { return Case::Feels(fault) && (fault != Fault::kPosition || vocab_ > 1); }

  Output Run(Device& device) const override {
    const uint64_t seed = static_cast<uint64_t>(vocab_ * 7 + dim_);
    Random random(seed + 1);
    SourceMatrix source(RandomRows(source_, vocab_, dim_, seed), vocab_, dim_, source_);
    std::unique_ptr<Linear> head;
    std::unique_ptr<Table> table;
    if (tied_) {
      const MatrixView view = source.view();
      head = device.PackLinear({{&view, 1}, {}}, {format_, false});
      table = device.TableOf(*head);
    } else {
      table = device.PackTable(source.view(), format_);
    }
    source.Scribble();
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(tokens_, std::max(vocab_, dim_)));
    Step step(BlockPlan({tokens_}, 1), 1, OneSequence(tokens_));
    for (int32_t& id : step.ids()) id = random.Below(vocab_);
    step.ids().back() = vocab_ - 1;
    ops->Begin(step.batch());
    GuardedMat out(tokens_, dim_);
    ops->Embed(*table, scale_, step.batch(), out.mat());
    return {out.Values(), {}, out.Damage("out")};
  }

  std::vector<Expectation> Expect(Device& ref) const override { return {Exactly(Run(ref).values)}; }

 private:
  int vocab_, dim_, tokens_;
  DType format_, source_;
  bool tied_;
  float scale_;
};

// Ids that stand for the token last sampled in a slot: -1 - slot.
class EmbedSampledCase final : public Case {
 public:
  std::string name() const override { return "last sampled tokens of slots 2 and 0"; }

  Output Run(Device& device) const override {
    constexpr int kVocab = 21, kDim = 5, kSlots = 3;
    Random random(5);
    SourceMatrix source(random.Values(kVocab * kDim), kVocab, kDim, DType::kF32);
    const std::unique_ptr<Table> table = device.PackTable(source.view(), DType::kF32);
    OpsConfig config = PlainConfig(4, kVocab);
    config.max_sequences = kSlots;
    config.slots = kSlots;
    const std::unique_ptr<Ops> ops = device.MakeOps(config);

    Step sample_step(BlockPlan({4}, 1), 1, OneSequence(4));
    sample_step.SetOutputs({0, 1, 2});
    std::vector<SampleArgs> args(kSlots);  // greedy
    GuardedMat logits(kSlots, kVocab);
    logits.Fill(random.Values(kSlots * kVocab));
    for (int s = 0; s < kSlots; ++s) {
      args[static_cast<size_t>(s)].slot = s;
      logits.at(s, 7 * s + 3) = 2;
    }
    sample_step.batch().sample = args.data();
    ops->Begin(sample_step.batch());
    std::vector<SampleResult> results(kSlots);
    ops->Sample(sample_step.batch(), logits.mat(), results);

    Step step(BlockPlan({4}, 1), 1, OneSequence(4));
    step.ids() = {-1 - 2, 4, -1 - 0, kVocab - 1};
    step.batch().ids = step.ids().data();
    ops->Begin(step.batch());
    GuardedMat out(4, kDim);
    ops->Embed(*table, 1, step.batch(), out.mat());
    return {out.Values(), {}, out.Damage("out")};
  }

  std::vector<Expectation> Expect(Device& ref) const override { return {Exactly(Run(ref).values)}; }
};

class GatherRowsCase final : public Case {
 public:
  GatherRowsCase(int tokens, int dim, std::vector<int32_t> rows) : tokens_(tokens), dim_(dim), rows_(std::move(rows)) {}

  std::string name() const override { return fmt::format("{} of {} rows, dim {}", rows_.size(), tokens_, dim_); }
  bool Feels(Fault fault) const override { return Case::Feels(fault) && (fault != Fault::kPosition || tokens_ > 1); }

  Output Run(Device& device) const override {
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(tokens_, dim_));
    Step step(BlockPlan({tokens_}, 1), 1, OneSequence(tokens_));
    step.SetOutputs(rows_);
    ops->Begin(step.batch());
    Random random(static_cast<uint64_t>(dim_));
    GuardedMat x(tokens_, dim_);
    GuardedMat out(static_cast<int>(rows_.size()), dim_, 1);
    x.Fill(random.Values(static_cast<size_t>(tokens_ * dim_)));
    ops->GatherRows(step.batch(), x.mat(), out.mat());
    return {out.Values(), {}, out.Damage("out") + x.Damage("x")};
  }

  std::vector<Expectation> Expect(Device& ref) const override { return {Exactly(Run(ref).values)}; }

 private:
  int tokens_, dim_;
  std::vector<int32_t> rows_;
};

// x += a row of each token's position, or of another matrix.
class AddCase final : public Case {
 public:
  AddCase(int tokens, int past, int dim, bool positions, DType format)
      : tokens_(tokens), past_(past), dim_(dim), positions_(positions), format_(format) {}

  std::string name() const override {
    return fmt::format("{} tokens of {}, {}", tokens_, dim_,
                       positions_ ? fmt::format("positions from {} in {}", past_, spate::Name(format_)) : "rows");
  }
  bool Feels(Fault fault) const override {
    return Case::Feels(fault) && (fault != Fault::kPosition || positions_ || dim_ > 1);
  }

  Output Run(Device& device) const override {
    constexpr int kOffset = 2;
    Random random(static_cast<uint64_t>(tokens_ * 101 + dim_));
    const size_t size = static_cast<size_t>(tokens_ * dim_);
    const int rows = past_ + tokens_ + kOffset;
    SourceMatrix source(random.Values(static_cast<size_t>(rows * dim_)), rows, dim_, DType::kF32);
    const std::unique_ptr<Table> table = device.PackTable(source.view(), format_);
    source.Scribble();
    OpsConfig config = PlainConfig(past_ + tokens_, dim_);
    const std::unique_ptr<Ops> ops = device.MakeOps(config);
    Step step(BlockPlan({past_ + tokens_}, 1), 1, {{0, past_, tokens_}});
    ops->Begin(step.batch());
    GuardedMat x(tokens_, dim_), delta(tokens_, dim_, 1);
    x.Fill(random.Values(size));
    delta.Fill(random.Values(size));
    if (positions_) {
      ops->AddPositions(*table, kOffset, step.batch(), x.mat());
    } else {
      ops->Add(delta.mat(), x.mat());
    }
    return {x.Values(), {}, x.Damage("x") + delta.Damage("delta")};
  }

  std::vector<Expectation> Expect(Device& ref) const override { return {Exactly(Run(ref).values)}; }

 private:
  int tokens_, past_, dim_;
  bool positions_;
  DType format_;
};

class SoftcapCase final : public Case {
 public:
  SoftcapCase(int rows, int cols, float cap, float scale) : rows_(rows), cols_(cols), cap_(cap), scale_(scale) {}

  std::string name() const override {
    return fmt::format("{} rows of {} about {} capped at {}", rows_, cols_, scale_, cap_);
  }
  // Far beyond the cap all values are alike.
  bool Feels(Fault fault) const override {
    const bool far = scale_ > 20 * cap_;
    if (fault == Fault::kWeight) return !far;
    return Case::Feels(fault) && (fault != Fault::kPosition || (cols_ > 1 && !far));
  }

  Output Run(Device& device) const override {
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(rows_, cols_));
    Step step(BlockPlan({rows_}, 1), 1, OneSequence(rows_));
    ops->Begin(step.batch());
    Random random(static_cast<uint64_t>(rows_ * 31 + cols_));
    GuardedMat logits(rows_, cols_);
    logits.Fill(random.Values(static_cast<size_t>(rows_ * cols_), scale_));
    ops->Softcap(cap_, logits.mat());
    return {logits.Values(), {}, logits.Damage("logits")};
  }

  std::vector<Expectation> Expect(Device& ref) const override {
    Expectation expectation;
    expectation.values = Run(ref).values;
    for (const float value : expectation.values) {
      expectation.bounds.push_back((0x1p-21 + Gamma(3)) * std::abs(static_cast<double>(value)));
    }
    return {expectation};
  }

 private:
  int rows_, cols_;
  float cap_, scale_;
};

}  // namespace

CaseList EmbedCases() {
  CaseList cases;
  for (DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (DType source : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (bool tied : {false, true}) {
        for (int vocab : {1, 15, 17, 50}) {
          for (int dim : {1, 2, 17, 64})
            cases.push_back(std::make_unique<EmbedCase>(vocab, dim, 5, format, source, tied));
        }
        cases.push_back(std::make_unique<EmbedCase>(33, 20, 1, format, source, tied));
        cases.push_back(std::make_unique<EmbedCase>(100, 31, 70, format, source, tied));
        cases.push_back(std::make_unique<EmbedCase>(40, 37, 6, format, source, tied, 27.7f));
      }
    }
  }
  for (DType format : {DType::kQ4_0, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const int block = Traits(format).block_elements;
    for (bool tied : {false, true}) {
      for (int vocab : {1, 15, 17, 70}) {
        for (int blocks : {1, 3}) {
          cases.push_back(std::make_unique<EmbedCase>(vocab, blocks * block, 5, format, format, tied));
        }
      }
      cases.push_back(std::make_unique<EmbedCase>(33, block, 1, DType::kF16, format, tied));
    }
  }
  cases.push_back(std::make_unique<EmbedCase>(33, 512, 3, DType::kF32, DType::kIQ4_XS, true));
  cases.push_back(std::make_unique<EmbedCase>(33, 64, 3, DType::kQ8_0, DType::kF32, true));
  cases.push_back(std::make_unique<EmbedSampledCase>());
  return cases;
}

CaseList GatherRowsCases() {
  CaseList cases;
  for (int dim : {1, 15, 16, 17, 64, 257}) {
    cases.push_back(std::make_unique<GatherRowsCase>(1, dim, std::vector<int32_t>{0}));
    cases.push_back(std::make_unique<GatherRowsCase>(9, dim, std::vector<int32_t>{8}));
    cases.push_back(std::make_unique<GatherRowsCase>(9, dim, std::vector<int32_t>{0, 3, 4, 8}));
    cases.push_back(std::make_unique<GatherRowsCase>(3, dim, std::vector<int32_t>{0, 1, 2}));
  }
  return cases;
}

CaseList AddCases() {
  CaseList cases;
  for (int dim : {1, 2, 15, 16, 17, 33, 64, 257}) {
    for (int tokens : {1, 3, 20}) cases.push_back(std::make_unique<AddCase>(tokens, 0, dim, false, DType::kF32));
    for (DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
      cases.push_back(std::make_unique<AddCase>(5, 0, dim, true, format));
      cases.push_back(std::make_unique<AddCase>(1, 7, dim, true, format));
    }
  }
  cases.push_back(std::make_unique<AddCase>(150, 0, 300, false, DType::kF32));  // enough for several threads
  cases.push_back(std::make_unique<AddCase>(150, 20, 300, true, DType::kBF16));
  return cases;
}

CaseList SoftcapCases() {
  CaseList cases;
  for (int cols : {1, 2, 15, 16, 17, 33, 250}) {
    for (int rows : {1, 3}) cases.push_back(std::make_unique<SoftcapCase>(rows, cols, 30.0f, 50.0f));
  }
  cases.push_back(std::make_unique<SoftcapCase>(2, 50, 5.0f, 2.0f));
  cases.push_back(std::make_unique<SoftcapCase>(2, 50, 50.0f, 160.0f));
  cases.push_back(std::make_unique<SoftcapCase>(2, 50, 30.0f, 1e30f));
  cases.push_back(std::make_unique<SoftcapCase>(3, 20001, 30.0f, 50.0f));  // enough for several threads
  return cases;
}

}  // namespace spate::conformance
