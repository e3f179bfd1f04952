// Same request, same bits: on every device, a row of a result depends neither on the rows computed with it,
// nor on how a prompt was cut into steps, nor on where its blocks are, nor on the number of threads.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "tests/conformance_data.h"
#include "tests/conformance_fault.h"
#include "tests/conformance_step.h"
#include "tests/conformance_subjects.h"

namespace spate::conformance {
namespace {

using Rows = std::vector<std::vector<float>>;

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The first row that differs, or -1.
int FirstDifference(const Rows& a, const Rows& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (i >= b.size() || !SameBits(a[i], b[i])) return static_cast<int>(i);
  }
  return a.size() == b.size() ? -1 : static_cast<int>(a.size());
}

std::vector<float> RowOf(const GuardedMat& mat, int row, int cols) {
  std::vector<float> values;
  for (int c = 0; c < cols; ++c) values.push_back(mat.at(row, c));
  return values;
}

class SameBitsTest : public testing::TestWithParam<Subject> {};

// Linear

struct LinearShape {
  int rows, cols;
  DType format;
  Epilogue::Kind kind;
};

// All tokens through one Linear, `batch` of them a step.
Rows ApplyInBatches(Device& device, const LinearShape& shape, int tokens, int batch) {
  const bool gate = shape.kind == Epilogue::Kind::kGate;
  const DType source = Traits(shape.format).block_elements > 1 ? shape.format : DType::kF32;
  const auto rows = [&](uint64_t seed) {
    return SourceMatrix(RandomRows(source, shape.rows, shape.cols, seed, 0.2f), shape.rows, shape.cols, source);
  };
  const SourceMatrix first = rows(11), second = rows(12);
  std::vector<MatrixView> parts = {first.view()};
  if (gate) parts.push_back(second.view());
  const std::unique_ptr<Linear> linear = device.PackLinear({parts, {}}, {shape.format, gate});
  const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(tokens, 2 * std::max(shape.rows, shape.cols)));
  Rows results;
  for (int begin = 0; begin < tokens; begin += batch) {
    const int count = std::min(batch, tokens - begin);
    Step step(BlockPlan({count}, 1), 1, OneSequence(count));
    ops->Begin(step.batch());
    GuardedMat x(count, shape.cols, batch % 5);
    GuardedMat out(count, shape.rows, batch % 7);
    for (int t = 0; t < count; ++t) {
      Random values(static_cast<uint64_t>(1000 + begin + t));
      for (int c = 0; c < shape.cols; ++c) x.at(t, c) = values.Value();
      for (int c = 0; c < shape.rows; ++c) out.at(t, c) = values.Value();
    }
    ops->Apply(*linear, x.mat(), out.mat(), {shape.kind, Act::kGeluErf, 0.7f});
    for (int t = 0; t < count; ++t) results.push_back(RowOf(out, t, shape.rows));
  }
  return results;
}

TEST_P(SameBitsTest, ApplyInAnyBatch) {
  constexpr int kTokens = 67;
  const std::unique_ptr<Device> one = MakeSubject(GetParam(), 1);
  const std::unique_ptr<Device> two = MakeSubject(GetParam(), 2);
  const std::unique_ptr<Device> three = MakeSubject(GetParam(), 3);
  for (DType format : one->WeightFormats()) {
    for (Epilogue::Kind kind :
         {Epilogue::Kind::kStore, Epilogue::Kind::kAddTo, Epilogue::Kind::kAct, Epilogue::Kind::kGate}) {
      const int block = Traits(format).block_elements;
      // The reference unpacks element by element, whatever follows.
      if (block > 1 && GetParam().backend == "ref" && kind != Epilogue::Kind::kStore) continue;
      for (const LinearShape& shape : {LinearShape{37, block > 1 ? block : 45, format, kind},
                                       LinearShape{100, block > 1 ? 768 : 771, format, kind}}) {
        const Rows alone = ApplyInBatches(*one, shape, kTokens, 1);
        for (const auto& device : {one.get(), two.get(), three.get()}) {
          for (int batch : {1, 2, 3, 5, 8, 12, 13, 25, 64, kTokens}) {
            EXPECT_EQ(FirstDifference(alone, ApplyInBatches(*device, shape, kTokens, batch)), -1)
                << Name(format) << " " << shape.rows << " x " << shape.cols << ", epilogue " << static_cast<int>(kind)
                << ", " << batch << " at a time, " << device->info().threads << " threads";
          }
        }
      }
    }
  }
}

