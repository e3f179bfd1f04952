#include "backend/cpu/linear_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "base/error.h"
#include "base/math_util.h"
#include "quant/int8_group.h"
#include "quant/random_blocks_for_test.h"

namespace spate::cpu {
namespace {

constexpr float kSentinel = 12345.5f;

std::vector<float> Normal(size_t count, uint32_t seed, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<std::byte> Packed(DType dtype, const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * static_cast<size_t>(Traits(dtype).block_bytes));
  if (dtype == DType::kF64) {
    for (size_t i = 0; i < values.size(); ++i) {
      const double value = values[i];
      std::memcpy(bytes.data() + 8 * i, &value, 8);
    }
  } else {
    Pack(dtype, values.data(), bytes.data(), values.size());
  }
  return bytes;
}

std::vector<float> RoundedTo(DType dtype, std::vector<float> values) {
  const std::vector<std::byte> bytes = Packed(dtype, values);
  Unpack(dtype, bytes.data(), values.data(), values.size());
  return values;
}

// A row of activations as kernels of `format` round it.
std::vector<float> RoundedFor(DType format, std::vector<float> row) {
  if (format == DType::kBF16) return RoundedTo(DType::kBF16, row);
  if (Traits(format).block_elements == 1) return row;
  for (size_t i = 0; i < row.size(); i += kInt8Group) {
    const Int8Group group = QuantizeInt8(&row[i]);
    for (size_t k = 0; k < kInt8Group; ++k) row[i + k] = group.scale * static_cast<float>(group.levels[k]);
  }
  return row;
}

struct Case {
  int tokens, rows, cols;
  DType format;
  bool gated = false;
  bool bias = false;
};

// A matrix with its values as the kernels see them.
class Weights {
 public:
  Weights(const Case& c, const LinearKernels& kernels, ThreadPool& pool) : case_(c) {
    const size_t count = static_cast<size_t>(c.rows) * static_cast<size_t>(c.cols);
    if (const size_t elements = static_cast<size_t>(Traits(c.format).block_elements); elements > 1) {
      bytes_ = RandomBlocks(c.format, count / elements, 1, 0.1f);
      values_.resize(count);
      Unpack(c.format, bytes_.data(), values_.data(), count);
    } else {
      values_ = RoundedTo(c.format, Normal(count, 1, 0.05f));
      bytes_ = Packed(c.format, values_);
    }
    if (c.bias) bias_ = Normal(static_cast<size_t>(c.rows), 2, 1.0f);
    const int parts = c.gated ? 2 : 1;
    std::vector<MatrixView> views, bias_views;
    for (int part = 0; part < parts; ++part) {
      const int64_t rows = c.rows / parts;
      const int64_t row_bytes = RowBytes(c.format, c.cols);
      views.push_back({bytes_.data() + part * rows * row_bytes, c.format, rows, c.cols, row_bytes});
      if (c.bias) {
        const auto* data = reinterpret_cast<const std::byte*>(bias_.data() + part * rows);
        bias_views.push_back({data, DType::kF32, 1, rows, rows * 4});
      }
    }
    linear_ =
        std::make_unique<CpuLinear>(LinearSource{views, bias_views}, LinearSpec{c.format, c.gated}, kernels, pool);
  }

  const CpuLinear& linear() const { return *linear_; }

  // One output before the epilogue in double, and the error that f32 accumulation may have.
  std::pair<double, double> Row(int row, const float* x) const {
    double sum = bias_.empty() ? 0.0 : bias_[static_cast<size_t>(row)];
    double magnitude = std::abs(sum);
    for (int k = 0; k < case_.cols; ++k) {
      const double product =
          double{values_[static_cast<size_t>(row) * static_cast<size_t>(case_.cols) + static_cast<size_t>(k)]} *
          double{x[k]};
      sum += product;
      magnitude += std::abs(product);
    }
    return {sum, magnitude * 6e-8 * (2 + std::sqrt(case_.cols)) + 1e-6};
  }

