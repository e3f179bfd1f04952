// What families beyond Llama read from config.json, and what they refuse. That they compute it right is for the
// goldens.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "model/arch.h"
#include "model/arch/config_fields.h"

namespace spate {
namespace {

using nlohmann::json;

json Falcon() {
  return {{"architectures", {"FalconForCausalLM"}},
          {"hidden_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 8},
          {"vocab_size", 100}};
}

json Gpt2() {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"n_embd", 64},
          {"n_layer", 2},
          {"n_head", 4},
          {"n_positions", 50},
          {"vocab_size", 100}};
}

json ChatGlm() {
  return {{"architectures", {"ChatGLMModel"}},
          {"hidden_size", 64},
          {"num_layers", 2},
          {"num_attention_heads", 4},
          {"kv_channels", 16},
          {"multi_query_attention", true},
          {"multi_query_group_num", 2},
          {"ffn_hidden_size", 96},
          {"padded_vocab_size", 65024},
          {"seq_length", 128}};
}

json With(json config, const char* key, json value) {
  config[key] = std::move(value);
  return config;
}

// attention_types of GPT-Neo: the list, so many times.
json Types(json list, json times) { return json::array({json::array({std::move(list), std::move(times)})}); }

std::string Message(const json& config) {
  try {
    MakeSpec(config);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

TEST(Families, FalconsGenerations) {
  const ModelSpec small = MakeSpec(Falcon());
  EXPECT_EQ(small.layers[0].attn.kv_heads, 1);
  EXPECT_TRUE(small.layers[0].parallel && small.layers[0].shared_norm);
  EXPECT_TRUE(small.tied_head);

  json config = With(With(Falcon(), "new_decoder_architecture", true), "num_kv_heads", 2);
  EXPECT_EQ(MakeSpec(config).layers[0].attn.kv_heads, 2);
  EXPECT_FALSE(MakeSpec(config).layers[0].shared_norm);
  config["num_ln_in_parallel_attn"] = 1;
  EXPECT_TRUE(MakeSpec(config).layers[0].shared_norm);

  // As 40B was first published: no word of an architecture, but heads of keys and values.
  const json old = {{"architectures", {"RWForCausalLM"}},
                    {"hidden_size", 64},
                    {"n_layer", 2},
                    {"n_head", 8},
                    {"n_head_kv", 4},
                    {"vocab_size", 100},
                    {"parallel_attn", true}};
  EXPECT_EQ(MakeSpec(old).layers[1].attn.kv_heads, 4);
  EXPECT_FALSE(MakeSpec(old).layers[1].shared_norm);

  config = With(With(With(Falcon(), "alibi", true), "multi_query", false), "parallel_attn", false);
  const ModelSpec rw = MakeSpec(config);
  EXPECT_EQ(rw.layers[0].attn.kv_heads, 8);
  EXPECT_FALSE(rw.layers[0].parallel);
  EXPECT_EQ(rw.layers[0].attn.rope, -1);
  ASSERT_EQ(rw.layers[0].attn.alibi, 0);
  EXPECT_FLOAT_EQ(rw.alibi[0][0], 0.5f / std::sqrt(8.0f));
}

TEST(Families, PublishedShapes) {
  const std::filesystem::path configs = std::filesystem::path(SPATE_SOURCE_DIR) / ".." / "shared" / "data" / "configs";
  if (!std::filesystem::exists(configs)) GTEST_SKIP() << "no published configurations in " << configs;
  const auto spec = [&](const char* folder) {
    return MakeSpec(ReadJsonFile((configs / folder / "model_zoo.json").string(), {})["network"]);
  };
  const ModelSpec falcon = spec("falcon-torch-bf16-180b");
  EXPECT_EQ(falcon.layers[0].attn.head_dim, 64);
  EXPECT_NEAR(static_cast<double>(falcon.Parameters()), 178.55e9, 0.01e9);  // the head is the embedding
  const ModelSpec chatglm = spec("chatglm2-torch-fp16-6b");
  EXPECT_EQ(chatglm.layers[0].attn.kv_heads, 2);
  EXPECT_EQ(chatglm.ropes[0].inv_freq.size(), 32u);  // half of a head of 128, in pairs
  EXPECT_NEAR(static_cast<double>(chatglm.Parameters()), 6.24e9, 0.01e9);
}

// rope_ratio means positions to ChatGLM2 and the base to those after it.
TEST(Families, ChatGlmsRopeRatio) {
  const auto second = [](const ModelSpec& spec) { return spec.ropes[0].inv_freq[1]; };
  const ModelSpec plain = MakeSpec(ChatGlm());
  EXPECT_TRUE(plain.notes.empty());
  json config = With(ChatGlm(), "rope_ratio", 16);
  config["_name_or_path"] = "THUDM/chatglm2-6b-32k";
  EXPECT_FLOAT_EQ(second(MakeSpec(config)), second(plain) / 16);
  config["_name_or_path"] = "THUDM/chatglm3-6b-32k";
  EXPECT_FLOAT_EQ(second(MakeSpec(config)), second(plain) * std::pow(16.0f, -0.25f));
  EXPECT_TRUE(MakeSpec(config).notes.empty());
  config["_name_or_path"] = "/home/me/tuned";
  ASSERT_EQ(MakeSpec(config).notes.size(), 1u);
  EXPECT_NE(MakeSpec(config).notes[0].find("rope_ratio 16"), std::string::npos);
}

TEST(Families, AlibiSlopes) {
  // The values of transformers' build_alibi_tensor and, with max_bias 16, of build_mpt_alibi_tensor.
  EXPECT_EQ(MakeAlibi(1), (AlibiSlopes{0x1p-8f}));
  EXPECT_EQ(MakeAlibi(8), (AlibiSlopes{0.5, 0.25, 0.125, 0x1p-4f, 0x1p-5f, 0x1p-6f, 0x1p-7f, 0x1p-8f}));
  EXPECT_EQ(MakeAlibi(6), (AlibiSlopes{0x1p-2f, 0x1p-4f, 0x1p-6f, 0x1p-8f, 0x1p-1f, 0x1p-3f}));
  EXPECT_EQ(MakeAlibi(3, 16), (AlibiSlopes{0x1p-8f, 0x1p-16f, 0x1p-4f}));
  const AlibiSlopes many = MakeAlibi(40);
  ASSERT_EQ(many.size(), 40u);
  EXPECT_FLOAT_EQ(many[0], 0.840896415f);
  EXPECT_FLOAT_EQ(many[31], 0.00390625f);
  EXPECT_FLOAT_EQ(many[32], 0.917004043f);
  EXPECT_FLOAT_EQ(many[39], 0.27262697f);
}

TEST(Families, BaichuanRotatesWhereItSaysHowFar) {
  json config = {{"architectures", {"BaichuanForCausalLM"}},
                 {"hidden_size", 64},
                 {"intermediate_size", 96},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 4},
                 {"vocab_size", 125696},
                 {"model_max_length", 64}};
  const ModelSpec large = MakeSpec(config);
  EXPECT_EQ(large.layers[1].attn.rope, -1);
  EXPECT_EQ(large.layers[1].attn.alibi, 0);
  EXPECT_EQ(large.context, 64);
  EXPECT_TRUE(large.normalize_head);
  config["max_position_embeddings"] = 96;
  config["vocab_size"] = 64000;
  const ModelSpec first = MakeSpec(config);
  EXPECT_EQ(first.layers[1].attn.rope, 0);
  EXPECT_TRUE(first.alibi.empty());
  EXPECT_EQ(first.context, 96);
  EXPECT_FALSE(first.normalize_head);
}

TEST(Families, RefuseInOneLine) {
  json neo = {{"architectures", {"GPTNeoForCausalLM"}},
              {"hidden_size", 64},
              {"num_layers", 4},
              {"num_heads", 4},
              {"vocab_size", 100}};
  const json both = json::array({"global", "local"});
  EXPECT_EQ(Message(With(neo, "attention_types", Types(both, 2))), "accepted");
  const json j = With(With(Gpt2(), "architectures", json::array({"GPTJForCausalLM"})), "rotary_dim", 8);
  EXPECT_EQ(Message(j), "accepted");
  const json opt = With(With(With(Falcon(), "architectures", json::array({"OPTForCausalLM"})), "ffn_dim", 96),
                        "max_position_embeddings", 40);
  EXPECT_EQ(MakeSpec(opt).position_rows, 42);
  const json mpt = {
      {"architectures", {"MPTForCausalLM"}}, {"d_model", 64}, {"n_layers", 2}, {"n_heads", 4}, {"vocab_size", 100},
      {"attn_config", {{"alibi", true}}}};
  EXPECT_EQ(Message(mpt), "accepted");

  struct Case {
    json config;
    std::vector<std::string_view> expected;  // parts of the message
  };
  const Case cases[] = {
      {With(Falcon(), "num_attention_heads", 7), {"hidden_size 64", "num_attention_heads 7"}},
      {With(With(Falcon(), "new_decoder_architecture", true), "num_kv_heads", 3), {"num_key_value_heads 3"}},
      {With(With(Falcon(), "new_decoder_architecture", true), "num_ln_in_parallel_attn", 3),
       {"num_ln_in_parallel_attn", "3"}},
      {With(Falcon(), "apply_residual_connection_post_layernorm", true),
       {"apply_residual_connection_post_layernorm", "true"}},
      {With(Falcon(), "activation", "softplus"), {"activation", "softplus"}},
      {With(Gpt2(), "n_head", 5), {"n_embd 64", "n_head 5"}},
      {With(Gpt2(), "n_layer", 0), {"n_layer", "0"}},
      {With(Gpt2(), "n_inner", -4), {"n_inner", "-4"}},
      {With(Gpt2(), "layer_norm_epsilon", 2), {"layer_norm_epsilon", "2"}},
      {With(Gpt2(), "add_cross_attention", true), {"add_cross_attention", "true"}},
      {With(j, "rotary_dim", 17), {"rotary_dim", "17"}},
      {With(j, "rotary_dim", nullptr), {"rotary_dim"}},
      {With(j, "rotary_dim", 7), {"7 rotated values"}},
      {neo, {"attention_types"}},
      {With(neo, "attention_types", Types(both, 3)), {"attention_types", "4 layers"}},
      {With(neo, "attention_types", Types(both, 1)), {"attention_types", "4 layers"}},
      {With(neo, "attention_types", Types(both, uint64_t{1} << 63)), {"attention_types"}},
      {With(neo, "attention_types", Types(json::array({"near"}), 4)), {"attention_types", "near"}},
      {With(opt, "do_layer_norm_before", false), {"do_layer_norm_before", "false"}},
      {With(opt, "word_embed_proj_dim", 32), {"word_embed_proj_dim", "64", "32"}},
      {With(mpt, "attn_config", {{"alibi", false}}), {"attn_config", "alibi", "false"}},
      {With(mpt, "attn_config", {{"alibi", true}, {"qk_ln", true}}), {"qk_ln", "true"}},
      {With(mpt, "attn_config", {{"alibi", true}, {"attn_type", "multiquery_attention"}}), {"multiquery_attention"}},
      {With(mpt, "attn_config", 3), {"attn_config", "3"}},
      {With(mpt, "logit_scale", "inv_sqrt_d_model"), {"logit_scale", "inv_sqrt_d_model"}},
      {With(ChatGlm(), "position_encoding_2d", true), {"position_encoding_2d", "first generation"}},
      {With(ChatGlm(), "pre_seq_len", 128), {"pre_seq_len", "128"}},
      {With(ChatGlm(), "post_layer_norm", false), {"post_layer_norm", "false"}},
      {With(ChatGlm(), "multi_query_group_num", 3), {"3"}},
      {With(ChatGlm(), "rope_ratio", 0), {"rope_ratio", "0"}},
  };
  for (const Case& c : cases) {
    const std::string message = Message(c.config);
    for (const std::string_view part : c.expected) {
      EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
    }
  }
}

}  // namespace
}  // namespace spate