// The comparison itself: an element that one of them leaves out is seen.
TEST_P(SameBitsTest, NoticesAFault) {
  const std::unique_ptr<Device> device = MakeSubject(GetParam(), 2);
  FaultyDevice faulty(*device, Fault::kTail);
  const LinearShape shape = {37, 45, DType::kF32, Epilogue::Kind::kStore};
  EXPECT_EQ(FirstDifference(ApplyInBatches(*device, shape, 9, 9), ApplyInBatches(faulty, shape, 9, 9)), 8);
}

// Attention

struct AttentionShape {
  AttnSpec spec;
  DType kv;
  std::vector<int> lengths;  // of each sequence
};

// A weight of a norm that is large enough for every kind.
std::unique_ptr<Vec> PackQkNorm(Device& device, const AttnSpec& spec, uint64_t seed) {
  const SourceMatrix source(Random(seed).Values(static_cast<size_t>(spec.QueryWidth())), 1, spec.QueryWidth(),
                            DType::kF32);
  return device.PackVec({.weight = source.view()});
}

// chunk[s] tokens of sequence s a step, all sequences that have some left in one step. Rows by (sequence, position).
std::map<std::pair<int, int>, std::vector<float>> AttendInChunks(Device& device, const AttentionShape& shape,
                                                                 const std::vector<int>& sequences,
                                                                 const std::vector<int>& chunk) {
  const AttnSpec& spec = shape.spec;
  const BlockPlan plan(shape.lengths, 1);
  OpsConfig config = PlainConfig(0, spec.QkvWidth());
  for (int length : shape.lengths) config.max_tokens += length;
  config.max_sequences = config.slots = static_cast<int>(shape.lengths.size());
  config.max_context = plan.max_blocks() * kKvBlockTokens;
  config.kv.dtype = shape.kv;
  config.kv.layers = {{0, spec.kv_heads, spec.head_dim}};
  config.kv_blocks = {plan.blocks()};
  RopeTable rope;
  for (int i = 0; i < spec.head_dim / 2; ++i) rope.inv_freq.push_back(1.0f / static_cast<float>(1 + 3 * i));
  config.ropes = {rope};
  config.alibi = {AlibiSlopes(static_cast<size_t>(spec.heads), 0.05f)};
  const std::unique_ptr<Ops> ops = device.MakeOps(config);
  const std::unique_ptr<Vec> query_norm = PackQkNorm(device, spec, 8), key_norm = PackQkNorm(device, spec, 9);

  std::map<std::pair<int, int>, std::vector<float>> results;
  std::vector<int> past(shape.lengths.size());
  for (;;) {
    std::vector<Chunk> chunks;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const size_t s = static_cast<size_t>(sequences[i]);
      const int tokens = std::min(chunk[i % chunk.size()], shape.lengths[s] - past[s]);
      if (tokens == 0) continue;
      chunks.push_back({sequences[i], past[s], tokens});
      past[s] += tokens;
    }
    if (chunks.empty()) return results;
    Step step(plan, 1, chunks);
    ops->Begin(step.batch());
    GuardedMat qkv(step.batch().tokens, spec.QkvWidth());
    GuardedMat out(step.batch().tokens, spec.QueryWidth());
    int row = 0;
    for (const Chunk& part : chunks) {
      for (int p = part.past; p < part.past + part.tokens; ++p, ++row) {
        Random random(static_cast<uint64_t>(part.sequence * 100003 + p));
        for (int c = 0; c < spec.QkvWidth(); ++c) qkv.at(row, c) = random.Value();
      }
    }
    ops->Attend(spec, {query_norm.get(), key_norm.get()}, 0, step.batch(), qkv.mat(), out.mat());
    row = 0;
    for (const Chunk& part : chunks) {
      for (int p = part.past; p < part.past + part.tokens; ++p) {
        results[{part.sequence, p}] = RowOf(out, row++, spec.QueryWidth());
      }
    }
  }
}

