// Matrix kernels on the shapes of a 1B model, as bandwidth and arithmetic, each with its share of what the machine
// reaches right after the run. Other load on the machine hits both, so compare the shares. Results are checked against
// plain loops before anything is timed. The kernels are those of SPATE_ISA, else the best.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "backend/cpu/kernel_table.h"
#include "backend/cpu/linear_runner.h"
#include "backend/cpu/peaks.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/topology.h"
#include "quant/int8_group.h"
#include "quant/random_blocks_for_test.h"

namespace spate::cpu {
namespace {

struct ShapeOf {
  const char* name;
  int rows, cols;
  bool gated;
};
constexpr ShapeOf kShapes[] = {
    {"qkv", 3072, 2048, false},  {"attn_out", 2048, 2048, false}, {"gate_up", 16384, 2048, true},
    {"down", 2048, 8192, false}, {"head", 128256, 2048, false},
};
constexpr int kMaxTokens = 512;
constexpr int64_t kFarBytes = int64_t{512} << 20;  // matrices rotate through this much: never in a cache

struct Machine {
  const KernelTable& kernels = SelectKernels(ChooseIsa(), DetectCpuFeatures());
  ThreadPool pool{DetectTopology().threads};
};

Machine& TheMachine() {
  static Machine machine;
  return machine;
}

// Cheap values of about the right size; -1 ... 1 times scale.
float Value(int64_t i, float scale) {
  const uint32_t mixed = static_cast<uint32_t>(i) * 2654435761u;
  return scale * (static_cast<float>(mixed >> 8) * 0x1p-23f - 1.0f);
}

class Copies {
 public:
  Copies(const ShapeOf& shape, DType format) : shape_(shape), format_(format) {
    const int64_t elements = int64_t{shape.rows} * shape.cols;
    source_.resize(static_cast<size_t>(elements));
    MakeSource();
    const DType stored = blocks_.empty() ? DType::kF32 : format;
    const std::byte* data = blocks_.empty() ? reinterpret_cast<const std::byte*>(source_.data()) : blocks_.data();
    const int64_t row_bytes = RowBytes(stored, shape.cols);
    const int64_t part_rows = shape.gated ? shape.rows / 2 : shape.rows;
    std::vector<MatrixView> parts;
    for (int64_t row = 0; row < shape.rows; row += part_rows) {
      parts.push_back({data + row * row_bytes, stored, part_rows, shape.cols, row_bytes});
    }
    int64_t bytes = 0;
    do {
      copies_.push_back(std::make_unique<CpuLinear>(LinearSource{parts, {}}, LinearSpec{format, shape.gated},
                                                    TheMachine().kernels.linear, TheMachine().pool));
      bytes += copies_.back()->bytes();
    } while (bytes < kFarBytes);
  }

  const CpuLinear& Next() { return *copies_[next_++ % copies_.size()]; }

  void Check(const float* x_exact, const float* out, int64_t x_stride, int64_t out_stride, int tokens) const {
    std::vector<float> rounded(x_exact, x_exact + tokens * x_stride);
    if (!blocks_.empty()) RoundToInt8(rounded);
    const float* x = rounded.data();
    const int64_t outputs = copies_[0]->outputs();
    for (int i = 0; i < 64; ++i) {
      const int64_t token = i * 7919 % tokens, output = i * 104729 % outputs;
      const auto dot = [&](int64_t row) {
        double sum = 0;
        for (int64_t k = 0; k < shape_.cols; ++k) {
          sum += double{source_[static_cast<size_t>(row * shape_.cols + k)]} * double{x[token * x_stride + k]};
        }
        return sum;
      };
      const double gate = dot(output);
      const double expected = shape_.gated ? gate / (1 + std::exp(-gate)) * dot(output + outputs) : gate;
      const double got = out[token * out_stride + output];
      const double tolerance = format_ == DType::kBF16 ? 0.02 : 0.002;
      CHECK(std::abs(got - expected) < tolerance * (1 + std::abs(expected)), "token {}, output {}: {}, not {}", token,
            output, got, expected);
    }
  }

 private:
  static void RoundToInt8(std::vector<float>& x) {
    for (size_t i = 0; i < x.size(); i += kInt8Group) {
      const Int8Group group = QuantizeInt8(x.data() + i);
      for (size_t k = 0; k < kInt8Group; ++k) x[i + k] = group.scale * static_cast<float>(group.levels[k]);
    }
  }

