#include "backend/ref/ref_ops.h"

#include <gtest/gtest.h>

#include "backend/ref/peaks.h"
#include "backend/ref/ref_device.h"
#include "base/error.h"

namespace spate::ref {
namespace {

MatrixView View(const std::vector<float>& values, int64_t rows, int64_t cols) {
  return {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, rows, cols, cols * 4};
}

OpsConfig Config() {
  OpsConfig config;
  config.max_tokens = 4;
  config.max_sequences = 2;
  config.max_outputs = 2;
  config.slots = 2;
  config.dim = 2;
  config.vocab = 3;
  config.kv.dtype = DType::kF32;
  config.kv.layers = {{0, 1, 1}};
  config.kv_blocks = {1};
  return config;
}

TEST(RefOps, EmbedReadsIdsAndLastSampledTokens) {
  const std::unique_ptr<Device> device = MakeRefDevice({});
  const std::vector<float> rows = {0, 1, 10, 11, 20, 21};
  const std::unique_ptr<Table> table = device->PackTable(View(rows, 3, 2), DType::kF32);
  const std::unique_ptr<Ops> ops = device->MakeOps(Config());

  SampleArgs args;
  args.slot = 1;
  std::vector<float> logits = {0, 5, 1};
  Batch sample;
  sample.outputs = 1;
  sample.sample = &args;
  SampleResult result;
  ops->Sample(sample, {logits.data(), 1, 3, 3, DType::kF32}, {&result, 1});
  EXPECT_EQ(result.token, 1);

  const int32_t ids[] = {2, -2};  // -1-1: the last of slot 1
  Batch batch;
  batch.tokens = 2;
  batch.ids = ids;
  const Mat out = ops->Scratch(Buf::kResidual, 2, 2);
  ops->Embed(*table, 1, batch, out);
  std::vector<float> got(4);
  ops->Download(out, got);
  EXPECT_EQ(got, (std::vector<float>{20, 21, 10, 11}));
}

TEST(RefOps, SamplingCountsForTrackedSlotsOnly) {
  const std::unique_ptr<Ops> ops = MakeRefDevice({})->MakeOps(Config());
  std::vector<float> logits = {0, 1, 0.5f};
  const auto next = [&](int slot) {
    SampleArgs args;
    args.slot = slot;
    args.frequency_penalty = 0.4f;
    Batch batch;
    batch.outputs = 1;
    batch.sample = &args;
    SampleResult result;
    ops->Sample(batch, {logits.data(), 1, 3, 3, DType::kF32}, {&result, 1});
    return result.token;
  };
  ops->SetSlot({.slot = 0, .track = true});
  // 1, then 0.6, then 0.2 against 0.5, then 0.2 against 0.1, ...
  EXPECT_EQ(next(0), 1);
  EXPECT_EQ(next(0), 1);
  EXPECT_EQ(next(0), 2);
  EXPECT_EQ(next(0), 1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(next(1), 1);
  const int32_t produced[] = {1, 1};
  ops->SetSlot({.slot = 0, .track = true, .output = produced});
  EXPECT_EQ(next(0), 2);
  ops->SetSlot({.slot = 0});
  EXPECT_EQ(next(0), 1);
}

TEST(RefOps, GatherRowsAndDownloadFollowTheStride) {
  const std::unique_ptr<Ops> ops = MakeRefDevice({})->MakeOps(Config());
  std::vector<float> x = {1, 2, -1, 3, 4, -1, 5, 6, -1};
  std::vector<float> out(6, -9);
  const int32_t rows[] = {2, 0};
  Batch batch;
  batch.outputs = 2;
  batch.output_rows = rows;
  ops->GatherRows(batch, {x.data(), 3, 2, 3, DType::kF32}, {out.data(), 2, 2, 3, DType::kF32});
  EXPECT_EQ(out, (std::vector<float>{5, 6, -9, 1, 2, -9}));
  std::vector<float> host(4);
  ops->Download({x.data(), 2, 2, 3, DType::kF32}, host);
  EXPECT_EQ(host, (std::vector<float>{1, 2, 3, 4}));
}

TEST(RefOps, EmbedScalesAndPositionsAreAdded) {
  const std::unique_ptr<Device> device = MakeRefDevice({});
  const std::vector<float> tokens = {1, 2, 3, 4}, places = {10, 20, 30, 40, 50, 60, 70, 80};
  const std::unique_ptr<Table> table = device->PackTable(View(tokens, 2, 2), DType::kF32);
  const std::unique_ptr<Table> positions = device->PackTable(View(places, 4, 2), DType::kF32);
  const std::unique_ptr<Ops> ops = device->MakeOps(Config());
  const int32_t ids[] = {1, 0};
  const int32_t at[] = {0, 1};
  Batch batch;
  batch.tokens = 2;
  batch.ids = ids;
  batch.positions = at;
  const Mat x = ops->Scratch(Buf::kResidual, 2, 2);
  ops->Embed(*table, 3, batch, x);
  ops->AddPositions(*positions, 2, batch, x);  // rows 2 and 3
  std::vector<float> got(4);
  ops->Download(x, got);
  EXPECT_EQ(got, (std::vector<float>{9 + 50, 12 + 60, 3 + 70, 6 + 80}));
}

TEST(RefOps, AddAndSoftcap) {
  const std::unique_ptr<Ops> ops = MakeRefDevice({})->MakeOps(Config());
  std::vector<float> x = {0, 1, -9, 1000, -2, -9}, delta = {0, 1, 0, 4};
  ops->Add({delta.data(), 2, 2, 2, DType::kF32}, {x.data(), 2, 2, 3, DType::kF32});
  EXPECT_EQ(x, (std::vector<float>{0, 2, -9, 1000, 2, -9}));
  ops->Softcap(4, {x.data(), 2, 2, 3, DType::kF32});
  EXPECT_EQ(x[0], 0);
  EXPECT_NEAR(x[1], 4 * 0.46211715726000975, 1e-6);  // tanh 0.5
  EXPECT_EQ(x[2], -9);
  EXPECT_EQ(x[3], 4);
}

TEST(RefOps, AnUnsupportedOrHugeCacheIsAnError) {
  OpsConfig config = Config();
  config.kv.dtype = DType::kF16;
  EXPECT_THROW(RefOps{config}, Error);
  config = Config();
  config.kv.layers = {{0, 1 << 16, 1 << 16}};
  config.kv_blocks = {1 << 30};
  EXPECT_THROW(RefOps{config}, Error);
}

TEST(RefPeaks, MeasureSomething) {
  EXPECT_GT(MeasureReadGbS(0.01), 0.01);
  EXPECT_GT(MeasureF32Gflops(0.01), 0.001);
}

}  // namespace
}  // namespace spate::ref
