"""Checkpoints that tools/make_goldens.py writes: mixtures of experts and families near Llama (make_goldens.py says how,
golden_models.py what a Variant is)."""

from golden_models import Variant, llama, mistral, qwen2, shape


def without(config, *names):
    return {k: v for k, v in config.items() if k not in names}


def qwen3(**changes):
    return {**llama(), **dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", rms_norm_eps=1e-6,
                              rope_theta=1000000.0, use_sliding_window=False, sliding_window=None,
                              max_window_layers=2), **changes}


def mixtral(**changes):
    base = without(llama(architectures=["MixtralForCausalLM"], model_type="mixtral", rope_theta=1000000.0,
                         sliding_window=None, num_experts_per_tok=2, num_local_experts=8, output_router_logits=False,
                         router_aux_loss_coef=0.02), "attention_bias", "mlp_bias", "rope_scaling")
    return {**base, **changes}


def qwen_moe(**changes):
    base = dict(decoder_sparse_step=1, mlp_only_layers=[], num_experts_per_tok=2, output_router_logits=False,
                router_aux_loss_coef=0.001)
    return {**base, **changes}


def gemma(**changes):
    base = dict(architectures=["GemmaForCausalLM"], model_type="gemma", attention_bias=False, hidden_act="gelu",
                hidden_activation=None, max_position_embeddings=160, rms_norm_eps=1e-6, rope_theta=10000.0,
                bos_token_id=2, eos_token_id=1, pad_token_id=0, use_cache=True)
    return {**base, **changes}


def gemma2(**changes):
    base = gemma(architectures=["Gemma2ForCausalLM"], model_type="gemma2", hidden_act="gelu_pytorch_tanh",
                 hidden_activation="gelu_pytorch_tanh", attn_logit_softcapping=3.0, final_logit_softcapping=0.7,
                 cache_implementation="hybrid", query_pre_attn_scalar=20, sliding_window=11)
    return {**base, **changes}


def gemma3(**changes):
    base = without(gemma(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", attn_logit_softcapping=None,
                         final_logit_softcapping=None, cache_implementation="hybrid", query_pre_attn_scalar=20,
                         hidden_activation="gelu_pytorch_tanh", rope_local_base_freq=10000, rope_scaling=None,
                         rope_theta=1000000, sliding_window=9, sliding_window_pattern=3), "hidden_act")
    return {**base, **changes}


def gemma3_pictures(**text):
    of_text = ("architectures", "eos_token_id", "bos_token_id", "use_cache")
    vision = dict(hidden_size=16, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, image_size=8,
                  patch_size=4, model_type="siglip_vision_model", vision_use_head=False)
    return dict(architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", boi_token_index=90,
                eoi_token_index=91, image_token_index=92, eos_token_id=[1, 5], mm_tokens_per_image=4,
                text_config=without(gemma3(**text), *of_text), vision_config=vision)


def phi3(**changes):
    base = dict(architectures=["Phi3ForCausalLM"], model_type="phi3", attention_bias=False, hidden_act="silu",
                max_position_embeddings=160, original_max_position_embeddings=160, rms_norm_eps=1e-5,
                rope_theta=10000.0, rope_scaling=None, sliding_window=15, tie_word_embeddings=False, bos_token_id=1,
                eos_token_id=2, pad_token_id=2, use_cache=True)
    return {**base, **changes}


def phi(**changes):
    base = dict(architectures=["PhiForCausalLM"], model_type="phi", hidden_act="gelu_new", layer_norm_eps=1e-5,
                max_position_embeddings=160, partial_rotary_factor=0.5, qk_layernorm=False, rope_scaling=None,
                rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, use_cache=True)
    return {**base, **changes}


def granite(**changes):
    return llama(architectures=["GraniteForCausalLM"], model_type="granite", attention_multiplier=0.11,
                 embedding_multiplier=3.5, logits_scaling=2.5, residual_multiplier=0.4, **changes)


