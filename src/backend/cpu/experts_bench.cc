// Mixtures of experts in the shapes of Mixtral 8x7B and Qwen3-30B-A3B. Few tokens: bytes of the experts that a step
// uses, as a share of the bandwidth measured right after. Many: arithmetic. Both also as a share of what a dense
// feed-forward block of the same arithmetic reaches, timed in turns with it: other load on the machine hits both.
// Results are checked before anything is timed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backend/cpu/cpu_experts.h"
#include "backend/cpu/peaks.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/topology.h"

namespace spate::cpu {
namespace {

struct Mixture {
  const char* name;
  int experts, active, dim, hidden;
};
constexpr Mixture kMixtures[] = {{"qwen3_30b", 128, 8, 2048, 768}, {"mixtral_8x7b", 8, 2, 4096, 14336}};
constexpr int kMaxTokens = 512;

std::vector<float> Values(int64_t count, uint32_t seed, float scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = scale * (static_cast<float>(seed >> 8) * 0x1p-23f - 1.0f);
  }
  return values;
}

// `parts` times the same matrix of [rows, cols].
std::unique_ptr<Linear> PackSame(const Mixture& m, int experts, int repeats, int rows, int cols, bool gated,
                                 const KernelTable& kernels, ThreadPool& pool) {
  const std::vector<float> values = Values(int64_t{rows} * cols, 1, 1 / std::sqrt(static_cast<float>(cols)));
  const MatrixView view{reinterpret_cast<const std::byte*>(values.data()), DType::kF32, rows, cols, int64_t{cols} * 4};
  const std::vector<MatrixView> parts(static_cast<size_t>(repeats), view);
  const LinearSpec spec{.format = DType::kBF16, .gated = gated, .experts = experts};
  CHECK(experts == 1 || experts == m.experts);
  if (experts > 1) return std::make_unique<ExpertStack>(LinearSource{parts, {}}, spec, kernels.linear, pool);
  return std::make_unique<CpuLinear>(LinearSource{parts, {}}, spec, kernels.linear, pool);
}

OpsConfig Config(const Mixture& m) {
  OpsConfig config;
  config.max_tokens = kMaxTokens;
  config.dim = m.dim;
  config.max_hidden = m.hidden;
  config.max_experts = m.experts;
  config.max_active = m.active;
  return config;
}

struct Bed {
  explicit Bed(const Mixture& m)
      : mixture(m),
        linear(kernels.linear, pool, kMaxTokens, std::max(m.dim, m.active * m.hidden)),
        experts(Config(m), kernels, linear, pool),
        gate_up(PackSame(m, m.experts, 2 * m.experts, m.hidden, m.dim, true, kernels, pool)),
        down(PackSame(m, m.experts, m.experts, m.dim, m.hidden, false, kernels, pool)),
        dense_up(PackSame(m, 1, 2, m.active * m.hidden, m.dim, true, kernels, pool)),
        dense_down(PackSame(m, 1, 1, m.dim, m.active * m.hidden, false, kernels, pool)) {
    const std::vector<float> values = Values(int64_t{m.experts} * m.dim, 7, 2 / std::sqrt(static_cast<float>(m.dim)));
    const MatrixView view{reinterpret_cast<const std::byte*>(values.data()), DType::kF32, m.experts, m.dim,
                          int64_t{m.dim} * 4};
    router = std::make_unique<CpuLinear>(LinearSource{{&view, 1}, {}}, LinearSpec{.format = DType::kF32},
                                         kernels.linear, pool);
    spec = {.hidden = m.hidden, .experts = m.experts, .active = m.active};
    x = Values(int64_t{kMaxTokens} * m.dim, 3, 1);
    out.resize(x.size());
    hidden.resize(static_cast<size_t>(kMaxTokens) * static_cast<size_t>(m.active * m.hidden));
    Check();
  }

  Mat X(int first, int tokens) { return {x.data() + int64_t{first} * mixture.dim, tokens, mixture.dim, mixture.dim}; }
  Mat Out(int tokens) { return {out.data(), tokens, mixture.dim, mixture.dim}; }
  // Seconds of one step, and of a dense feed-forward block of the same arithmetic.
  double Run(int first, int tokens) {
    const double begin = clock.NowSeconds();
    experts.Run(spec, *router, *gate_up, *down, X(first, tokens), Out(tokens), {});
    return clock.NowSeconds() - begin;
  }
  double RunDense(int tokens) {
    const int wide = mixture.active * mixture.hidden;
    const Mat hidden_mat{hidden.data(), tokens, wide, wide};
    const double begin = clock.NowSeconds();
    linear.Apply(static_cast<const CpuLinear&>(*dense_up), X(0, tokens), hidden_mat, {.kind = Epilogue::Kind::kGate});
    linear.Apply(static_cast<const CpuLinear&>(*dense_down), hidden_mat, Out(tokens), {});
    return clock.NowSeconds() - begin;
  }

