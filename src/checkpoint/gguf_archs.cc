#include "checkpoint/gguf_archs.h"

#include <array>

#include "checkpoint/gguf_arch_adjust.h"

namespace spate {
namespace {

using enum GgufConfigKey::Kind;

// What nearly all config.json files call these.
constexpr GgufConfigKey kLlamaKeys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "intermediate_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", kNumber, true},
};
// The same with LayerNorm instead of RMSNorm.
constexpr GgufConfigKey kLayerNormKeys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "intermediate_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.layer_norm_epsilon", "layer_norm_eps", kNumber, true},
};
constexpr GgufConfigKey kGptNeoXKeys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "intermediate_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.layer_norm_epsilon", "layer_norm_eps", kNumber, true},
    {"use_parallel_residual", "use_parallel_residual", kFlag},
};
constexpr GgufConfigKey kStarCoder2Keys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "intermediate_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "num_key_value_heads", kSize, true},
    {"attention.layer_norm_epsilon", "norm_epsilon", kNumber, true},
    {"attention.sliding_window", "sliding_window", kWindow},
};
constexpr GgufConfigKey kGpt2Keys[] = {
    {"context_length", "n_positions", kSize, true},
    {"embedding_length", "n_embd", kSize, true},
    {"block_count", "n_layer", kSize, true},
    {"feed_forward_length", "n_inner", kSize, true},
    {"attention.head_count", "n_head", kSize, true},
    {"attention.layer_norm_epsilon", "layer_norm_epsilon", kNumber, true},
};
constexpr GgufConfigKey kFalconKeys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "ffn_hidden_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "num_kv_heads", kSize, true},
    {"attention.layer_norm_epsilon", "layer_norm_epsilon", kNumber, true},
};
constexpr GgufConfigKey kOlmoKeys[] = {
    {"context_length", "max_position_embeddings", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_hidden_layers", kSize, true},
    {"feed_forward_length", "intermediate_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.clamp_kqv", "clip_qkv", kNumber},
};
constexpr GgufConfigKey kChatGlmKeys[] = {
    {"context_length", "seq_length", kSize, true},
    {"embedding_length", "hidden_size", kSize, true},
    {"block_count", "num_layers", kSize, true},
    {"feed_forward_length", "ffn_hidden_size", kSize, true},
    {"attention.head_count", "num_attention_heads", kSize, true},
    {"attention.head_count_kv", "multi_query_group_num", kSize, true},
    {"attention.layer_norm_rms_epsilon", "layernorm_epsilon", kNumber, true},
};

constexpr GgufConfigKey kWindowKey[] = {{"attention.sliding_window", "sliding_window", kWindow}};
constexpr GgufConfigKey kGemma2More[] = {
    {"attention.sliding_window", "sliding_window", kWindow},
    {"attn_logit_softcapping", "attn_logit_softcapping", kNumber},
    {"final_logit_softcapping", "final_logit_softcapping", kNumber},
};
constexpr GgufConfigKey kGemma3More[] = {
    {"attention.sliding_window", "sliding_window", kWindow},
    {"final_logit_softcapping", "final_logit_softcapping", kNumber},
    {"rope.freq_base_swa", "rope_local_base_freq", kNumber},
};
constexpr GgufConfigKey kMoeMore[] = {
    {"expert_count", "num_experts", kSize, true},
    {"expert_used_count", "num_experts_per_tok", kSize, true},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_weights_norm", "norm_topk_prob", kFlag},
};
constexpr GgufConfigKey kQwen2MoeMore[] = {
    {"expert_count", "num_experts", kSize, true},
    {"expert_used_count", "num_experts_per_tok", kSize, true},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
    {"expert_weights_norm", "norm_topk_prob", kFlag},
};
constexpr GgufConfigKey kParallelMore[] = {{"use_parallel_residual", "use_parallel_residual", kFlag}};
constexpr GgufConfigKey kLogitScaleMore[] = {{"logit_scale", "logit_scale", kNumber, true}};
constexpr GgufConfigKey kGraniteMore[] = {
    {"attention.scale", "attention_multiplier", kNumber},
    {"embedding_scale", "embedding_multiplier", kNumber},
    {"residual_scale", "residual_multiplier", kNumber},
    {"logit_scale", "logits_scaling", kNumber},
};

constexpr GgufTensorFlag kLlamaFlags[] = {{"blk.0.attn_q.bias", "attention_bias"}, {"blk.0.ffn_down.bias", "mlp_bias"}};
constexpr GgufTensorFlag kAttentionBias[] = {{"blk.0.attn_q.bias", "attention_bias"}};
constexpr GgufTensorFlag kFusedBias[] = {{"blk.0.attn_qkv.bias", "attention_bias"}};
constexpr GgufTensorFlag kStarCoder2Flags[] = {{"blk.0.attn_output.bias", "use_bias"}};
constexpr GgufTensorFlag kCohereFlags[] = {{"blk.0.attn_q_norm.weight", "use_qk_norm"}};
constexpr GgufTensorFlag kStableLmFlags[] = {{"blk.0.attn_q.bias", "use_qkv_bias"},
                                             {"blk.0.attn_q_norm.weight", "qk_layernorm"}};
constexpr GgufTensorFlag kFalconFlags[] = {{"blk.0.attn_norm_2.weight", "new_decoder_architecture"},
                                           {"blk.0.attn_qkv.bias", "bias"}};
constexpr GgufTensorFlag kInternLmFlags[] = {{"blk.0.attn_q.bias", "bias"}};
constexpr GgufTensorFlag kChatGlmFlags[] = {{"blk.0.attn_qkv.bias", "add_qkv_bias"}};

constexpr GgufDialect kAdjacent{.adjacent_pairs = true};
constexpr GgufDialect kPlusOne{.norms_hold_one = true};

constexpr std::array kArchs = {
    GgufArch{.gguf = "llama",
             .config = "LlamaForCausalLM",
             .dialect = kAdjacent,
             .keys = kLlamaKeys,
             .flags = kLlamaFlags,
             .constants = R"({"hidden_act": "silu"})",
             .adjust = AdjustLlama},
    GgufArch{.gguf = "qwen2",
             .config = "Qwen2ForCausalLM",
             .keys = kLlamaKeys,
             .constants = R"({"hidden_act": "silu", "use_sliding_window": false})"},
    GgufArch{.gguf = "qwen3",
             .config = "Qwen3ForCausalLM",
             .keys = kLlamaKeys,
             .flags = kAttentionBias,
             .constants = R"({"hidden_act": "silu", "use_sliding_window": false})"},
    GgufArch{.gguf = "qwen2moe",
             .config = "Qwen2MoeForCausalLM",
             .keys = kLlamaKeys,
             .more = kQwen2MoeMore,
             .constants = R"({"hidden_act": "silu", "use_sliding_window": false, "norm_topk_prob": false,
                              "decoder_sparse_step": 1, "mlp_only_layers": []})",
             .adjust = AdjustQwen2Moe},
    GgufArch{.gguf = "qwen3moe",
             .config = "Qwen3MoeForCausalLM",
             .keys = kLlamaKeys,
             .more = kMoeMore,
             .flags = kAttentionBias,
             .constants = R"({"hidden_act": "silu", "use_sliding_window": false, "norm_topk_prob": true,
                              "decoder_sparse_step": 1, "mlp_only_layers": []})"},
    GgufArch{.gguf = "gemma",
             .config = "GemmaForCausalLM",
             .dialect = kPlusOne,
             .keys = kLlamaKeys,
             .constants = R"({"hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh"})"},
    GgufArch{.gguf = "gemma2",
             .config = "Gemma2ForCausalLM",
             .dialect = kPlusOne,
             .keys = kLlamaKeys,
             .more = kGemma2More,
             .constants = R"({"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 4096,
                              "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0})",
             .adjust = AdjustGemma2},
    GgufArch{.gguf = "gemma3",
             .config = "Gemma3ForCausalLM",
             .dialect = kPlusOne,
             .keys = kLlamaKeys,
             .more = kGemma3More,
             .constants = R"({"hidden_activation": "gelu_pytorch_tanh", "sliding_window_pattern": 6,
                              "rope_local_base_freq": 10000.0})",
             .adjust = AdjustGemma3},
    GgufArch{.gguf = "phi3",
             .config = "Phi3ForCausalLM",
             .keys = kLlamaKeys,
             .more = kWindowKey,
             .constants = R"({"hidden_act": "silu"})"},
    GgufArch{.gguf = "phi2",
             .config = "PhiForCausalLM",
             .keys = kLayerNormKeys,
             .constants = R"({"hidden_act": "gelu_new", "partial_rotary_factor": 1.0})",
             .head_dim = ""},
    GgufArch{.gguf = "falcon",
             .config = "FalconForCausalLM",
             .keys = kFalconKeys,
             .flags = kFalconFlags,
             .constants = R"({"activation": "gelu", "alibi": false})",
             .head_dim = "",
             .rotated_share = "",
             .adjust = AdjustFalcon},
    GgufArch{.gguf = "gpt2",
             .config = "GPT2LMHeadModel",
             .keys = kGpt2Keys,
             .constants = R"({"activation_function": "gelu_new"})",
             .head_dim = "",
             .rotates = false},
    GgufArch{.gguf = "gptneox",
             .config = "GPTNeoXForCausalLM",
             .keys = kGptNeoXKeys,
             .flags = kFusedBias,
             .constants = R"({"hidden_act": "gelu", "use_parallel_residual": true, "rotary_pct": 1.0})",
             .head_dim = "",
             .rotated_share = "rotary_pct",
             .adjust = AdjustGptNeoX},
    GgufArch{.gguf = "starcoder2",
             .config = "Starcoder2ForCausalLM",
             .keys = kStarCoder2Keys,
             .flags = kStarCoder2Flags,
             .constants = R"({"hidden_act": "gelu_pytorch_tanh"})",
             .head_dim = ""},
    GgufArch{.gguf = "olmo",
             .config = "OlmoForCausalLM",
             .dialect = kAdjacent,
             .keys = kOlmoKeys,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = "",
             .adjust = AdjustOlmo},
    GgufArch{.gguf = "olmo2",
             .config = "Olmo2ForCausalLM",
             .keys = kLlamaKeys,
             .more = kWindowKey,
             .flags = kAttentionBias,
             .constants = R"({"hidden_act": "silu"})",
             .adjust = AdjustOlmo2},
    GgufArch{.gguf = "command-r",
             .config = "CohereForCausalLM",
             .keys = kLayerNormKeys,
             .more = kLogitScaleMore,
             .flags = kCohereFlags,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = ""},
    GgufArch{.gguf = "granite",
             .config = "GraniteForCausalLM",
             .dialect = kAdjacent,
             .keys = kLlamaKeys,
             .more = kGraniteMore,
             .flags = kLlamaFlags,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = ""},
    GgufArch{.gguf = "internlm2",
             .config = "InternLM2ForCausalLM",
             .dialect = kAdjacent,
             .keys = kLlamaKeys,
             .flags = kInternLmFlags,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = ""},
    GgufArch{.gguf = "baichuan",
             .config = "BaichuanForCausalLM",
             .dialect = kAdjacent,
             .keys = kLlamaKeys,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = "",
             .adjust = AdjustBaichuan},
    GgufArch{.gguf = "minicpm",
             .config = "MiniCPMForCausalLM",
             .dialect = kAdjacent,
             .keys = kLlamaKeys,
             .constants = R"({"hidden_act": "silu"})",
             .head_dim = "",
             .adjust = AdjustMiniCpm},
    GgufArch{.gguf = "chatglm",
             .config = "ChatGLMModel",
             .keys = kChatGlmKeys,
             .flags = kChatGlmFlags,
             .constants = R"({"rmsnorm": true, "post_layer_norm": true, "add_bias_linear": false})",
             .head_dim = "kv_channels",
             .rotated_share = "",
             .rotated_part = 2,
             .adjust = AdjustChatGlm},
    GgufArch{.gguf = "glm4",
             .config = "Glm4ForCausalLM",
             .keys = kLlamaKeys,
             .flags = kAttentionBias,
             .constants = R"({"hidden_act": "silu", "partial_rotary_factor": 1.0})"},
    GgufArch{.gguf = "stablelm",
             .config = "StableLmForCausalLM",
             .keys = kLayerNormKeys,
             .more = kParallelMore,
             .flags = kStableLmFlags,
             .constants = R"({"hidden_act": "silu", "use_parallel_residual": false, "partial_rotary_factor": 1.0})",
             .head_dim = ""},
};

}  // namespace

std::span<const GgufArch> GgufArchs() { return kArchs; }

}  // namespace spate