def cohere(**changes):
    base = dict(architectures=["CohereForCausalLM"], model_type="cohere", attention_bias=False, hidden_act="silu",
                layer_norm_eps=1e-5, logit_scale=0.0625, max_position_embeddings=160, rope_theta=8000000.0,
                bos_token_id=5, eos_token_id=2, pad_token_id=0, use_cache=True, use_qk_norm=False)
    return {**base, **changes}


def minicpm(**changes):
    return without(llama(architectures=["MiniCPMForCausalLM"], model_type="minicpm", scale_emb=12, scale_depth=1.4,
                         dim_model_base=16, **changes), "tie_word_embeddings")


def stretched(pairs, **changes):
    """A scaling with a list for texts as long as the original context and one for longer ones."""
    return dict(type="longrope", short_factor=[1 + 0.07 * i for i in range(pairs)],
                long_factor=[1.1 + 0.6 * i * i for i in range(pairs)], **changes)


def of_llama(change, scale):
    """Variant.reference of what is a Llama with `change(config)` and weights multiplied by scale(name, config)."""
    def make(config, state):
        import transformers
        tied = config.get("tie_word_embeddings", True)
        settings = transformers.LlamaConfig(**{**config, **change(config), "model_type": "llama",
                                               "tie_word_embeddings": tied and not state})
        model = transformers.LlamaForCausalLM._from_config(settings, attn_implementation="eager")
        if state:
            state = {"lm_head.weight": state["model.embed_tokens.weight"], **state}  # a tied head, where it is one
            model.load_state_dict({n: t.float() * scale(n, config) for n, t in state.items()}, strict=True)
        return model
    return make


def minicpm_scale(name, config):
    if name == "model.embed_tokens.weight":
        return config["scale_emb"]
    if name == "lm_head.weight":
        return config["dim_model_base"] / config["hidden_size"]
    branch = name.endswith(("o_proj.weight", "down_proj.weight"))
    return config["scale_depth"] / config["num_hidden_layers"] ** 0.5 if branch else 1.0


def theta_of_dynamic(config):
    scaling, dims = config["rope_scaling"], config["hidden_size"] // config["num_attention_heads"]
    stretch = config["max_position_embeddings"] / scaling["original_max_position_embeddings"]
    grown = (scaling["factor"] * stretch - (scaling["factor"] - 1)) ** (dims / (dims - 2))
    return dict(rope_scaling=None, rope_theta=config["rope_theta"] * grown)


