// Embed, GatherRows and AddNorm.
//
// Embed and GatherRows copy: no tolerance, and an embedding row has exactly the bits of its rounded source.
//
// AddNorm. The residual is one f32 addition: at most one rounding off. The mean of squares is within
// Gamma(dim + 2), which the root halves; the root, a division and the two products of the result add few
// roundings of their own, 8 with an approximate root refined once: relative error Gamma(dim / 2 + 12).
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
  EmbedCase(int vocab, int dim, int tokens, DType format, DType source, bool tied)
      : vocab_(vocab), dim_(dim), tokens_(tokens), format_(format), source_(source), tied_(tied) {}

  std::string name() const override {
    return fmt::format("vocab {} dim {}, {} tokens, {} from {}{}", vocab_, dim_, tokens_, spate::Name(format_),
                       spate::Name(source_), tied_ ? ", tied" : "");
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
    ops->Embed(*table, step.batch(), out.mat());
    return {out.Values(), {}, out.Damage("out")};
  }

  std::vector<Expectation> Expect(Device& ref) const override { return {Exactly(Run(ref).values)}; }

 private:
  int vocab_, dim_, tokens_;
  DType format_, source_;
  bool tied_;
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
    ops->Embed(*table, step.batch(), out.mat());
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

class AddNormCase final : public Case {
 public:
  AddNormCase(int rows, int dim, bool delta, bool in_place, float scale)
      : rows_(rows), dim_(dim), delta_(delta), in_place_(in_place), scale_(scale) {}

  std::string name() const override {
    return fmt::format("{} rows of {}{}{}, values about {}", rows_, dim_, delta_ ? ", residual" : "",
                       in_place_ ? ", in place" : "", scale_);
  }
  bool Feels(Fault fault) const override { return Case::Feels(fault) && (fault != Fault::kPosition || dim_ > 1); }

  // The norms, then the residuals; in place there is nothing left of those.
  Output Run(Device& device) const override {
    const size_t size = static_cast<size_t>(rows_ * dim_);
    Random random(static_cast<uint64_t>(rows_ * 31 + dim_));
    SourceMatrix source(random.Values(static_cast<size_t>(dim_)), 1, dim_, DType::kBF16);
    const std::unique_ptr<Vec> weight = device.PackVec(source.view());
    source.Scribble();
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(rows_, dim_));
    Step step(BlockPlan({rows_}, 1), 1, OneSequence(rows_));
    ops->Begin(step.batch());
    GuardedMat x(rows_, dim_), delta(rows_, dim_, 2), out(rows_, dim_, 4);
    x.Fill(random.Values(size, scale_));
    delta.Fill(random.Values(size, scale_));
    const Mat delta_mat = delta.mat();
    ops->AddNorm(*weight, {NormKind::kRms, 1e-5f}, delta_ ? &delta_mat : nullptr, x.mat(),
                 in_place_ ? x.mat() : out.mat());
    Output output;
    output.values = in_place_ ? x.Values() : out.Values();
    if (!in_place_) {
      const std::vector<float> residual = x.Values();
      output.values.insert(output.values.end(), residual.begin(), residual.end());
    }
    output.damage = x.Damage("x") + out.Damage("out") + delta.Damage("delta");
    return output;
  }

  std::vector<Expectation> Expect(Device& ref) const override {
    Expectation expectation;
    expectation.values = Run(ref).values;
    const size_t norms = static_cast<size_t>(rows_ * dim_);
    for (size_t i = 0; i < expectation.values.size(); ++i) {
      const double relative = i < norms ? Gamma(dim_ / 2.0 + 12) : kRoundoff;
      expectation.bounds.push_back(relative * std::abs(static_cast<double>(expectation.values[i])));
    }
    return {expectation};
  }

 private:
  int rows_, dim_;
  bool delta_, in_place_;
  float scale_;
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

CaseList AddNormCases() {
  CaseList cases;
  for (int dim : {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 257, 1000, 4096}) {
    for (bool delta : {false, true}) {
      for (bool in_place : {false, true}) cases.push_back(std::make_unique<AddNormCase>(3, dim, delta, in_place, 1.0f));
    }
  }
  for (int rows : {1, 2, 5, 17, 64}) cases.push_back(std::make_unique<AddNormCase>(rows, 48, true, false, 1.0f));
  for (float scale : {1e-3f, 1e-8f, 1e4f, 1e8f})
    cases.push_back(std::make_unique<AddNormCase>(4, 77, true, false, scale));
  return cases;
}

}  // namespace spate::conformance