 private:
  Case case_;
  std::vector<float> values_;
  std::vector<std::byte> bytes_;
  std::vector<float> bias_;
  std::unique_ptr<CpuLinear> linear_;
};

struct Rows {
  Rows(int rows, int cols, std::vector<float> values) : stride(cols + 3), data(static_cast<size_t>(rows * stride)) {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < stride; ++c) {
        At(r, c) = c < cols ? values[static_cast<size_t>(r * cols + c)] : kSentinel;
      }
    }
  }
  float& At(int r, int c) { return data[static_cast<size_t>(r * stride + c)]; }
  Mat View(int first, int count, int cols) { return {&At(first, 0), count, cols, stride, DType::kF32}; }

  int stride;
  std::vector<float> data;
};

class LinearRunnerTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const LinearKernels& kernels() const { return GetParam()->linear; }
};

double Silu(double x) { return x / (1 + std::exp(-x)); }

TEST_P(LinearRunnerTest, AgreesWithPlainLoops) {
  ThreadPool pool(2);
  for (const Case& c : {Case{1, 1, 1, DType::kF32},
                        Case{3, 17, 5, DType::kBF16},
                        Case{1, 200, 129, DType::kF16},
                        Case{5, 64, 64, DType::kBF16},
                        Case{7, 48, 33, DType::kF32, false, true},
                        Case{9, 100, 47, DType::kBF16, false, true},
                        Case{13, 30, 71, DType::kBF16, true, true},
                        Case{70, 146, 65, DType::kF16, true},
                        Case{40, 31, 200, DType::kF32, false, true},
                        Case{300, 80, 40, DType::kBF16},
                        Case{2, 128, 5000, DType::kBF16},
                        Case{33, 64, 5001, DType::kBF16},
                        Case{33, 70, 3001, DType::kF32},
                        Case{4, 34, 9, DType::kF32, true},
                        Case{1, 1000, 64, DType::kBF16, true},
                        Case{1, 1, 32, DType::kQ4_0},
                        Case{1, 200, 1120, DType::kQ8_0, false, true},
                        Case{3, 17, 256, DType::kQ4_K},
                        Case{7, 65, 512, DType::kQ5_K, false, true},
                        Case{70, 146, 768, DType::kQ6_K, true},
                        Case{300, 80, 96, DType::kQ4_0},
                        Case{33, 70, 2304, DType::kQ4_K, true, true},
                        Case{1, 1000, 64, DType::kQ8_0, true},
                        Case{13, 130, 1280, DType::kQ5_K}}) {
    SCOPED_TRACE(testing::Message() << c.tokens << " tokens, [" << c.rows << ", " << c.cols << "] " << Name(c.format)
                                    << (c.gated ? " gated" : "") << (c.bias ? " with bias" : ""));
    const Weights weights(c, kernels(), pool);
    LinearRunner runner(kernels(), pool, c.tokens, c.cols);
    const int outputs = c.gated ? c.rows / 2 : c.rows;
    Rows x(c.tokens, c.cols, Normal(static_cast<size_t>(c.tokens * c.cols), 3, 1.0f));
    const std::vector<float> before = Normal(static_cast<size_t>(c.tokens * outputs), 4, 1.0f);
    const bool add = !c.gated && c.tokens % 2 == 1;
    Rows out(c.tokens, outputs, before);
    Epilogue epilogue;
    epilogue.kind = c.gated ? Epilogue::Kind::kGate : add ? Epilogue::Kind::kAddTo : Epilogue::Kind::kStore;
    runner.Apply(weights.linear(), x.View(0, c.tokens, c.cols), out.View(0, c.tokens, outputs), epilogue);

    const int few = 40;  // of the tokens, spread over all
    for (int t = 0; t < c.tokens; t += c.tokens / few + 1) {
      const std::vector<float> row = RoundedFor(c.format, {&x.At(t, 0), &x.At(t, 0) + c.cols});
      for (int r = 0; r < outputs; ++r) {
        const auto [y, error] = weights.Row(r, row.data());
        double expected = y;
        double tolerance = error;
        if (add) expected += before[static_cast<size_t>(t * outputs + r)];
        if (c.gated) {
          const auto [up, up_error] = weights.Row(outputs + r, row.data());
          expected = Silu(y) * up;
          tolerance = 1.2 * error * std::abs(up) + std::abs(Silu(y)) * up_error + std::abs(expected) * 1e-6;
        }
        ASSERT_NEAR(out.At(t, r), expected, tolerance) << "token " << t << ", output " << r;
      }
      for (int pad = outputs; pad < out.stride; ++pad) ASSERT_EQ(out.At(t, pad), kSentinel) << "token " << t;
    }
  }
}

