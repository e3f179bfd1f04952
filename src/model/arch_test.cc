#include "model/arch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

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
  const json mixtral = ReadJsonFile(configs / "mixtral-torch-bf16-8x22b" / "model_zoo.json", {}).at("network");
  const ModelSpec mixtral22 = MakeSpec(mixtral);
  EXPECT_NEAR(static_cast<double>(mixtral22.Parameters()), 140.6e9, 0.1e9);
  EXPECT_NEAR(static_cast<double>(mixtral22.ActiveLayerParameters()), 38.7e9, 0.1e9);
}

TEST(Arch, RefusesInOneLine) {
  json config = Small();
  config["architectures"] = {"FooForCausalLM"};
  EXPECT_NE(Message(config).find("\"FooForCausalLM\" is not known; known are LlamaForCausalLM, MistralForCausalLM"),
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
      {"rope_theta", std::nan(""), "rope_theta"},
      {"rope_theta", std::numeric_limits<double>::infinity(), "rope_theta"},
      {"head_dim", 0, "head_dim"},
      {"head_dim", 1 << 17, "head_dim"},
      {"intermediate_size", 0, "intermediate_size"},
      {"max_position_embeddings", -1, "max_position_embeddings"},
      {"num_key_value_heads", 0, "num_key_value_heads"},
      {"rope_scaling", json{{"rope_type", "magic"}}, "default, linear, llama3, dynamic, yarn, longrope, su, factors"},
      {"rope_scaling", json{{"rope_type", "linear"}, {"factor", 0}}, "factor"},
      {"rope_scaling", json{{"rope_type", "linear"}, {"factor", std::nan("")}}, "factor"},
      {"rope_scaling", json{{"rope_type", "yarn"}, {"factor", -4.0}}, "factor"},
      {"rope_scaling", json{{"rope_type", "yarn"}, {"factor", 4.0}, {"beta_fast", 0}}, "beta_fast"},
      {"rope_scaling", json{{"rope_type", "longrope"}, {"factor", 4.0}}, "short_factor: expected a list of 8"},
      {"rope_scaling", json{{"rope_type", "longrope"}, {"short_factor", {1, 2, 3}}}, "list of 8 numbers"},
      {"rope_scaling", json{{"rope_type", "factors"}, {"factors", {1, 2, 3, 4, 5, 6, 7, 0}}}, "got 0"},
      {"rope_scaling", json{{"rope_type", "factors"}, {"factors", {1, 2, 3, 4, 5, 6, 7, "x"}}}, "got \"x\""},
      {"rope_scaling", json{{"rope_type", "dynamic"}, {"factor", 1e6}, {"original_max_position_embeddings", 0}},
       "original_max_position_embeddings"},
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

TEST(Arch, RefusesWhatAFamilyAdds) {
  struct Change {
    const char* arch;
    json fields;
    const char* expected;
  };
  const json mixture = {{"num_local_experts", 8}, {"num_experts_per_tok", 2}};
  const json qwen = {{"num_experts", 8}, {"num_experts_per_tok", 2}, {"moe_intermediate_size", 16}};
  const auto with = [](json base, const char* key, const json& value) {
    base[key] = value;
    return base;
  };
  const Change changes[] = {
      {"MixtralForCausalLM", mixture, "accepted"},
      {"MixtralForCausalLM", with(mixture, "num_experts_per_tok", 9),
       "num_experts_per_tok: expected an integer in [1, 8], got 9"},
      {"MixtralForCausalLM", with(mixture, "num_experts_per_tok", 0), "num_experts_per_tok"},
      {"MixtralForCausalLM", with(mixture, "num_local_experts", 0), "num_local_experts"},
      {"MixtralForCausalLM", with(mixture, "num_local_experts", 1 << 20), "num_local_experts"},
      {"MixtralForCausalLM", json::object(), "num_local_experts"},
      {"Qwen3MoeForCausalLM", qwen, "accepted"},
      {"Qwen3MoeForCausalLM", with(qwen, "decoder_sparse_step", 0), "decoder_sparse_step"},
      {"Qwen3MoeForCausalLM", with(qwen, "mlp_only_layers", 3), "mlp_only_layers"},
      {"Qwen3MoeForCausalLM", with(qwen, "use_sliding_window", true), "use_sliding_window"},
      {"Qwen3MoeForCausalLM", with(qwen, "moe_intermediate_size", nullptr), "moe_intermediate_size"},
      {"Qwen2MoeForCausalLM", qwen, "shared_expert_intermediate_size"},
      {"Gemma2ForCausalLM", json::object(), "accepted"},
      {"Gemma2ForCausalLM", {{"query_pre_attn_scalar", 0}}, "query_pre_attn_scalar"},
      {"Gemma2ForCausalLM", {{"attn_logit_softcapping", -1}}, "attn_logit_softcapping"},
      {"Gemma2ForCausalLM", {{"sliding_window", 0}}, "sliding_window"},
      {"Gemma3ForCausalLM", {{"sliding_window_pattern", 0}}, "sliding_window_pattern"},
      {"Gemma3ForCausalLM", {{"layer_types", {"full_attention"}}}, "layer_types: expected 2 entries, got 1"},
      {"Gemma3ForCausalLM", {{"layer_types", {"full_attention", "chunked_attention"}}}, "\"chunked_attention\""},
      {"Gemma3ForCausalLM", {{"use_bidirectional_attention", true}}, "use_bidirectional_attention"},
      {"Gemma3ForCausalLM", {{"rope_local_base_freq", 0}}, "rope_local_base_freq"},
      {"Gemma3ForConditionalGeneration", json::object(), "text_config"},
      {"Phi3ForCausalLM", {{"sliding_window", -1}}, "sliding_window"},
      {"PhiForCausalLM", {{"partial_rotary_factor", 1.5}}, "partial_rotary_factor"},
      {"GraniteForCausalLM", {{"logits_scaling", 0}}, "logits_scaling"},
      {"GraniteForCausalLM", {{"residual_multiplier", "x"}}, "residual_multiplier"},
      {"CohereForCausalLM", {{"layer_norm_eps", -1}}, "layer_norm_eps"},
      {"MiniCPMForCausalLM", {{"dim_model_base", 0}}, "dim_model_base"},
  };
  for (const Change& change : changes) {
    json config = Small();
    config.update(change.fields);
    config["architectures"] = {change.arch};
    EXPECT_NE(Message(config).find(change.expected), std::string::npos) << change.arch << ": " << Message(config);
  }
}

// Whatever stands in a config.json, a spec is made or an Error names the key; no other exception, no crash.
TEST(Arch, AnyValueOfAnyKeyIsReadOrRefused) {
  const std::filesystem::path goldens = std::filesystem::path(SPATE_SOURCE_DIR) / "tests" / "golden";
  const json values[] = {nullptr,
                         true,
                         -1,
                         0,
                         1,
                         3,
                         1 << 20,
                         int64_t{1} << 62,
                         1e300,
                         std::nan(""),
                         -0.5,
                         1e-300,
                         "x",
                         json::array(),
                         json::array({-1, "x"}),
                         json::object(),
                         json{{"type", 7}},
                         json{{"rope_type", "yarn"}, {"factor", 1e6}},
                         json{{"full_attention", 1}}};
  int refused = 0;
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(goldens)) {
    const std::filesystem::path path = entry.path() / "config.json";
    if (!std::filesystem::exists(path) || !std::filesystem::exists(entry.path() / "golden.json")) continue;
    const json config = ReadJsonFile(path.string(), {});
    for (const auto& [key, value] : config.items()) {
      for (const json& bad : values) {
        json changed = config;
        changed[key] = bad;
        try {
          const ModelSpec spec = MakeSpec(changed);
          ++read;
          EXPECT_GT(spec.dim, 0);
          EXPECT_GE(spec.Parameters(), 0) << path << ": " << key << " = " << bad;
        } catch (const Error& error) {
          ++refused;
          EXPECT_EQ(error.code(), ErrorCode::kBadInput);
        } catch (const std::exception& error) {
          ADD_FAILURE() << path << ": " << key << " = " << bad << ": " << error.what();
        }
      }
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(read, 1000);
}

TEST(Arch, Gemma3FillsInWhatItsFilesLeaveOut) {
  // The text_config of google/gemma-3-4b-it, all of it.
  const json config = json::parse(
      R"({"architectures": ["Gemma3ForConditionalGeneration"], "eos_token_id": [1, 106], "text_config": {
    "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
    "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}})");
  const ModelSpec spec = MakeSpec(config);
  EXPECT_EQ(spec.vocab, 262'208);
  EXPECT_EQ(spec.eos_ids, (std::vector<int32_t>{1, 106}));
  EXPECT_EQ(spec.layers[0].attn.QueryWidth(), 2048);
  EXPECT_EQ(spec.layers[4].attn.window, 1024);
  EXPECT_EQ(spec.layers[4].attn.rope, 1);
  EXPECT_EQ(spec.layers[5].attn.window, 0);
  EXPECT_EQ(spec.layers[5].attn.rope, 0);
  EXPECT_FLOAT_EQ(spec.ropes[0].inv_freq[0], 1.0f / 8);
  EXPECT_FLOAT_EQ(spec.ropes[1].inv_freq[0], 1.0f);
  EXPECT_NEAR(static_cast<double>(spec.Parameters()), 3.88e9, 0.01e9);  // of the language model
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

TEST(Rope, Stretched) {
  json config = {{"rope_theta", 10000.0}, {"max_position_embeddings", 64}};
  const RopeTable plain = MakeRope(config, 8, RopeStyle::kHalf);

  // What GGUF files of Llama 3.1 hold instead of llama3's four numbers.
  config["rope_scaling"] = {{"rope_type", "factors"}, {"factors", {1.0, 2.0, 4.0, 8.0}}};
  const RopeTable divided = MakeRope(config, 8, RopeStyle::kHalf);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(divided.inv_freq[i] * static_cast<float>(1 << i), plain.inv_freq[i]);
  }

  // Within the context that a model was trained for, a dynamic scaling does nothing.
  config["rope_scaling"] = {{"type", "dynamic"}, {"factor", 4.0}};
  EXPECT_EQ(MakeRope(config, 8, RopeStyle::kHalf), plain);
  config["rope_scaling"]["original_max_position_embeddings"] = 16;
  const RopeTable grown = MakeRope(config, 8, RopeStyle::kHalf);
  EXPECT_EQ(grown.inv_freq[0], 1.0f);
  EXPECT_FLOAT_EQ(grown.inv_freq[3], 0.001f / 13);  // 4 * 64 / 16 - 3: exactly what its exponent is for

  // LongRoPE: one list for the original context, one for more; "su" is an older name.
  config["rope_scaling"] = {{"type", "su"}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", {2, 2, 2, 2}}};
  EXPECT_EQ(MakeRope(config, 8, RopeStyle::kHalf), plain);
  config["original_max_position_embeddings"] = 16;
  const RopeTable longer = MakeRope(config, 8, RopeStyle::kHalf);
  EXPECT_FLOAT_EQ(longer.inv_freq[1], 0.05f);
  EXPECT_FLOAT_EQ(longer.magnitude, std::sqrt(1.5f));  // 1 + ln 4 / ln 16
}

TEST(Rope, YarnStretchesTheContext) {
  json config = Small();
  EXPECT_EQ(MakeSpec(config).context, 128);
  config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 128}};
  EXPECT_EQ(MakeSpec(config).context, 512);
  EXPECT_FLOAT_EQ(MakeSpec(config).ropes[0].magnitude, 0.1f * std::log(4.0f) + 1);
  config["max_position_embeddings"] = 4096;
  EXPECT_EQ(MakeSpec(config).context, 4096);
}

}  // namespace
}  // namespace spate
