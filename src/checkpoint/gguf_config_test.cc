#include "checkpoint/gguf_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "base/error.h"
#include "checkpoint/gguf_archs.h"
#include "checkpoint/gguf_writer_for_test.h"

namespace spate {
namespace {

using nlohmann::json;

GgufFile Parse(const std::string& file) {
  return ParseGguf({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "x.gguf");
}

json Config(const GgufWriter& writer) {
  const std::string bytes = writer.Finish();
  return GgufConfig(Parse(bytes));
}

std::string Message(const GgufWriter& writer) {
  try {
    Config(writer);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

// What every file has: 2 layers of 4 heads of 8 values.
GgufWriter Minimal(const std::string& arch, bool rms) {
  GgufWriter w;
  w.String("general.architecture", arch);
  w.U32(arch + ".context_length", 128);
  w.U32(arch + ".embedding_length", 32);
  w.U32(arch + ".block_count", 2);
  w.U32(arch + ".feed_forward_length", 48);
  w.U32(arch + ".attention.head_count", 4);
  w.F32(arch + (rms ? ".attention.layer_norm_rms_epsilon" : ".attention.layer_norm_epsilon"), 1e-5f);
  w.Tensor("token_embd.weight", {32, 10}, 0, 1280);
  return w;
}

GgufWriter Llama() {
  GgufWriter w = Minimal("llama", true);
  w.U32("llama.attention.head_count_kv", 2);
  return w;
}

TEST(GgufConfig, Llama) {
  GgufWriter w = Llama();
  w.U32("llama.vocab_size", 10);
  w.U32("llama.rope.dimension_count", 8);
  w.F32("llama.rope.freq_base", 500000);
  w.U32("tokenizer.ggml.bos_token_id", 1);
  w.U32("tokenizer.ggml.eos_token_id", 2);
  w.Tensor("output.weight", {32, 10}, 0, 1280);
  EXPECT_EQ(Config(w), json::parse(R"({
      "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "max_position_embeddings": 128, "hidden_size": 32,
      "num_hidden_layers": 2, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2,
      "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "vocab_size": 10, "tie_word_embeddings": false,
      "bos_token_id": 1, "eos_token_id": 2, "attention_bias": false, "mlp_bias": false})"));
  const std::string bytes = w.Finish();
  EXPECT_TRUE(DialectOf(Parse(bytes)).adjacent_pairs);
  EXPECT_FALSE(DialectOf(Parse(bytes)).norms_hold_one);
}

TEST(GgufConfig, OneNameForThree) {
  GgufWriter mixtral = Llama();
  mixtral.U32("llama.expert_count", 8);
  mixtral.U32("llama.expert_used_count", 2);
  EXPECT_EQ(Config(mixtral)["architectures"], json({"MixtralForCausalLM"}));
  EXPECT_EQ(Config(mixtral)["num_local_experts"], 8);
  EXPECT_EQ(Config(mixtral)["num_experts_per_tok"], 2);
  GgufWriter mistral = Llama();
  mistral.U32("llama.expert_count", 0);
  mistral.U32("llama.attention.sliding_window", 64);
  EXPECT_EQ(Config(mistral)["architectures"], json({"MistralForCausalLM"}));
  EXPECT_EQ(Config(mistral)["sliding_window"], 64);
}

TEST(GgufConfig, ListsOfEqualValuesAreOneValue) {
  GgufWriter w = Minimal("llama", true);
  w.List<uint32_t>("llama.attention.head_count_kv", GgufType::kU32, {2, 2});
  EXPECT_EQ(Config(w)["num_key_value_heads"], 2);
  GgufWriter other = Minimal("llama", true);
  other.List<uint32_t>("llama.attention.head_count_kv", GgufType::kU32, {2, 4});
  EXPECT_EQ(Message(other), "x.gguf: llama.attention.head_count_kv: layers differ (2 and 4), which is not supported");
}

TEST(GgufConfig, RopeScalings) {
  const auto scaling = [](const std::function<void(GgufWriter&)>& fill) {
    GgufWriter w = Llama();
    fill(w);
    return Config(w).value("rope_scaling", json());
  };
  EXPECT_EQ(scaling([](auto& w) { w.String("llama.rope.scaling.type", "none"); }), json());
  EXPECT_EQ(scaling([](auto& w) {
              w.String("llama.rope.scaling.type", "linear");
              w.F32("llama.rope.scaling.factor", 4);
            }),
            json::parse(R"({"rope_type": "linear", "factor": 4.0})"));
  EXPECT_EQ(scaling([](auto& w) { w.F32("llama.rope.scale_linear", 2); }),
            json::parse(R"({"rope_type": "linear", "factor": 2.0})"));
  EXPECT_EQ(scaling([](auto& w) {
              w.String("llama.rope.scaling.type", "yarn");
              w.F32("llama.rope.scaling.factor", 8);
              w.U32("llama.rope.scaling.original_context_length", 16);
              w.Bool("llama.rope.scaling.finetuned", true);
              w.F32("llama.rope.scaling.yarn_beta_fast", 32);
              w.F32("llama.rope.scaling.yarn_attn_factor", 1.2f);
            }),
            json::parse(R"({"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 16,
                            "beta_fast": 32.0, "attention_factor": 1.2})"));
  // The bytes of these tensors are 0, 1, 2, ..., which are small numbers above 0 as little-endian floats save the
  // first.
  const json factors = scaling([](auto& w) { w.Tensor("rope_freqs.weight", {4}, 0, 16); });
  EXPECT_EQ(factors["rope_type"], "factors");
  EXPECT_EQ(factors["factors"].size(), 4u);
}

TEST(GgufConfig, LongRopeNeedsItsTensors) {
  GgufWriter w = Minimal("phi3", true);
  w.U32("phi3.rope.dimension_count", 6);
  w.U32("phi3.rope.scaling.original_context_length", 64);
  w.F32("phi3.rope.scaling.attn_factor", 1.19f);
  w.U32("phi3.attention.sliding_window", 0);
  EXPECT_NE(Message(w).find("1.19 without a scaling"), std::string::npos) << Message(w);
  w.Tensor("rope_factors_long.weight", {3}, 0, 12);
  EXPECT_NE(Message(w).find("longrope needs the tensors"), std::string::npos) << Message(w);
  w.Tensor("rope_factors_short.weight", {3}, 0, 12);
  const json config = Config(w);
  EXPECT_EQ(config["partial_rotary_factor"], 0.75);
  EXPECT_EQ(config["original_max_position_embeddings"], 64);
  EXPECT_TRUE(config["sliding_window"].is_null());
  EXPECT_EQ(config["rope_scaling"]["rope_type"], "longrope");
  EXPECT_EQ(config["rope_scaling"]["attention_factor"], 1.19);
  EXPECT_EQ(config["rope_scaling"]["long_factor"].size(), 3u);
  EXPECT_EQ(config["rope_scaling"]["original_max_position_embeddings"], 64);
}

TEST(GgufConfig, Gemma) {
  GgufWriter w = Minimal("gemma2", true);
  w.U32("gemma2.attention.key_length", 16);
  w.U32("gemma2.attention.value_length", 16);
  w.F32("gemma2.final_logit_softcapping", 20);
  w.U32("gemma2.attention.sliding_window", 32);
  const json config = Config(w);
  EXPECT_EQ(config["head_dim"], 16);
  EXPECT_EQ(config["query_pre_attn_scalar"], 16);
  EXPECT_EQ(config["attn_logit_softcapping"], 50.0);
  EXPECT_EQ(config["final_logit_softcapping"], 20.0);
  EXPECT_EQ(config["sliding_window"], 32);
  EXPECT_EQ(config["tie_word_embeddings"], true);
  const std::string bytes = w.Finish();
  EXPECT_TRUE(DialectOf(Parse(bytes)).norms_hold_one);

  GgufWriter largest;
  largest.String("general.architecture", "gemma3");
  for (const auto& [key, value] : {std::pair{"context_length", 128},
                                   {"embedding_length", 5376},
                                   {"block_count", 62},
                                   {"feed_forward_length", 21504},
                                   {"attention.head_count", 32},
                                   {"attention.head_count_kv", 16},
                                   {"attention.key_length", 128},
                                   {"attention.value_length", 128},
                                   {"attention.sliding_window", 1024}}) {
    largest.U32(std::string("gemma3.") + key, static_cast<uint32_t>(value));
  }
  largest.F32("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
  largest.Strings("tokenizer.ggml.tokens", {"a"});
  EXPECT_EQ(Config(largest)["query_pre_attn_scalar"], 168);
  EXPECT_EQ(Config(largest)["sliding_window_pattern"], 6);
  largest.List<uint8_t>("gemma3.attention.sliding_window_pattern", GgufType::kBool, {1, 0});
  EXPECT_EQ(Config(largest)["layer_types"], json({"sliding_attention", "full_attention"}));
}

TEST(GgufConfig, ScalesComeBackAsTheyWere) {
  GgufWriter granite = Minimal("granite", true);
  granite.F32("granite.attention.scale", 0.015625f);
  granite.F32("granite.embedding_scale", 12);
  granite.F32("granite.residual_scale", 0.22f);
  granite.F32("granite.logit_scale", 8);
  const json g = Config(granite);
  EXPECT_EQ(g["attention_multiplier"], 0.015625);
  EXPECT_EQ(g["embedding_multiplier"], 12.0);
  EXPECT_EQ(g["residual_multiplier"], 0.22);
  EXPECT_EQ(g["logits_scaling"], 8.0);

  GgufWriter minicpm = Minimal("minicpm", true);
  minicpm.F32("minicpm.residual_scale", static_cast<float>(1.4 / std::sqrt(2.0)));
  minicpm.F32("minicpm.logit_scale", 32.0f / 16);
  const json m = Config(minicpm);
  EXPECT_EQ(m["scale_depth"], 1.4);
  EXPECT_EQ(m["dim_model_base"], 16.0);
  EXPECT_EQ(m["scale_emb"], 12.0);

  GgufWriter command_r = Minimal("command-r", false);
  command_r.F32("command-r.logit_scale", 0.0625f);
  command_r.String("command-r.rope.scaling.type", "none");
  command_r.Tensor("blk.0.attn_q_norm.weight", {8, 4}, 0, 128);
  EXPECT_EQ(Config(command_r)["logit_scale"], 0.0625);
  EXPECT_EQ(Config(command_r)["use_qk_norm"], true);
}

TEST(GgufConfig, ChatGlmRotatesHalfOfEachHead) {
  GgufWriter w = Minimal("chatglm", true);
  w.U32("chatglm.attention.head_count_kv", 2);
  w.U32("chatglm.rope.dimension_count", 4);
  w.F32("chatglm.rope.freq_base", 500000);
  const json config = Config(w);
  EXPECT_EQ(config["num_layers"], 2);
  EXPECT_EQ(config["multi_query_group_num"], 2);
  EXPECT_EQ(config["rope_ratio"], 50.0);
  EXPECT_EQ(config["kv_channels"], 8);
  EXPECT_EQ(config["padded_vocab_size"], 10);
}

TEST(GgufConfig, EveryArchitectureHasAName) {
  std::set<std::string_view> names;
  for (const GgufArch& arch : GgufArchs()) {
    EXPECT_TRUE(names.insert(arch.gguf).second) << arch.gguf;
    GgufWriter w;
    w.String("general.architecture", arch.gguf);
    const std::string prefix = std::string(arch.gguf) + ".";
    for (const auto keys : {arch.keys, arch.more}) {
      for (const GgufConfigKey& key : keys) {
        if (!key.required) continue;
        if (key.kind == GgufConfigKey::kNumber) {
          w.F32(prefix + std::string(key.gguf), 1e-5f);
        } else {
          w.U32(prefix + std::string(key.gguf), key.gguf == "embedding_length" ? 8 : 1);
        }
      }
    }
    w.Tensor("token_embd.weight", {8, 10}, 0, 320);
    const json config = Config(w);
    EXPECT_EQ(config["architectures"], json({std::string(arch.config)}));
    EXPECT_EQ(config["vocab_size"], 10);
  }
  EXPECT_GE(names.size(), 24u);
}

TEST(GgufConfig, RefusesWhatItCannotCarryOver) {
  struct Case {
    const char* expected;
    std::function<void(GgufWriter&)> fill;
  };
  const Case cases[] = {
      {"llama.new_idea = 3", [](auto& w) { w.U32("llama.new_idea", 3); }},
      {"llama.attention.causal: expected true", [](auto& w) { w.Bool("llama.attention.causal", false); }},
      {"value_length: expected attention.key_length, 8, got 16",
       [](auto& w) { w.U32("llama.attention.value_length", 16); }},
      {"rope.dimension_count: expected an integer in [1, 8], got 16",
       [](auto& w) { w.U32("llama.rope.dimension_count", 16); }},
      {"rope.scaling.type: \"spiral\" is not known", [](auto& w) { w.String("llama.rope.scaling.type", "spiral"); }},
      {"rope.freq_base: expected a number", [](auto& w) { w.F32("llama.rope.freq_base", std::nanf("")); }},
      {"expert_used_count: expected 1 to expert_count, 4, got 8",
       [](auto& w) {
         w.U32("llama.expert_count", 4);
         w.U32("llama.expert_used_count", 8);
       }},
      {"10 rows", [](auto& w) { w.Strings("tokenizer.ggml.tokens", std::vector<std::string>(11, "t")); }},
      {"eos_token_id: 10 is no token", [](auto& w) { w.U32("tokenizer.ggml.eos_token_id", 10); }},
      {"rope_freqs.weight: [3] in F32, expected [4]", [](auto& w) { w.Tensor("rope_freqs.weight", {3}, 0, 12); }},
      {"rope.freq_base: expected a number in [", [](auto& w) { w.F32("llama.rope.freq_base", 0); }},
      {"general.type: expected \"model\", got \"adapter\"", [](auto& w) { w.String("general.type", "adapter"); }},
      {"pooling_type: got 1; the model is made for embeddings", [](auto& w) { w.U32("llama.pooling_type", 1); }},
  };
  for (const Case& c : cases) {
    GgufWriter w = Llama();
    c.fill(w);
    EXPECT_NE(Message(w).find(c.expected), std::string::npos) << c.expected << ": " << Message(w);
  }
  GgufWriter gpt2 = Minimal("gpt2", false);
  gpt2.U32("gpt2.attention.head_count_kv", 1);
  EXPECT_NE(Message(gpt2).find("head_count_kv: expected attention.head_count, 4, got 1"), std::string::npos);
  GgufWriter empty;
  EXPECT_EQ(Message(empty), "x.gguf: general.architecture: missing; expected a string");
  GgufWriter unknown;
  unknown.String("general.architecture", "hal");
  EXPECT_NE(Message(unknown).find("\"hal\" is not known; known are llama, qwen2"), std::string::npos);
  GgufWriter missing;
  missing.String("general.architecture", "llama");
  EXPECT_EQ(Message(missing), "x.gguf: llama.context_length: missing; expected an integer in [1, 1073741824]");
  GgufWriter deep;
  deep.String("general.architecture", "llama");
  deep.U32("llama.context_length", 10);
  deep.U32("llama.embedding_length", 10);
  deep.U32("llama.block_count", 1'000'000);
  EXPECT_NE(Message(deep).find("block_count: expected an integer in [1, 512], got 1000000"), std::string::npos);
  GgufWriter headless;
  headless.String("general.architecture", "llama");
  for (const char* key : {"context_length", "embedding_length", "block_count", "feed_forward_length"}) {
    headless.U32(std::string("llama.") + key, 8);
  }
  headless.U32("llama.attention.head_count", 0);
  EXPECT_NE(Message(headless).find("attention.head_count: expected an integer in [1, "), std::string::npos)
      << Message(headless);
}

}  // namespace
}  // namespace spate