// Principle: a row's bits depend neither on how many rows come with it nor on the threads.
TEST_P(LinearRunnerTest, EveryBatchAndThreadCountGivesTheSameBits) {
  constexpr int kTokens = 70;
  for (const Case& c :
       {Case{kTokens, 200, 97, DType::kBF16, false, true}, Case{kTokens, 160, 64, DType::kBF16, true},
        Case{kTokens, 130, 61, DType::kF16}, Case{kTokens, 66, 50, DType::kF32}, Case{kTokens, 64, 4500, DType::kBF16},
        Case{kTokens, 64, 2300, DType::kF32}, Case{kTokens, 200, 96, DType::kQ4_0, false, true},
        Case{kTokens, 130, 512, DType::kQ4_K, true}, Case{kTokens, 66, 288, DType::kQ8_0},
        Case{kTokens, 17, 768, DType::kQ5_K}, Case{kTokens, 64, 2304, DType::kQ6_K}}) {
    SCOPED_TRACE(testing::Message() << "[" << c.rows << ", " << c.cols << "] " << Name(c.format));
    const int outputs = c.gated ? c.rows / 2 : c.rows;
    Epilogue epilogue;
    if (c.gated) epilogue.kind = Epilogue::Kind::kGate;
    Rows x(kTokens, c.cols, Normal(static_cast<size_t>(kTokens * c.cols), 3, 1.0f));
    const std::vector<float> zeros(static_cast<size_t>(kTokens * outputs));
    Rows expected(kTokens, outputs, zeros);
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const Weights weights(c, kernels(), pool);
      LinearRunner runner(kernels(), pool, kTokens, c.cols);
      if (threads == 1) {
        for (int t = 0; t < kTokens; ++t) {
          runner.Apply(weights.linear(), x.View(t, 1, c.cols), expected.View(t, 1, outputs), epilogue);
        }
      }
      for (int tokens = 1; tokens <= kTokens; ++tokens) {
        if (c.cols > 2000 && tokens > 13 && tokens % 19 != 0) continue;
        const int first = (kTokens - tokens) / 2;
        Rows out(kTokens, outputs, zeros);
        runner.Apply(weights.linear(), x.View(first, tokens, c.cols), out.View(first, tokens, outputs), epilogue);
        for (int t = first; t < first + tokens; ++t) {
          ASSERT_EQ(std::memcmp(&out.At(t, 0), &expected.At(t, 0), sizeof(float) * static_cast<size_t>(outputs)), 0)
              << "token " << t << " of " << tokens << ", " << threads << " threads";
        }
      }
    }
  }
}

