// The engine over real models: the golden checkpoints, whose greedy continuations PyTorch computed, and the
// reference backend, whose results may not depend on what else runs.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "engine/direct_run.h"
#include "engine/score.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

fs::path Golden(const std::string& name) { return fs::path(SPATE_SOURCE_DIR) / "tests" / "golden" / name; }

std::unique_ptr<Model> OpenGolden(const std::string& name, const std::string& backend = "ref") {
  return OpenModel({.path = Golden(name), .backend = backend, .threads = 1, .dtype = DType::kF32});
}

struct Outcome {
  std::vector<int32_t> ids;
  std::string text;
  Delta end;
};

class WaitSink final : public Sink {
 public:
  void Push(Delta delta) override {
    const std::lock_guard lock(mutex_);
    for (const SampleResult& token : delta.tokens) outcome_.ids.push_back(token.token);
    outcome_.text += delta.text;
    if (!delta.finish) return;
    outcome_.end = std::move(delta);
    done_ = true;
    changed_.notify_all();
  }
  Outcome Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return outcome_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Outcome outcome_;
  bool done_ = false;
};

struct Greedy {
  std::vector<int32_t> prompt;
  std::vector<int32_t> output;
};

std::vector<Greedy> GoldenGreedy(const std::string& name) {
  std::vector<Greedy> all;
  const nlohmann::json golden = ReadJsonFile((Golden(name) / "golden.json").string(), {});
  for (const auto& entry : golden.at("greedy")) {
    all.push_back({entry.at("prompt").get<std::vector<int32_t>>(), entry.at("ids").get<std::vector<int32_t>>()});
  }
  return all;
}

// (model, backend)
class EngineGolden : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

std::vector<std::string> AllBackends() {
  const std::vector<std::string_view> names = Backends();
  return {names.begin(), names.end()};
}