TEST_P(SameBitsTest, AttendInAnyChunksAndCompany) {
  std::vector<std::unique_ptr<Device>> devices;
  for (int threads : {1, 2, 3}) devices.push_back(MakeSubject(GetParam(), threads));
  for (DType kv : {DType::kF32, DType::kBF16}) {
    for (const AttentionShape& shape :
         {AttentionShape{{4, 2, 20, 0.3f, 0}, kv, {300, 17, 40}},
          AttentionShape{{3, 1, 15, 0.3f, 0}, kv, {64, 65, 520, 1}}, AttentionShape{{8, 1, 64, 0.1f, 0}, kv, {275}},
          AttentionShape{{8, 8, 32, 0.1f, 0}, kv, {33, 260}},
          AttentionShape{{4, 2, 20, 0.3f, 0, 33, 2.0f}, kv, {300, 17, 40}},
          AttentionShape{{3, 1, 15, 0.3f, 0, 257, 0, 0, 0.8f}, kv, {64, 65, 590, 1}},
          AttentionShape{{8, 1, 24, 0.3f, -1, 300, 1.5f, 0, 0, QkNorm::kHead, {}}, kv, {570}},
          AttentionShape{{6, 6, 16, 0.3f, 0, 15, 1.5f, -1, 0, QkNorm::kWidth, {NormKind::kLayer}}, kv, {90, 280}}}) {
      std::map<std::pair<int, int>, std::vector<float>> alone;
      std::vector<int> all;
      for (int s = 0; s < static_cast<int>(shape.lengths.size()); ++s) {
        alone.merge(AttendInChunks(*devices[0], shape, {s}, {1}));
        all.insert(all.begin(), s);  // the last first
      }
      for (const auto& device : devices) {
        for (const std::vector<int>& chunk : {std::vector<int>{1}, {5}, {16}, {64}, {1000}, {1, 7, 100}, {300, 1}}) {
          const auto together = AttendInChunks(*device, shape, all, chunk);
          ASSERT_EQ(together.size(), alone.size());
          int differing = 0;
          for (const auto& [where, row] : alone) differing += SameBits(row, together.at(where)) ? 0 : 1;
          EXPECT_EQ(differing, 0) << "rows differ: " << Name(kv) << " cache, " << shape.spec.heads << "/"
                                  << shape.spec.kv_heads << " heads of " << shape.spec.head_dim << ", window "
                                  << shape.spec.window << ", chunks of " << chunk[0] << " and so on, "
                                  << device->info().threads << " threads";
        }
      }
    }
  }
}

// Norm

Rows NormInBatches(Device& device, NormKind kind, int dim, int rows, int batch) {
  Random random(3);
  const SourceMatrix source(random.Values(static_cast<size_t>(dim)), 1, dim, DType::kF32);
  const std::unique_ptr<Vec> weight = device.PackVec({.weight = source.view()});
  const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(rows, dim));
  Rows results;
  for (int begin = 0; begin < rows; begin += batch) {
    const int count = std::min(batch, rows - begin);
    Step step(BlockPlan({count}, 1), 1, OneSequence(count));
    ops->Begin(step.batch());
    GuardedMat x(count, dim, batch % 3), delta(count, dim, batch % 4), out(count, dim, batch % 5);
    for (int t = 0; t < count; ++t) {
      Random values(static_cast<uint64_t>(50 + begin + t));
      for (int c = 0; c < dim; ++c) x.at(t, c) = values.Value();
      for (int c = 0; c < dim; ++c) delta.at(t, c) = values.Value();
    }
    const Mat delta_mat = delta.mat();
    ops->AddNorm(*weight, {.kind = kind}, &delta_mat, x.mat(), out.mat());
    for (int t = 0; t < count; ++t) {
      results.push_back(RowOf(out, t, dim));
      results.push_back(RowOf(x, t, dim));
    }
  }
  return results;
}

