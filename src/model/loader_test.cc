#include "model/loader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "backend/device.h"
#include "base/error.h"
#include "model/decoder.h"
#include "model/dialects.h"
#include "model/fake_checkpoint_for_test.h"

namespace spate {
namespace {

const nlohmann::json& Config() {
  static const nlohmann::json config = nlohmann::json::parse(
      R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 3,
          "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 10, "max_position_embeddings": 32})");
  return config;
}

std::unique_ptr<FakeCheckpoint> Complete() {
  auto c = std::make_unique<FakeCheckpoint>();
  c->Add("model.embed_tokens.weight", {10, 8});
  c->Add("model.norm.weight", {8});
  c->Add("lm_head.weight", {10, 8}, DType::kBF16);
  for (int l = 0; l < 3; ++l) {
    const std::string p = fmt::format("model.layers.{}.", l);
    c->Add(p + "input_layernorm.weight", {8});
    c->Add(p + "self_attn.q_proj.weight", {8, 8}, DType::kF16);
    c->Add(p + "self_attn.k_proj.weight", {4, 8});
    c->Add(p + "self_attn.v_proj.weight", {4, 8});
    c->Add(p + "self_attn.o_proj.weight", {8, 8});
    c->Add(p + "post_attention_layernorm.weight", {8});
    c->Add(p + "mlp.gate_proj.weight", {12, 8});
    c->Add(p + "mlp.up_proj.weight", {12, 8});
    c->Add(p + "mlp.down_proj.weight", {8, 12});
    c->Add(p + "self_attn.rotary_emb.inv_freq", {2});  // a buffer that old exports contain
  }
  return c;
}

std::string LoadMessage(const Checkpoint& checkpoint, int layers = 3) {
  ModelSpec spec = MakeSpec(Config());
  spec.layers.resize(static_cast<size_t>(layers));
  const auto device = MakeDevice("ref", {});
  try {
    const Weights weights =
        LoadWeights(checkpoint, ArchOf(Config()), {}, spec, *device, {.format = DType::kF32, .progress = {}});
    EXPECT_EQ(weights.layers.size(), static_cast<size_t>(layers));
    EXPECT_EQ(weights.layers[0].qkv->rows(), 16);
    EXPECT_EQ(weights.layers[0].gate_up->rows(), 24);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "loaded";
}

TEST(Loader, LoadsWhatIsComplete) {
  EXPECT_EQ(LoadMessage(*Complete()), "loaded");
  EXPECT_EQ(LoadMessage(*Complete(), 2), "loaded") << "the third layer is neither needed nor left over";
}

TEST(Loader, PlansEveryByteOnceInPackingOrder) {
  auto c = Complete();
  c->Add("model.layers.1.mlp.gate_proj.weight", {12, 8}, DType::kBF16);
  EXPECT_EQ(LoadMessage(*c), "loaded");
  std::map<const std::byte*, size_t> planned;
  size_t bytes = 0;
  for (const auto piece : c->plan()) {
    EXPECT_TRUE(planned.emplace(piece.data(), piece.size()).second);
    bytes += piece.size();
  }
  size_t expected = 0;
  for (const std::string_view name : c->Names()) {
    const TensorView& tensor = *c->Find(name);
    if (name.ends_with("inv_freq")) continue;  // a buffer that nobody reads
    EXPECT_TRUE(planned.contains(tensor.bytes.data())) << name;
    expected += tensor.bytes.size();
  }
  EXPECT_EQ(bytes, expected);
  EXPECT_EQ(c->plan().front().data(), c->Find("model.embed_tokens.weight")->bytes.data());
  EXPECT_EQ(c->plan().back().data(), c->Find("lm_head.weight")->bytes.data());
}

TEST(Loader, NamesEverythingMissingAndLeftOver) {
  auto c = Complete();
  c->Remove("model.norm.weight");
  c->Remove("model.layers.1.mlp.up_proj.weight");
  c->Add("model.final_layernorm.weight", {8});
  EXPECT_EQ(LoadMessage(*c),
            "2 tensors of LlamaForCausalLM missing: model.layers.1.mlp.up_proj.weight, model.norm.weight; "
            "present but unknown: model.final_layernorm.weight");
}

TEST(Loader, StopsLookingForAnotherModelsTensors) {
  EXPECT_TRUE(LoadMessage(*Complete(), 512)
                  .starts_with("at least 1001 tensors of LlamaForCausalLM missing: "
                               "model.layers.3.input_layernorm.weight, "))
      << LoadMessage(*Complete(), 512);
  EXPECT_NE(LoadMessage(*Complete(), 512).find(" and 989 more"), std::string::npos);
}

// GGUF's rule with a gate comes first in the list; the slot of a model without one is not its to fill.
TEST(Loader, NamesWhatIsMissingWithoutAGate) {
  const auto config = nlohmann::json::parse(
      R"({"architectures": ["GPT2LMHeadModel"], "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 10})");
  const FakeCheckpoint nothing;
  try {
    CheckWeights(nothing, ArchOf(config), GgufNames(false, false), MakeSpec(config));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("blk.0.ffn_up.weight"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("ffn_gate"), std::string::npos) << error.what();
  }
}

TEST(Loader, RefusesShapesFormatsAndStrangers) {
  auto c = Complete();
  c->Add("model.layers.0.self_attn.k_proj.weight", {8, 4});
  EXPECT_NE(LoadMessage(*c).find("shape [8, 4], config.json asks for [4, 8]"), std::string::npos) << LoadMessage(*c);
  c = Complete();
  c->Add("model.layers.2.mlp.down_proj.weight", {8, 12}, DType::kI32);
  EXPECT_NE(LoadMessage(*c).find("is i32"), std::string::npos) << LoadMessage(*c);
  c = Complete();
  c->Add("model.layers.0.self_attn.q_norm.weight", {4});  // an architecture that this table would compute wrongly
  EXPECT_NE(LoadMessage(*c).find("q_norm.weight"), std::string::npos) << LoadMessage(*c);
  c = Complete();
  c->Add("model.layers.0.self_attn.q_proj.bias", {8});  // k and v lack theirs
  EXPECT_NE(LoadMessage(*c).find("only 1 of 3 parts have a bias"), std::string::npos) << LoadMessage(*c);
}

TEST(Loader, DummyWeightsDependOnSeedAloneAndLookNormal) {
  ModelSpec spec = MakeSpec(Config());
  spec.vocab = 4000;
  const auto device = MakeDevice("ref", {});
  const auto sample = [&](uint64_t seed) {
    const Weights weights = DummyWeights(spec, seed, *device, {.format = DType::kF32, .progress = {}});
    OpsConfig plan = PlanOps(spec, DType::kF32);
    plan.max_tokens = plan.max_outputs = 4000;
    plan.max_sequences = plan.slots = 1;
    plan.max_context = 16;
    plan.kv_blocks = {1};
    const auto ops = device->MakeOps(plan);
    std::vector<int32_t> ids(4000);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
    Batch batch;
    batch.tokens = 4000;
    batch.ids = ids.data();
    const Mat out = ops->Scratch(Buf::kResidual, 4000, spec.dim);
    ops->Embed(*weights.embed, 1, batch, out);
    std::vector<float> values(static_cast<size_t>(4000 * spec.dim));
    ops->Download(out, values);
    return values;
  };
  const std::vector<float> a = sample(1);
  EXPECT_EQ(a, sample(1));
  EXPECT_NE(a, sample(2));
  double sum = 0, squares = 0, fourth = 0;
  for (const float v : a) {
    const double x = static_cast<double>(v) / 0.02;
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  const auto n = static_cast<double>(a.size());  // 32,000 values: standard errors 1/sqrt(n), sqrt(2/n), sqrt(96/n)
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 5 * std::sqrt(96 / n));
}

}  // namespace
}  // namespace spate