// All prompts together, three times each, in steps of few tokens and with few blocks: so they are cut, mixed and
// preempted, and must still say what PyTorch said.
TEST_P(EngineGolden, GreedyContinuationsWhateverElseRuns) {
  const auto& [name, backend] = GetParam();
  auto model = OpenGolden(name, backend);
  const std::vector<Greedy> expected = GoldenGreedy(name);
  ASSERT_FALSE(expected.empty());
  Engine engine(std::move(model), {.max_batch_tokens = 9, .max_sequences = 6, .context = 64, .kv_blocks = 7});
  std::vector<std::shared_ptr<WaitSink>> sinks;
  for (size_t i = 0; i < 3 * expected.size(); ++i) {
    const Greedy& greedy = expected[i % expected.size()];
    sinks.push_back(std::make_shared<WaitSink>());
    engine.Submit(
        {.id = std::to_string(i),
         .prompt = greedy.prompt,
         .params = {.max_tokens = static_cast<int>(greedy.output.size()), .temperature = 0, .ignore_eos = true}},
        sinks.back());
  }
  for (size_t i = 0; i < sinks.size(); ++i) {
    const Outcome outcome = sinks[i]->Wait();
    EXPECT_EQ(outcome.ids, expected[i % expected.size()].output);
    EXPECT_EQ(outcome.end.finish, FinishReason::kLength);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EngineGolden,
                         testing::Combine(testing::Values("llama2", "llama31", "qwen2"),
                                          testing::ValuesIn(AllBackends())),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

// (backend): what must hold on each.
class EngineBackend : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Backends, EngineBackend, testing::ValuesIn(AllBackends()));

// Penalties, bias, seeds: alone, and in a crowd that preempts.
TEST_P(EngineBackend, SampledTextDoesNotDependOnNeighbours) {
  const SamplingParams kinds[] = {
      {.max_tokens = 100, .temperature = 0.9f, .seed = 1, .ignore_eos = true},
      {.max_tokens = 100, .temperature = 1.3f, .top_k = 20, .repetition_penalty = 1.3f, .seed = 2, .ignore_eos = true},
      {.max_tokens = 100,
       .temperature = 1.f,
       .top_p = 0.9f,
       .presence_penalty = 1.f,
       .frequency_penalty = 0.7f,
       .seed = 3},
      {.max_tokens = 100,
       .min_tokens = 20,
       .temperature = 1.f,
       .min_p = 0.05f,
       .seed = 4,
       .stop_ids = {5, 6, 7, 8, 9, 10}},
      {.max_tokens = 100, .temperature = 0, .repetition_penalty = 1.2f, .logit_bias = {{40, 3.f}}, .top_logprobs = 3},
      {.max_tokens = 100, .temperature = 1.1f, .seed = 6, .ignore_eos = true, .mirostat = 2, .mirostat_tau = 3},
      {.max_tokens = 100,
       .temperature = 0.7f,
       .seed = 7,
       .ignore_eos = true,
       .dry_multiplier = 2,
       .dry_allowed_length = 1,
       .bad_words_ids = {{40, 41}, {50}}},
      {.max_tokens = 100,
       .temperature = 1.2f,
       .top_p = 0.9f,
       .frequency_penalty = 0.4f,
       .seed = 8,
       .ignore_eos = true,
       .typical_p = 0.95f,
       .xtc_probability = 0.5f,
       .xtc_threshold = 0.05f,
       .dynatemp_range = 0.5f,
       .dry_multiplier = 1,
       .samplers = {SamplerStep::kTopP, SamplerStep::kTemperature, SamplerStep::kXtc, SamplerStep::kPenalties,
                    SamplerStep::kDry, SamplerStep::kTypicalP}},
  };
  constexpr size_t kKinds = std::size(kinds);
  std::vector<Outcome> alone;
  int64_t preemptions = 0;
  for (const bool crowd : {false, true}) {
    Engine engine(OpenGolden("llama32", GetParam()), {.max_batch_tokens = crowd ? 7 : 64,
                                                      .max_sequences = crowd ? 5 : 1,
                                                      .context = 144,
                                                      .kv_blocks = crowd ? 10 : 9});
    std::vector<std::shared_ptr<WaitSink>> sinks;
    for (int i = 0; i < static_cast<int>(2 * kKinds); ++i) {
      sinks.push_back(std::make_shared<WaitSink>());
      std::vector<int32_t> prompt;
      for (int t = 0; t < 3 + 2 * (i % 10); ++t) prompt.push_back((7 * i + 3 * t) % 100);
      engine.Submit({.id = std::to_string(i), .prompt = prompt, .params = kinds[static_cast<size_t>(i) % kKinds]},
                    sinks.back());
    }
    for (size_t i = 0; i < sinks.size(); ++i) {
      const Outcome outcome = sinks[i]->Wait();
      ASSERT_EQ(outcome.end.error, "");
      if (!crowd) {
        alone.push_back(outcome);
      } else {
        EXPECT_EQ(outcome.ids, alone[i].ids) << "request " << i;
        EXPECT_EQ(outcome.end.finish, alone[i].end.finish);
      }
    }
    preemptions += engine.stats().preemptions;
  }
  EXPECT_GT(preemptions, 0);
  EXPECT_GE(alone[3].ids.size(), 20u) << "min_tokens";
}

TEST(Engine, TextIsThatOfItsIds) {
  const fs::path demo = fs::path(SPATE_SOURCE_DIR) / "models" / "demo";
  if (!fs::exists(demo / "model.safetensors")) GTEST_SKIP() << demo << " is absent";
  Engine engine(OpenModel({.path = demo, .backend = AllBackends().front(), .threads = 1}), {.max_sequences = 2});
  const Tokenizer& tokenizer = *engine.model().tokenizer;
  auto whole = std::make_shared<WaitSink>();
  Request request{.id = "1",
                  .prompt = tokenizer.Encode("Once upon a time"),
                  .params = {.max_tokens = 60, .seed = 4, .ignore_eos = true}};
  engine.Submit(request, whole);
  const Outcome outcome = whole->Wait();
  EXPECT_EQ(outcome.ids.size(), 60u);
  std::vector<int32_t> all = request.prompt;
  all.insert(all.end(), outcome.ids.begin(), outcome.ids.end());
  EXPECT_EQ(tokenizer.Decode(request.prompt, true) + outcome.text, tokenizer.Decode(all, true));

  request.id = "2";
  request.params.stop = {outcome.text.substr(outcome.text.size() / 2, 6)};
  auto stopped = std::make_shared<WaitSink>();
  engine.Submit(request, stopped);
  const Outcome cut = stopped->Wait();
  EXPECT_EQ(cut.end.finish, FinishReason::kStop);
  EXPECT_EQ(cut.text, outcome.text.substr(0, outcome.text.find(request.params.stop[0])));
}

TEST(Engine, CountsItsSteps) {
  Engine engine(OpenGolden("llama2"), {.max_batch_tokens = 16, .max_sequences = 1, .context = 64});
  auto sink = std::make_shared<WaitSink>();
  engine.Submit({.id = "1", .prompt = std::vector<int32_t>(20, 3), .params = {.max_tokens = 5, .ignore_eos = true}},
                sink);
  const Outcome outcome = sink->Wait();
  EXPECT_EQ(outcome.end.timings.prompt_tokens, 20);
  EXPECT_EQ(outcome.end.timings.output_tokens, 5);
  EXPECT_GT(outcome.end.timings.prefill, 0);
  EXPECT_GT(outcome.end.timings.decode, 0);
  EXPECT_EQ(engine.context(), 64);
}

// The scorer's rows are the same bits in any chunks and beside any neighbours, and the same as the engine's choice.
TEST_P(EngineBackend, ScoresDependNeitherOnChunksNorOnNeighbours) {
  const auto model = OpenGolden("llama31", GetParam());
  const Greedy greedy = GoldenGreedy("llama31")[1];
  std::vector<int32_t> ids = greedy.prompt;
  ids.insert(ids.end(), greedy.output.begin(), greedy.output.end());
  const auto vocab = static_cast<size_t>(model->spec.vocab);
  std::vector<float> whole(ids.size() * vocab);
  Scorer(*model, {.max_positions = 60}).Run(ids, [&](int, int position, std::span<const float> logits) {
    std::copy(logits.begin(), logits.end(),
              whole.begin() + static_cast<int64_t>(static_cast<size_t>(position) * vocab));
  });
  for (size_t i = greedy.prompt.size() - 1; i + 1 < ids.size(); ++i) {
    const auto row = whole.begin() + static_cast<int64_t>(i * vocab);
    EXPECT_EQ(std::max_element(row, row + static_cast<int64_t>(vocab)) - row, ids[i + 1]) << "position " << i;
  }
  for (const int chunk : {1, 5, 64}) {
    for (const int repeat : {1, 3}) {
      Scorer scorer(*model, {.max_positions = 60, .chunk = chunk, .repeat = repeat});
      for (int round = 0; round < 2; ++round) {
        std::vector<int> next(static_cast<size_t>(repeat), 0);
        scorer.Run(ids, [&](int copy, int position, std::span<const float> logits) {
          ASSERT_EQ(next[static_cast<size_t>(copy)]++, position);
          ASSERT_TRUE(std::equal(logits.begin(), logits.end(),
                                 whole.begin() + static_cast<int64_t>(static_cast<size_t>(position) * vocab)))
              << "chunk " << chunk << " copy " << copy << " position " << position;
        });
        for (const int count : next) EXPECT_EQ(count, static_cast<int>(ids.size()));
      }
    }
  }
}

TEST(Scorer, RefusesWhatDoesNotFit) {
  const auto model = OpenGolden("llama31");
  EXPECT_THROW(Scorer(*model, {.max_positions = 161}), Error);
  EXPECT_THROW(Scorer(*model, {.max_positions = 10, .repeat = 0}), Error);
  EXPECT_THROW(Scorer(*model, {.max_positions = 10, .chunk = -1}), Error);
  Scorer scorer(*model, {.max_positions = 4});
  const auto ignore = [](int, int, std::span<const float>) {};
  EXPECT_THROW(scorer.Run(std::vector<int32_t>{}, ignore), Error);
  EXPECT_THROW(scorer.Run(std::vector<int32_t>{1, 2, 3, 4, 5}, ignore), Error);
  EXPECT_THROW(scorer.Run(std::vector<int32_t>{131}, ignore), Error);
}

TEST(DirectRun, DecodesWhatTheEngineDecodes) {
  const auto model = OpenGolden("llama31");
  const Greedy greedy = GoldenGreedy("llama31")[1];
  DirectRun run(*model, {.max_positions = 80, .max_batch_tokens = 8});
  run.Prefill(greedy.prompt);
  EXPECT_EQ(run.position(), static_cast<int>(greedy.prompt.size()));
  std::vector<int32_t> drawn{run.next_token()};
  for (size_t i = 1; i < greedy.output.size(); ++i) {
    run.Decode(1);
    drawn.push_back(run.next_token());
  }
  EXPECT_EQ(drawn, greedy.output);
  const uint64_t hash = run.LogitsHash();
  run.Rewind(5);
  run.Prefill(std::span(greedy.prompt).subspan(5));
  EXPECT_NE(run.LogitsHash(), hash);
  run.Decode(static_cast<int>(greedy.output.size()) - 1);
  EXPECT_EQ(run.LogitsHash(), hash) << "a second round does the same work";
  EXPECT_EQ(run.next_token(), greedy.output.back());
  EXPECT_THROW(run.Decode(100), Error);
}

TEST(OpenModel, MistakesAreOneLineWithTheirNumbers) {
  const auto message = [](const ModelOptions& options, ErrorCode code) {
    try {
      OpenModel(options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message({.path = "/nowhere"}, ErrorCode::kBadInput).find("/nowhere"), std::string::npos);
  EXPECT_NE(message({.path = Golden("llama31") / "config.json"}, ErrorCode::kBadInput).find("folder"),
            std::string::npos);
  EXPECT_NE(message({.path = Golden("llama31"), .backend = "ref", .num_layers = 9}, ErrorCode::kUsage).find("1 to 3"),
            std::string::npos);
  EXPECT_NE(message({.path = Golden("llama31"), .backend = "ref", .num_layers = -1}, ErrorCode::kUsage).find("-1"),
            std::string::npos);
  EXPECT_NE(message({.path = Golden("llama31"), .backend = "ref", .dtype = DType::kI8}, ErrorCode::kUsage).find("bf16"),
            std::string::npos);
  EXPECT_NE(message({.path = Golden("llama31"), .backend = "gpu"}, ErrorCode::kUsage).find("gpu"), std::string::npos);
}

TEST(OpenModel, FirstLayersAndFormats) {
  const auto one = OpenModel({.path = Golden("llama31"), .backend = "ref", .num_layers = 1});
  EXPECT_EQ(one->spec.Layers(), 1);
  EXPECT_EQ(one->weights.layers.size(), 1u);
  EXPECT_EQ(one->dtype, DType::kBF16) << "as the checkpoint is";
  EXPECT_EQ(one->kv_dtype, DType::kBF16);
  const auto f32 = OpenModel({.path = Golden("llama31"), .backend = "ref", .dtype = DType::kF32});
  EXPECT_EQ(f32->kv_dtype, DType::kF32);
  EXPECT_GT(f32->load_bytes, one->load_bytes);
  const auto dummy = OpenModel({.path = Golden("llama31"), .backend = "ref", .dummy = true});
  EXPECT_EQ(dummy->load_bytes, 0);
  EXPECT_EQ(dummy->weights.layers.size(), 3u);
}

}  // namespace
}  // namespace spate