TEST_P(SameBitsTest, AddNormInAnyBatch) {
  const std::unique_ptr<Device> one = MakeSubject(GetParam(), 1);
  for (NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
    for (int dim : {5, 64, 257, 2048}) {
      const Rows alone = NormInBatches(*one, kind, dim, 40, 1);
      for (int threads : {1, 2, 3}) {
        const std::unique_ptr<Device> device = MakeSubject(GetParam(), threads);
        for (int batch : {2, 7, 40}) {
          EXPECT_EQ(FirstDifference(alone, NormInBatches(*device, kind, dim, 40, batch)), -1)
              << dim << ", " << batch << " at a time, " << threads << " threads";
        }
      }
    }
  }
}

// Sampling

std::vector<SampleResult> SampleInBatches(Device& device, int vocab, int rows, int batch) {
  OpsConfig config = PlainConfig(rows, vocab);
  config.max_sequences = config.slots = rows;
  const BlockPlan plan(std::vector<int>(static_cast<size_t>(rows), 1), 1);
  config.kv_blocks = {plan.blocks()};
  const std::unique_ptr<Ops> ops = device.MakeOps(config);
  SamplerExtras extras;
  for (const SamplerStep kind : {SamplerStep::kXtc, SamplerStep::kTypicalP, SamplerStep::kTemperature,
                                 SamplerStep::kTopP, SamplerStep::kTopNSigma}) {
    extras.steps[extras.step_count++] = kind;
  }
  extras.xtc_probability = 0.5f;
  extras.typical_p = 0.9f;
  extras.top_n_sigma = 2;
  extras.dynatemp_range = 0.5f;
  std::vector<SampleResult> results;
  for (int begin = 0; begin < rows; begin += batch) {
    const int count = std::min(batch, rows - begin);
    std::vector<Chunk> chunks;
    std::vector<int32_t> outputs;
    std::vector<SampleArgs> args(static_cast<size_t>(count));
    GuardedMat logits(count, vocab);
    for (int i = 0; i < count; ++i) {
      chunks.push_back({i, 0, 1});
      outputs.push_back(i);
      Random random(static_cast<uint64_t>(begin + i));
      SampleArgs& row = args[static_cast<size_t>(i)];
      row.seed = random.Next();
      row.position = begin + i;
      row.slot = i;
      row.temperature = 0.8f;
      row.top_k = (begin + i) % 3 * 20;
      row.top_p = (begin + i) % 2 == 0 ? 1.0f : 0.9f;
      row.top_logprobs = (begin + i) % 5 - 1;
      if ((begin + i) % 4 == 3) row.extras = &extras;
      for (int c = 0; c < vocab; ++c) logits.at(i, c) = 6 * random.Value();
    }
    Step step(plan, 1, chunks);
    step.SetOutputs(outputs);
    step.batch().sample = args.data();
    ops->Begin(step.batch());
    std::vector<SampleResult> part(static_cast<size_t>(count));
    ops->Sample(step.batch(), logits.mat(), part);
    results.insert(results.end(), part.begin(), part.end());
  }
  return results;
}

