// What every device has besides operations: scratch buffers, downloads, errors, measurements.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/isa.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"
#include "tests/conformance_subjects.h"

namespace spate::conformance {
namespace {

class BackendDevice : public testing::TestWithParam<Subject> {
 protected:
  std::unique_ptr<Device> device_ = MakeSubject(GetParam(), 2);
};

TEST_P(BackendDevice, SaysWhatItIs) {
  const DeviceInfo& info = device_->info();
  EXPECT_EQ(info.backend, GetParam().backend);
  EXPECT_FALSE(info.name.empty());
  EXPECT_FALSE(info.isa.empty());
  EXPECT_FALSE(info.threads_reason.empty());
  EXPECT_EQ(info.threads, info.backend == "ref" ? 1 : 2);
  EXPECT_NE(info.isa.find(GetParam().isa), std::string::npos);
}

TEST_P(BackendDevice, ScratchBuffersAreApart) {
  OpsConfig config = PlainConfig(5, 7);
  config.max_outputs = 3;
  config.max_qkv = 30;
  config.max_mixed = 10;
  config.max_hidden = 40;
  config.vocab = 50;
  const std::unique_ptr<Ops> ops = device_->MakeOps(config);
  Step step(BlockPlan({5}, 1), 1, OneSequence(5));
  ops->Begin(step.batch());
  constexpr int kShapes[][2] = {{5, 7}, {5, 7}, {5, 7}, {5, 7}, {5, 30}, {5, 10}, {5, 40}, {3, 7}, {3, 50}};
  std::vector<Mat> mats;
  for (int i = 0; i < static_cast<int>(Buf::kCount); ++i) {
    const Mat mat = ops->Scratch(static_cast<Buf>(i), kShapes[i][0], kShapes[i][1]);
    ASSERT_EQ(mat.rows, kShapes[i][0]);
    ASSERT_EQ(mat.cols, kShapes[i][1]);
    ASSERT_GE(mat.stride, mat.cols);
    ASSERT_EQ(mat.dtype, DType::kF32);
    for (int r = 0; r < mat.rows; ++r) {
      for (int c = 0; c < mat.cols; ++c) {
        static_cast<float*>(mat.data)[r * mat.stride + c] = static_cast<float>(10000 * i + 100 * r + c);
      }
    }
    mats.push_back(mat);
  }
  for (int i = 0; i < static_cast<int>(Buf::kCount); ++i) {
    const Mat& mat = mats[static_cast<size_t>(i)];
    std::vector<float> values(static_cast<size_t>(mat.rows * mat.cols));
    ops->Download(mat, values);
    for (int r = 0; r < mat.rows; ++r) {
      for (int c = 0; c < mat.cols; ++c) {
        ASSERT_EQ(values[static_cast<size_t>(r * mat.cols + c)], static_cast<float>(10000 * i + 100 * r + c));
      }
    }
  }
}

TEST_P(BackendDevice, FormatsThatItLacksAreErrors) {
  const SourceMatrix source({1, 2, 3, 4}, 2, 2, DType::kF32);
  const MatrixView view = source.view();
  EXPECT_THROW((void)device_->PackLinear({{&view, 1}, {}}, {DType::kF8E4M3, false}), Error);
  EXPECT_THROW((void)device_->PackTable(view, DType::kI8), Error);
  const MatrixView integers = {view.data, DType::kI32, 2, 2, view.row_bytes};
  EXPECT_THROW((void)device_->PackLinear({{&integers, 1}, {}}, {DType::kF32, false}), Error);
  EXPECT_THROW((void)device_->PackTable(integers, DType::kF32), Error);
  EXPECT_THROW((void)device_->PackVec({.weight = integers.Rows(0, 1)}), Error);
  OpsConfig config = PlainConfig(1, 2);
  config.kv.dtype = DType::kF16;
  EXPECT_THROW((void)device_->MakeOps(config), Error);
  for (DType format : device_->WeightFormats()) {
    if (Traits(format).block_elements > 1) {
      EXPECT_THROW((void)device_->PackLinear({{&view, 1}, {}}, {format, false}), Error);  // two columns
      EXPECT_THROW((void)device_->PackTable(view, format), Error);
      continue;
    }
    EXPECT_EQ(device_->PackLinear({{&view, 1}, {}}, {format, false})->format(), format);
  }
}

TEST_P(BackendDevice, KeepsEveryFormatThatItLists) {
  for (DType format : device_->WeightFormats()) {
    const SourceMatrix source(RandomRows(format, 3, 512, 1), 3, 512, format);
    const MatrixView view = source.view();
    const std::unique_ptr<Linear> linear = device_->PackLinear({{&view, 1}, {}}, {format, false});
    EXPECT_EQ(linear->format(), format);
    const int64_t padded = GetParam().backend == "ref" ? 3 : 16;  // rows of a tile
    EXPECT_EQ(linear->bytes(), padded * RowBytes(format, 512)) << Name(format);
    // Other weights become a format that can be written, and no other.
    const SourceMatrix plain(std::vector<float>(512, 0.5f), 1, 512, DType::kF32);
    const MatrixView plain_view = plain.view();
    if (CanPack(format)) {
      EXPECT_EQ(device_->PackLinear({{&plain_view, 1}, {}}, {format, false})->format(), format);
    } else {
      EXPECT_THROW((void)device_->PackLinear({{&plain_view, 1}, {}}, {format, false}), Error);
    }
  }
}

TEST_P(BackendDevice, MoreMemoryThanThereIsIsAnError) {
  OpsConfig config = PlainConfig(1, 2);
  config.kv_blocks = {1 << 30};
  config.kv.layers = {{0, 1 << 16, 1 << 16}};  // 2^68 bytes
  EXPECT_THROW((void)device_->MakeOps(config), Error);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the process instead of throwing
  config.kv.layers = {{0, 1 << 10, 1 << 10}};                        // 2^56
  EXPECT_THROW((void)device_->MakeOps(config), Error);
#endif
}

TEST_P(BackendDevice, MeasuresItself) {
  if (GetParam().isa.empty() || GetParam().isa == IsaName(DetectIsa())) {  // alone, once a backend: it takes memory
    EXPECT_GT(device_->MeasureReadBandwidth(0.02), 0.0);
  }
  const DevicePeaks peaks = device_->MeasurePeaks(0.04);
  EXPECT_GT(peaks.read_gb_s, 0.0);
  EXPECT_GT(peaks.f32_gflops, 0.0);
}

INSTANTIATE_TEST_SUITE_P(, BackendDevice, testing::ValuesIn(Subjects()),
                         [](const auto& param) { return param.param.Name(); });

TEST(Backends, AnUnknownNameIsAUsageErrorThatListsTheKnownOnes) {
  try {
    (void)MakeDevice("tpu", {});
    FAIL() << "made a device";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    for (std::string_view name : Backends()) EXPECT_NE(std::string(error.what()).find(name), std::string::npos);
  }
}

}  // namespace
}  // namespace spate::conformance
