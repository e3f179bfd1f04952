#include "convert/inspect.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "engine/open_model.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

fs::path Source(const std::string& path) { return fs::path(SPATE_SOURCE_DIR) / path; }

constexpr int64_t kPlenty = int64_t{1} << 40;

TEST(Inspect, CountsWhatLoadingKeeps) {
  for (const char* path : {"models/demo", "tests/formats/gguf", "tests/formats/mlc_q4f16_1", "tests/golden/gptq",
                           "tests/golden/compressed_fp8", "tests/golden/mixtral", "tests/golden/qwen2_moe",
                           "tests/golden/gpt2", "tests/golden/baichuan2_13b", "tests/golden/gemma3"}) {
    for (const std::optional<DType> dtype : {std::optional<DType>(), std::optional(DType::kF32)}) {
      const Inspection found = Inspect(Source(path), {.backend = "ref", .dtype = dtype, .free_memory = kPlenty});
      const auto model = OpenModel({.path = Source(path), .backend = "ref", .dtype = dtype});
      EXPECT_EQ(found.memory.per_output, model->weights.BytesPerToken(model->spec)) << path;
      EXPECT_EQ(found.memory.dtype, model->dtype) << path;
      EXPECT_EQ(found.memory.kv_dtype, model->kv_dtype) << path;
      int64_t weights = 0, kept = 0;
      for (const FormatUse& use : found.formats) {
        weights += use.weights;
        kept += use.kept_bytes;
      }
      EXPECT_LE(weights, found.spec.Parameters()) << path;
      EXPECT_GT(weights, found.spec.Parameters() * 9 / 10) << path;
      EXPECT_GE(found.memory.weights, kept) << path;
    }
  }
}

TEST(Inspect, SaysWhatBecomesOfEachFormat) {
  const Inspection gptq = Inspect(Source("tests/golden/gptq"), {.free_memory = kPlenty});
  EXPECT_EQ(gptq.format, "safetensors, GPTQ, 4 bits, groups of 32");
  ASSERT_FALSE(gptq.formats.empty());
  bool packed = false;
  for (const FormatUse& use : gptq.formats) {
    if (use.stored != "GPTQ 4-bit") continue;
    packed = true;
    EXPECT_TRUE(use.converted);
    EXPECT_EQ(use.kept, "f16") << "not the f32 that its values are exact in";
    EXPECT_GT(use.kept_bytes, 2 * use.stored_bytes);
  }
  EXPECT_TRUE(packed);
  EXPECT_EQ(gptq.runs, Inspection::Runs::kSlowly);
  EXPECT_NE(gptq.Verdict().find("runs, slowly, because GPTQ 4-bit becomes"), std::string::npos) << gptq.Verdict();

  const Inspection int4 = Inspect(Source("tests/golden/compressed_int4"), {.free_memory = kPlenty});
  EXPECT_NE(int4.format.find("pack-quantized, 4 bits, groups of 32"), std::string::npos) << int4.format;

  const Inspection gguf = Inspect(Source("tests/formats/gguf"), {.free_memory = kPlenty});
  ASSERT_EQ(gguf.formats.size(), 1u);
  EXPECT_EQ(gguf.formats[0].stored, "f16");
  EXPECT_FALSE(gguf.formats[0].converted);
  const Inspection wide = Inspect(Source("tests/formats/gguf"), {.dtype = DType::kF32, .free_memory = kPlenty});
  EXPECT_EQ(wide.formats[0].kept, "f32");
  EXPECT_EQ(wide.formats[0].kept_bytes, 2 * gguf.formats[0].kept_bytes);
}

TEST(Inspect, KvOfContextAndConcurrency) {
  const Inspection one = Inspect(Source("models/demo"), {.context = 100, .free_memory = kPlenty});
  const LayerSpec& layer = one.spec.layers.front();
  const int64_t token = int64_t{one.spec.Layers()} * 2 * layer.attn.kv_heads * layer.attn.head_dim * 2;
  EXPECT_EQ(one.memory.kv_per_token, token);
  EXPECT_EQ(one.memory.kv, token * 112);  // whole blocks of 16
  const Inspection four = Inspect(Source("models/demo"),
                                  {.context = 100, .concurrency = 4, .kv_dtype = DType::kF32, .free_memory = kPlenty});
  EXPECT_EQ(four.memory.kv, 8 * one.memory.kv);
  EXPECT_EQ(one.runs, Inspection::Runs::kYes);
  EXPECT_EQ(one.Verdict(), "runs");
}

TEST(Inspect, JudgesMemory) {
  const Inspection free = Inspect(Source("models/demo"), {.free_memory = kPlenty});
  const int64_t weights = free.memory.weights, kv = free.memory.kv;
  const auto with = [](int64_t memory, int64_t context, int concurrency) {
    return Inspect(Source("models/demo"), {.context = context, .concurrency = concurrency, .free_memory = memory});
  };
  using Runs = Inspection::Runs;
  const Inspection none = with(weights - 1, 0, 1);
  EXPECT_EQ(none.runs, Runs::kNo);
  EXPECT_EQ(none.exit_code, 4);
  EXPECT_EQ(none.memory.fitting_context, 0);
  EXPECT_EQ(none.Verdict().rfind("does not run, because the weights take", 0), 0u) << none.Verdict();

  const Inspection half = with(weights + kv / 2, 0, 1);  // nobody asked for the whole context
  EXPECT_EQ(half.runs, Runs::kYes);
  EXPECT_EQ(half.exit_code, 0);
  EXPECT_EQ(half.memory.fitting_context, free.spec.context / 2);
  EXPECT_EQ(half.Verdict().rfind("runs with --context 256 at most", 0), 0u) << half.Verdict();
  const Inspection asked = with(weights + kv / 2, free.spec.context, 1);
  EXPECT_EQ(asked.runs, Runs::kNo);
  EXPECT_EQ(asked.exit_code, 4);

  EXPECT_EQ(with(weights + kv, 0, 1).runs, Runs::kSlowly);  // every byte of it
  EXPECT_EQ(with(weights + 2 * kv, 0, 3).runs, Runs::kSlowly);
  EXPECT_EQ(with(kPlenty, free.spec.context + 1, 1).exit_code, 4);
}

TEST(Inspect, TemplateAndTokenizer) {
  const Inspection demo = Inspect(Source("models/demo"), {.free_memory = kPlenty});
  EXPECT_EQ(demo.chat.status, "compiles");
  EXPECT_EQ(demo.chat.file, "chat_template.jinja");
  EXPECT_EQ(demo.tokenizer.problem, "");
  EXPECT_GT(demo.tokenizer.vocab, 0);
  const Inspection bare = Inspect(Source("tests/formats/safetensors"), {.free_memory = kPlenty});
  EXPECT_EQ(bare.chat.status, "none");
  EXPECT_EQ(bare.runs, Inspection::Runs::kYes);
  EXPECT_EQ(bare.Verdict().rfind("runs with --ids only", 0), 0u) << bare.Verdict();
}

TEST(Inspect, WhatIsNoModelThrows) {
  try {
    Inspect(Source("tests"), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
  }
}

}  // namespace
}  // namespace spate