TEST_P(SameBitsTest, SampleInAnyBatch) {
  const std::unique_ptr<Device> one = MakeSubject(GetParam(), 1);
  for (int vocab : {50, 3001}) {
    const std::vector<SampleResult> alone = SampleInBatches(*one, vocab, 30, 1);
    for (int threads : {1, 2, 3}) {
      const std::unique_ptr<Device> device = MakeSubject(GetParam(), threads);
      for (int batch : {2, 7, 30}) {
        const std::vector<SampleResult> together = SampleInBatches(*device, vocab, 30, batch);
        ASSERT_EQ(together.size(), alone.size());
        for (size_t i = 0; i < alone.size(); ++i) {
          EXPECT_EQ(together[i].token, alone[i].token);
          EXPECT_EQ(together[i].logprob, alone[i].logprob);
          ASSERT_EQ(together[i].top_count, alone[i].top_count);
          for (int k = 0; k < alone[i].top_count; ++k) {
            EXPECT_EQ(together[i].top_ids[k], alone[i].top_ids[k]);
            EXPECT_EQ(together[i].top_logprobs[k], alone[i].top_logprobs[k]);
          }
        }
      }
    }
  }
}

// A sequence whose samplers look back, over 40 steps of changing logits in slot 0; from step `moved` on in slot 1, with
// what its owner knows by then.
std::vector<SampleResult> SampleWithHistory(Device& device, int moved) {
  constexpr int kVocab = 301;
  OpsConfig config = PlainConfig(1, kVocab);
  config.max_sequences = 1;
  config.slots = 2;
  config.max_context = 128;
  const BlockPlan plan({1}, 1);
  config.kv_blocks = {plan.blocks()};
  const std::unique_ptr<Ops> ops = device.MakeOps(config);
  const std::vector<int32_t> prompt = {5, 6, 7, 5, 6};
  std::vector<int32_t> output;
  SampleArgs args;
  SamplerExtras extras;
  const int32_t words[] = {5, 6, 7};
  const int32_t ends[] = {3};
  extras.bad_words = words;
  extras.bad_word_ends = ends;
  extras.bad_word_count = 1;
  for (const SamplerStep kind : {SamplerStep::kPenalties, SamplerStep::kDry, SamplerStep::kTemperature}) {
    extras.steps[extras.step_count++] = kind;
  }
  extras.dry_multiplier = 3;
  extras.dry_allowed_length = 1;
  extras.mirostat = true;
  args.extras = &extras;
  args.temperature = 0.7f;
  args.frequency_penalty = 0.3f;
  SlotStart start{.slot = 0, .track = true, .remember = true, .mirostat_mu = 10, .prompt = prompt, .output = {}};
  ops->SetSlot(start);
  std::vector<SampleResult> results;
  for (int i = 0; i < 40; ++i) {
    if (i == moved) {
      ops->SetSlot({.slot = 0});
      start.slot = args.slot = 1;
      start.output = output;
      start.mirostat_mu = results.back().mirostat_mu;
      ops->SetSlot(start);
    }
    Step step(plan, 1, {{0, 0, 1}});
    step.SetOutputs({0});
    args.position = static_cast<int64_t>(prompt.size() + output.size());
    step.batch().sample = &args;
    ops->Begin(step.batch());
    Random random(static_cast<uint64_t>(i % 5));
    GuardedMat logits(1, kVocab);
    for (int c = 0; c < kVocab; ++c) logits.at(0, c) = (c < 8 ? 12.0f : 6.0f) * random.Value();
    SampleResult result;
    ops->Sample(step.batch(), logits.mat(), {&result, 1});
    results.push_back(result);
    output.push_back(result.token);
  }
  return results;
}

TEST_P(SameBitsTest, SamplersThatLookBackGoOnInAnotherSlot) {
  const std::unique_ptr<Device> device = MakeSubject(GetParam(), 1);
  const std::vector<SampleResult> stayed = SampleWithHistory(*device, -1);
  for (const int moved : {1, 7, 39}) {
    const std::vector<SampleResult> results = SampleWithHistory(*device, moved);
    for (size_t i = 0; i < stayed.size(); ++i) {
      EXPECT_EQ(results[i].token, stayed[i].token) << "moved at " << moved << ", step " << i;
      EXPECT_EQ(results[i].mirostat_mu, stayed[i].mirostat_mu) << "moved at " << moved << ", step " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, SameBitsTest, testing::ValuesIn(Subjects()),
                         [](const auto& param) { return param.param.Name(); });

}  // namespace
}  // namespace spate::conformance
