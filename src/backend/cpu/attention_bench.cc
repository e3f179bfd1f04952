// Attention and sampling in the shapes of real models, on every level that this machine runs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backend/cpu/attend_harness_for_test.h"
#include "backend/cpu/cpu_sample.h"
#include "backend/cpu/kernel_levels_for_test.h"
#include "base/check.h"
#include "base/rng.h"

namespace spate::cpu {
namespace {

constexpr AttentionShape kLlama1B{.heads = 32, .kv_heads = 8, .head_dim = 64, .rotated = 64, .kv = DType::kBF16};
constexpr AttentionShape kLlama8B{.heads = 32, .kv_heads = 8, .head_dim = 128, .rotated = 128, .kv = DType::kBF16};
constexpr AttentionShape kLlama2{.heads = 32, .kv_heads = 32, .head_dim = 128, .rotated = 128, .kv = DType::kBF16};

constexpr AttentionShape kWindow{
    .heads = 32, .kv_heads = 8, .head_dim = 64, .rotated = 64, .kv = DType::kBF16, .window = 512};

// A first part of the sequence must come out alike from one thread and from all.
void CheckBits(const AttentionShape& shape, const KernelTable& kernels, int threads) {
  constexpr int kLength[] = {300};
  AttentionSteps one(shape, kLength, 1, 1), many(shape, kLength, 1, 1);
  ThreadPool one_thread(1), pool(threads);
  AttentionRunner one_runner(one.Config(), kernels, one_thread), runner(many.Config(), kernels, pool);
  one.RunAll(one_runner, 300);
  many.RunAll(runner, 100);
  CHECK(one.sequences()[0].out == many.sequences()[0].out, "{} on {} threads", kernels.level, threads);
}

// `tokens` more tokens of `sequences` sequences that have `depth` already.
void Attend(benchmark::State& state, const KernelTable& kernels, const AttentionShape& shape, int threads,
            int sequences, int depth, int tokens) {
  CheckBits(shape, kernels, threads);
  const std::vector<int> lengths(static_cast<size_t>(sequences), depth + tokens);
  AttentionSteps steps(shape, lengths, 1, 1);
  ThreadPool pool(threads);
  AttentionRunner runner(steps.Config(), kernels, pool);
  if (depth > 0) steps.Step(runner, std::vector<int>(lengths.size(), depth));
  steps.Prepare(std::vector<int>(lengths.size(), tokens));
  runner.Begin(steps.batch());
  for (auto _ : state) steps.Attend(runner, 0);
  double seen = 0;  // keys, over the queries of a sequence
  for (int t = 0; t < tokens; ++t) {
    const int keys = depth + t + 1;
    seen += shape.window > 0 ? std::min(keys, shape.window) : keys;
  }
  const double cached = shape.window > 0 ? std::min(depth + tokens, shape.window + tokens) : depth + tokens;
  state.counters["GFLOP/s"] = benchmark::Counter(4 * seen * sequences * shape.heads * shape.head_dim * 1e-9,
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.counters["KV_GB/s"] = benchmark::Counter(4.0 * cached * sequences * shape.kv_heads * shape.head_dim * 1e-9,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void Sample(benchmark::State& state, const KernelTable& kernels, const SampleArgs& args, int rows, int threads) {
  constexpr int kVocab = 128256;
  OpsConfig config;
  config.vocab = kVocab;
  config.max_outputs = rows;
  config.slots = rows;
  ThreadPool pool(threads);
  Sampler sampler(config, kernels.rows, pool);
  std::vector<float> logits(static_cast<size_t>(rows) * kVocab);
  FillGaussian(1, 0, 0, logits, 2.5f);
  std::vector<SampleArgs> all(static_cast<size_t>(rows), args);
  for (int i = 0; i < rows; ++i) all[static_cast<size_t>(i)].slot = i;
  Batch batch;
  batch.outputs = rows;
  batch.sample = all.data();
  std::vector<SampleResult> results(static_cast<size_t>(rows));
  for (auto _ : state) {
    sampler.Sample(batch, {logits.data(), rows, kVocab, kVocab, DType::kF32}, results);
    benchmark::DoNotOptimize(results.data());
    for (SampleArgs& a : all) ++a.position;
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const KernelTable* kernels : RunnableKernels()) {
    const std::string level(kernels->level);
    const auto attend = [&](const std::string& name, const AttentionShape& shape, int threads, int sequences, int depth,
                            int tokens) {
      benchmark::RegisterBenchmark(
          (name + "/" + level + "/threads:" + std::to_string(threads)).c_str(),
          [=](benchmark::State& state) { Attend(state, *kernels, shape, threads, sequences, depth, tokens); })
          ->UseRealTime();
    };
    for (const int threads : {1, 2}) {
      attend("attend_1b_prefill_512", kLlama1B, threads, 1, 0, 512);
      attend("attend_1b_decode_2048", kLlama1B, threads, 1, 2048, 1);
      attend("attend_1b_batch_16_decode_2048", kLlama1B, threads, 16, 2048, 1);  // larger than caches
      attend("attend_1b_decode_100", kLlama1B, threads, 1, 100, 1);
    }
    attend("attend_window_512_prefill_512_at_4096", kWindow, 1, 1, 4096, 512);
    attend("attend_window_512_decode_4096", kWindow, 1, 1, 4096, 1);
    attend("attend_window_512_decode_512", kWindow, 1, 1, 512, 1);
    attend("attend_8b_prefill_512", kLlama8B, 2, 1, 0, 512);
    attend("attend_8b_prefill_512_at_2048", kLlama8B, 2, 1, 2048, 512);
    attend("attend_7b_prefill_512", kLlama2, 2, 1, 0, 512);
    attend("attend_7b_decode_2048", kLlama2, 2, 1, 2048, 1);
    const auto sample = [&](const std::string& name, const SampleArgs& args, int rows) {
      benchmark::RegisterBenchmark((name + "/" + level).c_str(), [=](benchmark::State& state) {
        Sample(state, *kernels, args, rows, 2);
      })->UseRealTime();
    };
    SampleArgs args;
    sample("sample_greedy", args, 1);
    args.temperature = 0.8f;
    sample("sample_temperature", args, 1);
    args.top_k = 40;
    sample("sample_top_k", args, 1);
    args.top_p = 0.9f;
    sample("sample_top_k_top_p", args, 1);
    args.top_k = 0;
    sample("sample_top_p", args, 1);
    sample("sample_top_p_8_rows", args, 8);
    args.top_logprobs = 5;
    sample("sample_top_p_logprobs", args, 1);
  }
  return true;
}();

}  // namespace
}  // namespace spate::cpu