VARIANTS = {
    "qwen3": Variant(qwen3(**shape(131, 40, 72, 3, 4, 2), head_dim=18)),
    "qwen3_tied": Variant(qwen3(**shape(97, 36, 64, 4, 3, 3), head_dim=14, tie_word_embeddings=True)),
    "mixtral": Variant(mixtral(**shape(97, 32, 44, 2, 4, 2))),
    "mixtral_shards": Variant(mixtral(**shape(89, 24, 38, 3, 3, 1), num_local_experts=5), files=3),
    "qwen2_moe": Variant(qwen2(**shape(97, 28, 52, 3, 2, 2), **qwen_moe(
        num_experts=7, num_experts_per_tok=3, moe_intermediate_size=26, shared_expert_intermediate_size=50,
        norm_topk_prob=False), architectures=["Qwen2MoeForCausalLM"], model_type="qwen2_moe", max_window_layers=3)),
    "qwen2_moe_dense_layers": Variant(qwen2(**shape(89, 28, 52, 4, 2, 1), **qwen_moe(
        num_experts=5, moe_intermediate_size=30, shared_expert_intermediate_size=34, norm_topk_prob=True,
        mlp_only_layers=[1], decoder_sparse_step=2), architectures=["Qwen2MoeForCausalLM"], model_type="qwen2_moe")),
    "qwen3_moe": Variant(qwen3(**shape(97, 32, 52, 3, 4, 2), **qwen_moe(
        num_experts=8, num_experts_per_tok=3, moe_intermediate_size=22, norm_topk_prob=True), head_dim=12,
        architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe")),
    "gemma": Variant(gemma(**shape(97, 36, 72, 3, 3, 1), head_dim=14), embed=0.05),
    "gemma_gelu_named": Variant(gemma(**shape(89, 32, 64, 3, 2, 2), head_dim=12,
                                      hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh"),
                                embed=0.05),
    "gemma2": Variant(gemma2(**shape(97, 36, 60, 4, 2, 1), head_dim=22), embed=0.05),
    "gemma2_uncapped": Variant(gemma2(**shape(89, 32, 52, 3, 4, 2), head_dim=10, attn_logit_softcapping=None,
                                      final_logit_softcapping=None), embed=0.05),
    "gemma3": Variant(gemma3(**shape(97, 32, 52, 4, 2, 1), head_dim=18), embed=0.05),
    "gemma3_linear": Variant(gemma3_pictures(**shape(97, 32, 52, 4, 4, 2), head_dim=10,
                                             rope_scaling=dict(factor=8.0, rope_type="linear")), embed=0.05),
    "phi3": Variant(phi3(**shape(97, 40, 66, 3, 4, 4))),
    "phi3_long": Variant(phi3(**shape(97, 40, 66, 3, 4, 2), original_max_position_embeddings=32, sliding_window=160,
                              rope_scaling=stretched(5)), shortest=33),
    "phi4_mini": Variant(phi3(**shape(97, 48, 60, 3, 3, 1), original_max_position_embeddings=24,
                              partial_rotary_factor=0.75, tie_word_embeddings=True, sliding_window=160,
                              rope_scaling=stretched(6)), shortest=27, embed=0.3),
    "phi": Variant(phi(**shape(97, 40, 88, 3, 2, 2)), "float16"),
    "phi2": Variant(phi(**shape(89, 40, 72, 4, 4, 4), partial_rotary_factor=0.4), "float16", files=2),
    "granite": Variant(granite(**shape(97, 36, 72, 3, 3, 1), tie_word_embeddings=True), embed=0.03),
    "granite_moe": Variant({**granite(**shape(89, 32, 26, 3, 4, 2)), **dict(
        architectures=["GraniteMoeForCausalLM"], model_type="granitemoe", num_local_experts=5, num_experts_per_tok=2)}),
    "cohere": Variant(cohere(**shape(97, 40, 72, 3, 4, 2)), "float16", embed=0.3),
    "cohere_qk_norm": Variant(cohere(**shape(97, 36, 64, 3, 3, 1), use_qk_norm=True), "float16", embed=0.3),
    "cohere2": Variant({**without(cohere(**shape(97, 40, 72, 5, 4, 2)), "use_qk_norm"), **dict(
        architectures=["Cohere2ForCausalLM"], model_type="cohere2", rope_theta=50000, sliding_window=10,
        sliding_window_pattern=4)}, embed=0.3),
    "minicpm": Variant(minicpm(**shape(97, 36, 72, 4, 3, 3)), embed=0.03,
                       reference=of_llama(lambda c: {}, minicpm_scale)),
    "mistral_window": Variant(mistral(**shape(97, 40, 72, 3, 4, 2), rope_theta=10000.0, sliding_window=13)),
    "llama_dynamic": Variant(llama(**shape(97, 36, 72, 3, 3, 3), rope_scaling=dict(
        type="dynamic", factor=2.0, original_max_position_embeddings=40)),
        reference=of_llama(theta_of_dynamic, lambda n, c: 1.0)),
    "qwen2_yarn": Variant({**qwen2(**shape(97, 40, 72, 3, 2, 1)), "rope_scaling": dict(
        type="yarn", factor=4.0, original_max_position_embeddings=40)}),
    "llama_yarn": Variant(llama(**shape(97, 48, 72, 3, 2, 1), rope_scaling=dict(
        rope_type="yarn", factor=8.0, beta_fast=4.0, beta_slow=0.5, mscale=0.9, mscale_all_dim=0.6, truncate=False,
        original_max_position_embeddings=20))),
    "llama_longrope": Variant(llama(**shape(97, 40, 72, 3, 4, 2), rope_scaling=stretched(
        5, factor=4.0, original_max_position_embeddings=160))),
    "mistral_small": Variant(dict(
        architectures=["Mistral3ForConditionalGeneration"], model_type="mistral3", image_token_index=10,
        tie_word_embeddings=False,
        multimodal_projector_bias=False, projector_hidden_act="gelu", spatial_merge_size=2, vision_feature_layer=-1,
        text_config=without(mistral(**shape(97, 36, 64, 3, 3, 1), head_dim=10), "architectures"),
        vision_config=dict(model_type="pixtral", hidden_size=16, intermediate_size=12, num_hidden_layers=1, head_dim=8,
                           num_attention_heads=2, image_size=16, patch_size=4))),
    "mixtral_stacked": Variant(mixtral(**shape(89, 24, 38, 2, 2, 1), num_local_experts=5), stacked=True),
    "qwen3_moe_stacked": Variant(qwen3(**shape(89, 24, 52, 2, 2, 1), **qwen_moe(
        num_experts=5, moe_intermediate_size=22, norm_topk_prob=False), head_dim=12,
        architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe"), stacked=True),
    "granite_moe_shared": Variant({**granite(**shape(89, 32, 26, 3, 4, 2)), **dict(
        architectures=["GraniteMoeSharedForCausalLM"], model_type="granitemoeshared", num_local_experts=5,
        num_experts_per_tok=2, shared_intermediate_size=34)}),
    "seed_oss": Variant(llama(**shape(97, 36, 72, 3, 4, 2), architectures=["SeedOssForCausalLM"], head_dim=14,
                              model_type="seed_oss", rope_theta=1e7) | dict(attention_bias=True,
                                                                            attention_out_bias=False)),
    "ernie": Variant(without(llama(**shape(97, 36, 72, 3, 3, 1), architectures=["Ernie4_5ForCausalLM"], head_dim=14,
                                   model_type="ernie4_5", rope_theta=500000.0, use_bias=False), "attention_bias",
                             "mlp_bias", "tie_word_embeddings"), embed=0.3),
    "helium": Variant(llama(**shape(97, 36, 72, 3, 3, 1), architectures=["HeliumForCausalLM"], head_dim=12,
                            model_type="helium", rope_theta=100000.0, rms_norm_eps=1e-8)),
    "arcee": Variant(llama(**shape(97, 36, 88, 3, 3, 1), architectures=["ArceeForCausalLM"], model_type="arcee",
                           rope_scaling=dict(rope_type="yarn", factor=20.0, beta_fast=32.0, beta_slow=1.0, mscale=1.0,
                                             original_max_position_embeddings=32)) | dict(hidden_act="relu2")),
    "smollm3": Variant(without(llama(**shape(97, 40, 72, 5, 4, 2), architectures=["SmolLM3ForCausalLM"],
                                     model_type="smollm3", pad_token_id=2, no_rope_layers=[1, 1, 0, 1, 0],
                                     no_rope_layer_interval=3, use_sliding_window=False, sliding_window=None),
                               "tie_word_embeddings"), embed=0.3),
    "aria_text": Variant(llama(**shape(97, 32, 26, 3, 4, 2), architectures=["AriaTextForCausalLM"],
                               model_type="aria_text", moe_num_experts=5, moe_topk=2, moe_num_shared_experts=2)),
    "aria_text_stacked": Variant(llama(**shape(89, 24, 22, 2, 3, 1), architectures=["AriaTextForCausalLM"],
                                       model_type="aria_text", moe_num_experts=4, moe_topk=3,
                                       moe_num_shared_experts=1), stacked=True),
    "aria": Variant(dict(
        architectures=["AriaForConditionalGeneration"], model_type="aria", image_token_index=9,
        projector_patch_to_query_dict={"4": 2}, tie_word_embeddings=False, eos_token_id=2, bos_token_id=1,
        text_config=without(llama(**shape(97, 32, 26, 2, 4, 2), model_type="aria_text", moe_num_experts=4, moe_topk=2,
                                  moe_num_shared_experts=1), "architectures"),
        vision_config=dict(model_type="idefics3_vision", hidden_size=16, intermediate_size=12, num_hidden_layers=1,
                           num_attention_heads=2, image_size=8, patch_size=4))),
}
