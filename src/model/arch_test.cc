#include "model/arch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

json Small() {
  return json::parse(
      R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
    "hidden_act": "silu", "eos_token_id": [3, 4], "bos_token_id": 1})");
}

std::string Message(const json& config) {
  try {
    MakeSpec(config);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

TEST(Arch, ReadsALlama) {
  const ModelSpec spec = MakeSpec(Small());
  EXPECT_EQ(spec.architecture, "LlamaForCausalLM");
  EXPECT_EQ(spec.Layers(), 2);
  EXPECT_EQ(spec.layers[1].attn.head_dim, 16);
  EXPECT_EQ(spec.layers[1].attn.QkvWidth(), 128);
  EXPECT_FLOAT_EQ(spec.layers[0].attn.scale, 0.25f);
  EXPECT_EQ(spec.eos_ids, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(spec.bos_id, 1);
  EXPECT_FALSE(spec.tied_head);
  // Two layers of q, k, v, o (64 x (128 + 64)) and three FFN matrices, two tables, five norms.
  EXPECT_EQ(spec.Parameters(), 2 * (64 * 192 + 3 * 64 * 96) + 2 * 100 * 64 + 5 * 64);
}

TEST(Arch, PublishedShapes) {
  const std::filesystem::path configs = std::filesystem::path(SPATE_SOURCE_DIR) / ".." / "shared" / "data" / "configs";
  if (!std::filesystem::exists(configs)) GTEST_SKIP() << "no published configurations in " << configs;
  const ModelSpec llama32 = MakeSpec(ReadJsonFile(configs / "Llama-3.2-1B" / "config.json", {}));
  EXPECT_EQ(llama32.Parameters(), 1'235'814'400);  // as its model card counts them
  EXPECT_TRUE(llama32.tied_head);
  const ModelSpec llama70 = MakeSpec(ReadJsonFile(configs / "Llama-2-70b-chat-hf" / "config.json", {}));
  EXPECT_EQ(llama70.layers.front().attn.kv_heads, 8);
  EXPECT_NEAR(static_cast<double>(llama70.Parameters()), 68.98e9, 0.01e9);
}

TEST(Arch, RefusesInOneLine) {
  json config = Small();
  config["architectures"] = {"FooForCausalLM"};
  EXPECT_NE(Message(config).find(
                "\"FooForCausalLM\" is not known; known are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM"),
            std::string::npos)
      << Message(config);
  EXPECT_NE(Message(json::object()).find("architectures"), std::string::npos);
  EXPECT_NE(Message(json::array()).find("object"), std::string::npos);

  struct Change {
    const char* key;
    json value;
    const char* expected;
  };
  const Change changes[] = {
      {"hidden_size", nullptr, "hidden_size"},
      {"hidden_size", "64", "hidden_size"},
      {"hidden_size", -64, "hidden_size"},
      {"hidden_size", 1e30, "hidden_size"},
      {"hidden_size", 66, "not a multiple"},
      {"num_key_value_heads", 3, "not a multiple"},
      {"num_attention_heads", 0, "num_attention_heads"},
      {"num_hidden_layers", 1 << 20, "num_hidden_layers"},
      {"head_dim", 15, "pairs"},
      {"hidden_act", "softplus", "silu"},
      {"rms_norm_eps", "x", "rms_norm_eps"},
      {"eos_token_id", -1, "eos_token_id"},
      {"eos_token_id", "x", "eos_token_id"},
      {"vocab_size", 0, "vocab_size"},
      {"rope_theta", 0, "rope_theta"},
      {"partial_rotary_factor", 0.01, "rotated values"},
      {"rope_scaling", json{{"rope_type", "magic"}}, "default, linear, llama3"},
      {"rope_scaling", json{{"rope_type", "linear"}}, "factor"},
      {"rope_scaling",
       json{{"type", "llama3"},
            {"factor", 8},
            {"low_freq_factor", 4},
            {"high_freq_factor", 1},
            {"original_max_position_embeddings", 64}},
       "above"},
  };
  for (const Change& change : changes) {
    config = Small();
    config[change.key] = change.value;
    EXPECT_NE(Message(config).find(change.expected), std::string::npos) << change.key << ": " << Message(config);
  }
}

TEST(Arch, WindowsAreOfTheLayersThatHaveThem) {
  const auto windows = [](const json& config) {
    std::vector<int> all;
    for (const LayerSpec& layer : MakeSpec(config).layers) all.push_back(layer.attn.window);
    return all;
  };
  json config = Small();
  config["num_hidden_layers"] = 2;
  config["architectures"] = {"MistralForCausalLM"};
  config["sliding_window"] = 32;
  EXPECT_EQ(windows(config), (std::vector<int>{32, 32}));
  config["sliding_window"] = nullptr;  // v0.3
  EXPECT_EQ(windows(config), (std::vector<int>{0, 0}));
  config["architectures"] = {"Qwen2ForCausalLM"};
  config["sliding_window"] = 32;
  config["use_sliding_window"] = false;
  EXPECT_EQ(windows(config), (std::vector<int>{0, 0}));
  config["use_sliding_window"] = true;
  config["max_window_layers"] = 1;
  EXPECT_EQ(windows(config), (std::vector<int>{0, 32}));
  config["layer_types"] = {"sliding_attention", "full_attention"};
  EXPECT_EQ(windows(config), (std::vector<int>{32, 0}));
}

TEST(Rope, Frequencies) {
  json config = {{"rope_theta", 10000.0}};
  const RopeTable plain = MakeRope(config, 8, RopeStyle::kHalf);
  ASSERT_EQ(plain.inv_freq.size(), 4u);
  EXPECT_FLOAT_EQ(plain.inv_freq[0], 1.0f);
  EXPECT_FLOAT_EQ(plain.inv_freq[1], 0.1f);
  EXPECT_FLOAT_EQ(plain.inv_freq[3], 0.001f);

  config["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  EXPECT_FLOAT_EQ(MakeRope(config, 8, RopeStyle::kHalf).inv_freq[1], 0.025f);

  // Newer files nest theta beside the type.
  EXPECT_EQ(MakeRope({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 10000.0}}}}, 8, RopeStyle::kHalf),
            plain);

  // Llama 3.1's numbers: waves shorter than 8192 / 4 stay, longer than 8192 / 1 are stretched eightfold.
  const json llama31 = {{"rope_theta", 500000.0},
                        {"rope_scaling",
                         {{"rope_type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 8192}}}};
  const RopeTable scaled = MakeRope(llama31, 128, RopeStyle::kHalf);
  const RopeTable base = MakeRope({{"rope_theta", 500000.0}}, 128, RopeStyle::kHalf);
  int blended = 0;
  for (size_t i = 0; i < 64; ++i) {
    const double wavelength = 2 * M_PI / static_cast<double>(base.inv_freq[i]);
    const double ratio = static_cast<double>(scaled.inv_freq[i]) / static_cast<double>(base.inv_freq[i]);
    if (wavelength < 2048) {
      EXPECT_EQ(ratio, 1.0) << i;
    } else if (wavelength > 8192) {
      EXPECT_NEAR(ratio, 1.0 / 8, 1e-6) << i;
    } else {
      EXPECT_GT(ratio, 1.0 / 8);
      EXPECT_LT(ratio, 1.0);
      ++blended;
    }
  }
  EXPECT_GT(blended, 0);
}

}  // namespace
}  // namespace spate
