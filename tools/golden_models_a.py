"""Checkpoints that tools/make_goldens.py writes: mixtures of experts and families near Llama (make_goldens.py says how,
golden_models.py what a Variant is)."""

from golden_models import Variant, llama, qwen2, shape


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


VARIANTS = {
    "qwen3": Variant(qwen3(**shape(131, 40, 72, 3, 4, 2), head_dim=18)),
    "qwen3_tied": Variant(qwen3(**shape(97, 36, 64, 4, 3, 3), head_dim=14, tie_word_embeddings=True)),
    "mixtral": Variant(mixtral(**shape(97, 32, 44, 2, 4, 2))),
    "mixtral_shards": Variant(mixtral(**shape(89, 24, 38, 3, 3, 1), num_local_experts=5), files=3),
    "qwen2_moe": Variant(qwen2(**shape(97, 28, 52, 3, 4, 4), **qwen_moe(
        num_experts=7, num_experts_per_tok=3, moe_intermediate_size=26, shared_expert_intermediate_size=50,
        norm_topk_prob=False), architectures=["Qwen2MoeForCausalLM"], model_type="qwen2_moe", max_window_layers=3)),
    "qwen2_moe_dense_layers": Variant(qwen2(**shape(89, 28, 52, 4, 2, 1), **qwen_moe(
        num_experts=5, moe_intermediate_size=30, shared_expert_intermediate_size=34, norm_topk_prob=True,
        mlp_only_layers=[1], decoder_sparse_step=2), architectures=["Qwen2MoeForCausalLM"], model_type="qwen2_moe")),
    "qwen3_moe": Variant(qwen3(**shape(97, 32, 52, 3, 4, 2), **qwen_moe(
        num_experts=8, num_experts_per_tok=3, moe_intermediate_size=22, norm_topk_prob=True), head_dim=12,
        architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe")),
}