// Weights of one format, whatever the source had, with rows at odd addresses.
TEST_P(LinearRunnerTest, PacksEveryMixOfSources) {
  ThreadPool pool(2);
  constexpr int kCols = 301;
  for (const DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<std::vector<std::byte>> storage;
    std::vector<MatrixView> parts;
    std::vector<std::vector<float>> expected;
    uint32_t seed = 10;
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64, DType::kF16, DType::kBF16}) {
      const int rows = 5 + static_cast<int>(seed % 29);
      const std::vector<float> values = RoundedTo(dtype, Normal(static_cast<size_t>(rows * kCols), seed++, 1.0f));
      const int64_t row_bytes = kCols * Traits(dtype).block_bytes + 7;
      storage.emplace_back(static_cast<size_t>(rows * row_bytes + 1));
      for (int r = 0; r < rows; ++r) {
        const std::vector<float> row(values.begin() + r * kCols, values.begin() + (r + 1) * kCols);
        const std::vector<std::byte> bytes = Packed(dtype, row);
        std::memcpy(storage.back().data() + 1 + r * row_bytes, bytes.data(), bytes.size());
        expected.push_back(RoundedTo(format, row));
      }
      parts.push_back({storage.back().data() + 1, dtype, rows, kCols, row_bytes});
    }
    const CpuLinear linear({parts, {}}, {format, false}, kernels(), pool);
    ASSERT_EQ(linear.rows(), static_cast<int64_t>(expected.size()));
    std::vector<float> row(kCols);
    for (size_t r = 0; r < expected.size(); ++r) {
      linear.ReadRow(static_cast<int64_t>(r), row.data());
      ASSERT_EQ(row, expected[r]) << Name(format) << " row " << r;
    }
  }
}

// Parts that keep their own formats lie below each other as if each were a matrix alone.
TEST_P(LinearRunnerTest, PartsKeepTheirOwnBits) {
  ThreadPool pool(2);
  constexpr int kCols = 512, kRows = 21, kTokens = 9;
  // The last but one has no kernels here and becomes what the spec says.
  const DType sources[] = {DType::kQ4_K, DType::kQ4_K, DType::kQ6_K, DType::kF16, DType::kQ5_1, DType::kQ8_0};
  const DType kept[] = {DType::kQ4_K, DType::kQ4_K, DType::kQ6_K, DType::kF16, DType::kF32, DType::kQ8_0};
  std::vector<std::vector<std::byte>> storage;
  std::vector<MatrixView> parts, bias_parts;
  const std::vector<float> bias = Normal(kRows * std::size(sources), 8, 1.0f);
  int64_t bytes = 0;
  for (size_t i = 0; i < std::size(sources); ++i) {
    const int64_t row_bytes = RowBytes(sources[i], kCols);
    storage.push_back(sources[i] == DType::kF16
                          ? Packed(DType::kF16, Normal(kRows * kCols, 9, 0.05f))
                          : RandomBlocks(sources[i],
                                         static_cast<size_t>(kRows * kCols / Traits(sources[i]).block_elements), 20 + i,
                                         0.1f));
    parts.push_back({storage.back().data(), sources[i], kRows, kCols, row_bytes});
    bias_parts.push_back(
        {reinterpret_cast<const std::byte*>(bias.data() + i * kRows), DType::kF32, 1, kRows, kRows * 4});
    bytes += (i == 1 ? CeilDiv(2 * kRows, 16) * 16 - 32 : 32) * RowBytes(kept[i], kCols);
  }
  const CpuLinear linear({parts, bias_parts}, {.format = DType::kF32, .own_bits = true}, kernels(), pool);
  EXPECT_EQ(linear.segments().size(), 5u);
  EXPECT_EQ(linear.bytes(), bytes);

  LinearRunner runner(kernels(), pool, kTokens, kCols);
  const int rows = static_cast<int>(linear.rows());
  Rows x(kTokens, kCols, Normal(kTokens * kCols, 3, 1.0f));
  const std::vector<float> before = Normal(static_cast<size_t>(kTokens * rows), 4, 1.0f);
  Rows out(kTokens, rows, before);
  runner.Apply(linear, x.View(0, kTokens, kCols), out.View(0, kTokens, rows), {Epilogue::Kind::kAddTo, Act::kSilu});
  for (size_t i = 0; i < std::size(sources); ++i) {
    const CpuLinear alone({{&parts[i], 1}, {&bias_parts[i], 1}}, {.format = kept[i]}, kernels(), pool);
    EXPECT_EQ(alone.format(), kept[i]);
    const int first = static_cast<int>(i) * kRows;
    Rows expected(kTokens, rows, before);
    Mat columns = expected.View(0, kTokens, kRows);
    columns.data = &expected.At(0, first);
    runner.Apply(alone, x.View(0, kTokens, kCols), columns, {Epilogue::Kind::kAddTo, Act::kSilu});
    std::vector<float> row(kCols), stored(kCols);
    for (int r = 0; r < kRows; ++r) {
      for (int t = 0; t < kTokens; ++t) ASSERT_EQ(out.At(t, first + r), expected.At(t, first + r)) << Name(sources[i]);
      linear.ReadRow(first + r, row.data());
      Unpack(sources[i], parts[i].Row(r), stored.data(), stored.size());
      ASSERT_EQ(row, stored) << Name(sources[i]) << " row " << r;
    }
  }
}