  // The weights as the kernels will see them, and as blocks where they have such.
  void MakeSource() {
    const size_t block = static_cast<size_t>(Traits(format_).block_elements);
    if (block > 1) {
      blocks_ = RandomBlocks(format_, source_.size() / block, 1, 0.1f);
      Unpack(format_, blocks_.data(), source_.data(), source_.size());
      return;
    }
    for (size_t i = 0; i < source_.size(); ++i) source_[i] = Value(static_cast<int64_t>(i), 0.05f);
    if (format_ != DType::kBF16) return;
    for (float& value : source_) {  // as a checkpoint has it
      std::byte bits[2];
      Pack(DType::kBF16, &value, bits, 1);
      Unpack(DType::kBF16, bits, &value, 1);
    }
  }

  ShapeOf shape_;
  DType format_;
  std::vector<float> source_;      // [rows, cols]
  std::vector<std::byte> blocks_;  // the same in a block format
  std::vector<std::unique_ptr<CpuLinear>> copies_;
  size_t next_ = 0;
};

void RunApply(benchmark::State& state, const ShapeOf& shape, DType format) {
  Machine& machine = TheMachine();
  const int tokens = static_cast<int>(state.range(0));
  Copies copies(shape, format);
  LinearRunner runner(machine.kernels.linear, machine.pool, kMaxTokens, shape.cols);
  const int outputs = shape.gated ? shape.rows / 2 : shape.rows;
  AlignedBuffer x_data(static_cast<size_t>(tokens * shape.cols) * 4),
      out_data(static_cast<size_t>(tokens) * static_cast<size_t>(outputs) * 4);
  for (int64_t i = 0; i < int64_t{tokens} * shape.cols; ++i) x_data.As<float>()[i] = Value(i * 3 + 1, 1.0f);
  const Mat x{x_data.data(), tokens, shape.cols, shape.cols, DType::kF32};
  const Mat out{out_data.data(), tokens, outputs, outputs, DType::kF32};
  const Epilogue epilogue{shape.gated ? Epilogue::Kind::kGate : Epilogue::Kind::kStore, Act::kSilu};
  runner.Apply(copies.Next(), x, out, epilogue);
  copies.Check(x_data.As<float>(), out_data.As<float>(), shape.cols, outputs, tokens);

  const SteadyClock clock;
  std::vector<double> seconds;
  for (auto _ : state) {
    const double begin = clock.NowSeconds();
    runner.Apply(copies.Next(), x, out, epilogue);
    seconds.push_back(clock.NowSeconds() - begin);
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const double bytes = static_cast<double>(copies.Next().bytes());
  const double flop = 2.0 * tokens * shape.rows * shape.cols;
  const PeakKernels& peaks = machine.kernels.peaks;
  const double read = MeasureReadGbS(peaks, machine.pool, 0.5);
  const auto fastest = Traits(format).block_elements > 1 ? peaks.int8 : format == DType::kBF16 ? peaks.bf16 : nullptr;
  const double arithmetic = MeasureGops(fastest != nullptr ? fastest : peaks.f32, machine.pool, 0.2);
  state.counters["GB/s"] = bytes / median / 1e9;
  state.counters["%read"] = 100 * bytes / median / 1e9 / read;
  state.counters["GFLOP/s"] = flop / median / 1e9;
  state.counters["%flop"] = 100 * flop / median / 1e9 / arithmetic;
  state.counters["best%read"] = 100 * bytes / seconds[0] / 1e9 / read;
  state.counters["best%flop"] = 100 * flop / seconds[0] / 1e9 / arithmetic;
}

}  // namespace
}  // namespace spate::cpu

int main(int argc, char** argv) {
  using spate::DType;
  for (const DType format :
       {DType::kBF16, DType::kF16, DType::kF32, DType::kQ4_0, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    for (const auto& shape : spate::cpu::kShapes) {
      if (format != DType::kBF16 && std::string_view(shape.name) == "head") continue;
      auto* bench = benchmark::RegisterBenchmark(
          fmt::format("{}/{}", Name(format), shape.name).c_str(),
          [&shape, format](benchmark::State& state) { spate::cpu::RunApply(state, shape, format); });
      for (const int tokens : {1, 2, 4, 8, 16, 64, 512}) bench->Arg(tokens);
      bench->UseRealTime()->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("kernels", std::string(spate::cpu::TheMachine().kernels.level));
  benchmark::RunSpecifiedBenchmarks();
}