  // All experts are alike and the weights of a token's sum to 1, so the mixture is one of them.
  void Check() {
    constexpr int kTokens = 20;
    Run(0, kTokens);
    std::vector<float> expected(out.size());
    const Mat hidden_mat{hidden.data(), kTokens, mixture.hidden, mixture.hidden};
    const auto one_up = PackSame(mixture, 1, 2, mixture.hidden, mixture.dim, true, kernels, pool);
    const auto one_down = PackSame(mixture, 1, 1, mixture.dim, mixture.hidden, false, kernels, pool);
    linear.Apply(static_cast<const CpuLinear&>(*one_up), X(0, kTokens), hidden_mat, {.kind = Epilogue::Kind::kGate});
    linear.Apply(static_cast<const CpuLinear&>(*one_down), hidden_mat,
                 {expected.data(), kTokens, mixture.dim, mixture.dim}, {});
    for (size_t i = 0; i < static_cast<size_t>(kTokens * mixture.dim); ++i) {
      CHECK(std::abs(out[i] - expected[i]) <= 1e-4f, "value {} is {}, expected {}", i, out[i], expected[i]);
    }
  }

  // Different experts that tokens [first, first + tokens) use.
  int Used(int first, int tokens) {
    std::vector<float> logits(static_cast<size_t>(tokens * mixture.experts));
    linear.Apply(*router, X(first, tokens), {logits.data(), tokens, mixture.experts, mixture.experts}, {});
    std::vector<int32_t> chosen(static_cast<size_t>(mixture.active));
    std::vector<float> weights(chosen.size());
    std::set<int32_t> used;
    for (int t = 0; t < tokens; ++t) {
      ChooseExperts(spec, logits.data() + t * mixture.experts, chosen.data(), weights.data());
      used.insert(chosen.begin(), chosen.end());
    }
    return static_cast<int>(used.size());
  }

  const Mixture& mixture;
  const KernelTable& kernels = SelectKernels(ChooseIsa(), DetectCpuFeatures());
  ThreadPool pool{DetectTopology().threads};
  LinearRunner linear;
  ExpertRunner experts;
  std::unique_ptr<Linear> gate_up, down, dense_up, dense_down;
  std::unique_ptr<CpuLinear> router;
  FfnSpec spec;
  std::vector<float> x, out, hidden;
  SteadyClock clock;
};

// Packing takes longer than the runs, and two mixtures are too much for some machines.
Bed& BedOf(const Mixture& mixture) {
  static std::unique_ptr<Bed> bed;
  if (!bed || &bed->mixture != &mixture) {
    bed.reset();
    bed = std::make_unique<Bed>(mixture);
  }
  return *bed;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Best(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

void Decode(benchmark::State& state, const Mixture& mixture) {
  Bed& bed = BedOf(mixture);
  const int tokens = static_cast<int>(state.range(0));
  const double expert_bytes = static_cast<double>(bed.gate_up->bytes() + bed.down->bytes()) / mixture.experts;
  const double dense_bytes = static_cast<double>(bed.dense_up->bytes() + bed.dense_down->bytes());
  std::vector<double> gb_s, dense;
  int first = 0;
  for (auto _ : state) {
    first = (first + tokens) % (kMaxTokens - tokens);
    gb_s.push_back(bed.Used(first, tokens) * expert_bytes / bed.Run(first, tokens) / 1e9);
    dense.push_back(dense_bytes / bed.RunDense(tokens) / 1e9);
  }
  const double read = MeasureReadGbS(bed.kernels.peaks, bed.pool, 0.5);
  state.counters["GB/s"] = Median(gb_s);
  state.counters["%read"] = 100 * Median(gb_s) / read;
  state.counters["%dense"] = 100 * Median(gb_s) / Median(dense);
  state.counters["best%read"] = 100 * Best(gb_s) / read;
  state.counters["best%dense"] = 100 * Best(gb_s) / Best(dense);
}

void Prefill(benchmark::State& state, const Mixture& mixture) {
  Bed& bed = BedOf(mixture);
  const int tokens = static_cast<int>(state.range(0));
  const double flop = 6.0 * tokens * mixture.active * mixture.hidden * mixture.dim;
  std::vector<double> gflops, dense;
  for (auto _ : state) {
    gflops.push_back(flop / bed.Run(0, tokens) / 1e9);
    dense.push_back(flop / bed.RunDense(tokens) / 1e9);
  }
  state.counters["GFLOP/s"] = Median(gflops);
  state.counters["dense_GFLOP/s"] = Median(dense);
  state.counters["%dense"] = 100 * Median(gflops) / Median(dense);
  state.counters["best_GFLOP/s"] = Best(gflops);
  state.counters["best%dense"] = 100 * Best(gflops) / Best(dense);
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const Mixture& mixture : kMixtures) {
    const auto add = [&](const std::string& name, void (*run)(benchmark::State&, const Mixture&), int tokens,
                         int iterations) {
      benchmark::RegisterBenchmark((name + "/" + mixture.name).c_str(),
                                   [run, &mixture](benchmark::State& state) { run(state, mixture); })
          ->Arg(tokens)
          ->Iterations(iterations)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    };
    for (const int tokens : {1, 4, 16, 64}) add("experts_decode", Decode, tokens, 30);
    add("experts_prefill", Prefill, kMaxTokens, 7);
  }
  return true;
}();

}  // namespace
}  // namespace spate::cpu