TEST_P(LinearRunnerTest, AGatedPairKeepsItsBitsOnlyTogether) {
  ThreadPool pool(1);
  const std::vector<std::byte> gate = RandomBlocks(DType::kQ4_K, 3, 1, 0.1f),
                               up = RandomBlocks(DType::kQ6_K, 3, 2, 0.1f);
  const MatrixView parts[] = {{gate.data(), DType::kQ4_K, 3, 256, RowBytes(DType::kQ4_K, 256)},
                              {up.data(), DType::kQ6_K, 3, 256, RowBytes(DType::kQ6_K, 256)}};
  const MatrixView alike[] = {parts[0], parts[0]};
  const LinearSpec spec{.format = DType::kF16, .gated = true, .own_bits = true};
  EXPECT_EQ(CpuLinear({parts, {}}, spec, kernels(), pool).format(), DType::kF16);
  EXPECT_EQ(CpuLinear({alike, {}}, spec, kernels(), pool).format(), DType::kQ4_K);
}

TEST_P(LinearRunnerTest, FormatsThatCannotBeKeptAreErrors) {
  ThreadPool pool(1);
  const std::vector<float> values = Normal(2 * 48, 5, 1.0f);
  const MatrixView part = {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, 2, 48, 48 * 4};
  const auto message = [&](const MatrixView& source, DType format) -> std::string {
    try {
      (void)CpuLinear({{&source, 1}, {}}, {.format = format}, kernels(), pool);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_NE(message(part, DType::kQ4_K).find("f32 weights cannot become q4_k"), std::string::npos);
  EXPECT_NE(message(part, DType::kQ8_0).find("rows of 48 elements cannot be kept as q8_0"), std::string::npos);
  EXPECT_NE(message(part, DType::kQ2_K).find("choose one of: bf16, f16, f32, q4_0"), std::string::npos);
  MatrixView torn = part;
  torn.dtype = DType::kQ5_0;
  EXPECT_NE(message(torn, DType::kF32).find("rows of 48 elements cannot be q5_0"), std::string::npos);
}

TEST_P(LinearRunnerTest, ReadsRowsOfAGatedMatrix) {
  ThreadPool pool(1);
  const std::vector<float> values = Normal(2 * 21 * 6, 5, 1.0f);
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  const MatrixView parts[] = {{data, DType::kF32, 21, 6, 24}, {data + 21 * 24, DType::kF32, 21, 6, 24}};
  const CpuLinear linear({parts, {}}, {DType::kF32, true}, kernels(), pool);
  std::vector<float> row(6);
  for (int r = 0; r < 42; ++r) {
    linear.ReadRow(r, row.data());
    EXPECT_EQ(std::memcmp(row.data(), values.data() + r * 6, 24), 0) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, LinearRunnerTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
