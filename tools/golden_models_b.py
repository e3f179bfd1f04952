"""Checkpoints that tools/make_goldens.py writes: Falcon, GLM, GPT-2 and its descendants, and other families with ideas
of their own (make_goldens.py says how, golden_models.py what a Variant is)."""

import functools

import transformers

import chatglm_reference
import rearranged_llama
from golden_models import Variant, shape


def plain(state, prefix):
    """Names as in files that leave the prefix out."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def built(model_class, config_class, config, state, embed, attention="eager"):
    """A model with a tied head, of transformers' classes, for what Variant.reference promises."""
    model = model_class._from_config(config_class.from_dict(config), attn_implementation=attention)
    if state:
        model.load_state_dict({**state, "lm_head.weight": state[embed + ".weight"]})
    return model


def falcon_once(config, state):
    """Eager attention of transformers' class adds the linear biases twice: to the scores and with the mask."""
    return built(transformers.FalconForCausalLM, transformers.FalconConfig, config, state,
                 "transformer.word_embeddings", attention="sdpa")


def falcon(vocab, hidden, layers, heads, **changes):
    base = dict(alibi=False, apply_residual_connection_post_layernorm=False, architectures=["FalconForCausalLM"],
                attention_dropout=0.0, bias=False, bos_token_id=11, eos_token_id=11, hidden_dropout=0.0,
                hidden_size=hidden, initializer_range=0.02, layer_norm_epsilon=1e-5, model_type="falcon",
                multi_query=True, new_decoder_architecture=False, num_attention_heads=heads, num_hidden_layers=layers,
                parallel_attn=True, use_cache=True, vocab_size=vocab)
    return {**base, **changes}


def chatglm(vocab, hidden, ffn, layers, heads, groups, **changes):
    base = dict(_name_or_path="THUDM/chatglm2-6b", model_type="chatglm", architectures=["ChatGLMModel"],
                add_bias_linear=False, add_qkv_bias=True, apply_query_key_layer_scaling=True,
                apply_residual_connection_post_layernorm=False, attention_dropout=0.0, attention_softmax_in_fp32=True,
                bias_dropout_fusion=True, ffn_hidden_size=ffn, fp32_residual_connection=False, hidden_dropout=0.0,
                hidden_size=hidden, kv_channels=hidden // heads, layernorm_epsilon=1e-5, multi_query_attention=True,
                multi_query_group_num=groups, num_attention_heads=heads, num_layers=layers, original_rope=True,
                padded_vocab_size=vocab, post_layer_norm=True, rmsnorm=True, seq_length=160, use_cache=True,
                tie_word_embeddings=False, eos_token_id=2, pad_token_id=0)
    return {**base, **changes}


def glm(name, vocab, hidden, ffn, layers, heads, kv_heads, head_dim):
    return dict(architectures=[name + "ForCausalLM"], attention_bias=True, attention_dropout=0.0,
                eos_token_id=[1, 2], head_dim=head_dim, hidden_act="silu", hidden_size=hidden, initializer_range=0.02,
                intermediate_size=ffn, max_position_embeddings=160, model_type=name.lower(), num_attention_heads=heads,
                num_hidden_layers=layers, num_key_value_heads=kv_heads, pad_token_id=0, partial_rotary_factor=0.5,
                rms_norm_eps=1.5625e-07, rope_theta=10000.0, tie_word_embeddings=False, use_cache=True,
                vocab_size=vocab)


def gpt2(vocab, hidden, layers, heads, **changes):
    base = dict(activation_function="gelu_new", architectures=["GPT2LMHeadModel"], attn_pdrop=0.1, bos_token_id=0,
                embd_pdrop=0.1, eos_token_id=0, initializer_range=0.02, layer_norm_epsilon=1e-5, model_type="gpt2",
                n_ctx=160, n_embd=hidden, n_head=heads, n_layer=layers, n_positions=160, resid_pdrop=0.1,
                vocab_size=vocab)
    return {**base, **changes}


def bigcode(**changes):
    return gpt2(architectures=["GPTBigCodeForCausalLM"], activation_function="gelu_pytorch_tanh", n_inner=None,
                attention_softmax_in_fp32=True, scale_attention_softmax_in_fp32=True, scale_attn_weights=True,
                model_type="gpt_bigcode", use_cache=True, **changes)


def gpt_neo(vocab, hidden, layers, heads):
    return dict(activation_function="gelu_new", architectures=["GPTNeoForCausalLM"], attention_dropout=0,
                attention_layers=["global", "local"] * (layers // 2), attention_types=[[["global", "local"], layers // 2]],
                bos_token_id=0, embed_dropout=0, eos_token_id=0, hidden_size=hidden, intermediate_size=None,
                layer_norm_epsilon=1e-5, max_position_embeddings=160, model_type="gpt_neo", num_heads=heads,
                num_layers=layers, resid_dropout=0, use_cache=True, vocab_size=vocab, window_size=23)


def gpt_neox(vocab, hidden, ffn, layers, heads, **changes):
    base = dict(architectures=["GPTNeoXForCausalLM"], bos_token_id=0, eos_token_id=0, hidden_act="gelu",
                hidden_size=hidden, initializer_range=0.02, intermediate_size=ffn, layer_norm_eps=1e-5,
                max_position_embeddings=160, model_type="gpt_neox", num_attention_heads=heads, num_hidden_layers=layers,
                rotary_emb_base=10000, rotary_pct=0.25, tie_word_embeddings=False, use_cache=True,
                use_parallel_residual=True, vocab_size=vocab)
    return {**base, **changes}


def bloom(vocab, hidden, layers, heads):
    return dict(apply_residual_connection_post_layernorm=False, architectures=["BloomForCausalLM"],
                attention_dropout=0.0, attention_softmax_in_fp32=True, bos_token_id=1, eos_token_id=2,
                hidden_dropout=0.0, initializer_range=0.02, layer_norm_epsilon=1e-5, masked_softmax_fusion=True,
                model_type="bloom", n_embed=hidden, n_inner=None, n_layer=layers, num_attention_heads=heads,
                offset_alibi=100, pad_token_id=3, pretraining_tp=1, seq_length=160, skip_bias_add=True, use_cache=False,
                vocab_size=vocab)


def opt(vocab, hidden, ffn, layers, heads):
    return dict(activation_dropout=0.0, activation_function="relu", architectures=["OPTForCausalLM"],
                attention_dropout=0.0, bos_token_id=2, do_layer_norm_before=True, dropout=0.1, eos_token_id=2,
                ffn_dim=ffn, hidden_size=hidden, init_std=0.02, layerdrop=0.0, max_position_embeddings=160,
                model_type="opt", num_attention_heads=heads, num_hidden_layers=layers, pad_token_id=1, use_cache=True,
                vocab_size=vocab, word_embed_proj_dim=hidden)


def mpt(vocab, hidden, layers, heads, **attention):
    config = dict(alibi=True, alibi_bias_max=8, attn_impl="torch", attn_pdrop=0, attn_type="multihead_attention",
                  attn_uses_sequence_id=False, clip_qkv=None, prefix_lm=False, qk_ln=False, softmax_scale=None)
    return dict(architectures=["MptForCausalLM"], attn_config={**config, **attention}, d_model=hidden, emb_pdrop=0,
                embedding_fraction=1.0, expansion_ratio=4, init_device="cpu", learned_pos_emb=True, logit_scale=None,
                max_seq_len=160, model_type="mpt", n_heads=heads, n_layers=layers, no_bias=True,
                norm_type="low_precision_layernorm", resid_pdrop=0, use_cache=False, vocab_size=vocab)


def storywriter(config, state):
    """transformers' class leaves alibi_bias_max at 8, whatever config.json says."""
    model = built(transformers.MptForCausalLM, transformers.MptConfig, config, state, "transformer.wte")
    inner = model.transformer
    inner.build_mpt_alibi_tensor = functools.partial(inner.build_mpt_alibi_tensor,
                                                     alibi_bias_max=config["attn_config"]["alibi_bias_max"])
    return model


def gptj(vocab, hidden, layers, heads, rotated):
    return gpt2(vocab, hidden, layers, heads, architectures=["GPTJForCausalLM"], model_type="gptj", n_inner=None,
                rotary=True, rotary_dim=rotated, tie_word_embeddings=False, attn_pdrop=0.0, embd_pdrop=0.0,
                resid_pdrop=0.0, scale_attn_weights=True)


def starcoder2(vocab, hidden, ffn, layers, heads, kv_heads, **changes):
    base = dict(architectures=["Starcoder2ForCausalLM"], attention_dropout=0.1, bos_token_id=0,
                embedding_dropout=0.1, eos_token_id=0, hidden_act="gelu_pytorch_tanh", initializer_range=0.018042,
                max_position_embeddings=160, mlp_type="default", model_type="starcoder2", norm_epsilon=1e-5,
                norm_type="layer_norm", residual_dropout=0.1, rope_theta=999999.4420358813, sliding_window=None,
                use_bias=True, use_cache=True)
    return {**base, **shape(vocab, hidden, ffn, layers, heads, kv_heads), **changes}


def olmo(generation, vocab, hidden, ffn, layers, heads, kv_heads, **changes):
    base = dict(architectures=[f"Olmo{generation}ForCausalLM"], attention_bias=False, attention_dropout=0.0,
                eos_token_id=2, hidden_act="silu", initializer_range=0.02, max_position_embeddings=160,
                model_type=f"olmo{generation}", pad_token_id=1, rope_scaling=None, rope_theta=10000.0,
                tie_word_embeddings=False, use_cache=True)
    return {**base, **shape(vocab, hidden, ffn, layers, heads, kv_heads), **changes}


def stablelm(vocab, hidden, ffn, layers, heads, kv_heads, **changes):
    base = dict(architectures=["StableLmForCausalLM"], bos_token_id=0, eos_token_id=0, hidden_act="silu",
                initializer_range=0.02, layer_norm_eps=1e-5, max_position_embeddings=160, model_type="stablelm",
                partial_rotary_factor=0.25, rope_theta=10000, tie_word_embeddings=False, use_cache=True,
                use_qkv_bias=False)
    return {**base, **shape(vocab, hidden, ffn, layers, heads, kv_heads), **changes}


def nemotron(vocab, hidden, ffn, layers, heads, kv_heads, head_dim):
    return dict(architectures=["NemotronForCausalLM"], attention_bias=False, attention_dropout=0.0, bos_token_id=2,
                eos_token_id=3, head_dim=head_dim, hidden_act="relu2", initializer_range=0.0134,
                max_position_embeddings=160, mlp_bias=False, model_type="nemotron", norm_eps=1e-5,
                partial_rotary_factor=0.5, rope_theta=10000.0, tie_word_embeddings=False, use_cache=True,
                **shape(vocab, hidden, ffn, layers, heads, kv_heads))


def internlm2(*sizes):
    return dict(architectures=["InternLM2ForCausalLM"], attn_implementation="eager", bias=False, bos_token_id=1,
                eos_token_id=2, hidden_act="silu", initializer_range=0.02, max_position_embeddings=160,
                model_type="internlm2", pad_token_id=2, rms_norm_eps=1e-5, rope_scaling=None, rope_theta=1000000,
                tie_word_embeddings=False, use_cache=True, **shape(*sizes))


def baichuan(vocab, hidden, ffn, layers, heads, **changes):
    base = dict(architectures=["BaichuanForCausalLM"], bos_token_id=1, eos_token_id=2, hidden_act="silu",
                hidden_size=hidden, initializer_range=0.02, intermediate_size=ffn, model_max_length=160,
                model_type="baichuan", num_attention_heads=heads, num_hidden_layers=layers, pad_token_id=0,
                rms_norm_eps=1e-6, tie_word_embeddings=False, use_cache=True, vocab_size=vocab)
    return {**base, **changes}


VARIANTS = {
    "falcon7b": Variant(falcon(97, 42, 3, 7), gain=1.5),
    "falcon40b": Variant(falcon(101, 48, 3, 6, new_decoder_architecture=True, num_kv_heads=2), files=2, gain=1.5),
    "falcon11b": Variant(falcon(97, 40, 4, 4, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1,
                                ffn_hidden_size=78, ff_factor=4, activation="gelu", tie_word_embeddings=False,
                                rope_theta=500042.0, max_position_embeddings=160)),
    # Slopes of 8 heads are powers of 2, which transformers' rounding of Falcon's biases to bf16 leaves as they are.
    "falcon_rw1b": Variant(falcon(97, 48, 3, 8, alibi=True, bias=True, multi_query=False, parallel_attn=False), gain=2,
                           reference=falcon_once),
    "chatglm2": Variant(chatglm(97, 48, 70, 3, 6, 2), "float16", reference=chatglm_reference.reference),
    "chatglm2_32k": Variant(chatglm(101, 40, 66, 3, 5, 1, _name_or_path="THUDM/chatglm2-6b-32k", rope_ratio=16),
                            "float16", reference=chatglm_reference.reference),
    "chatglm3": Variant(chatglm(97, 48, 58, 4, 4, 2, _name_or_path="THUDM/chatglm3-6b-32k", rope_ratio=50,
                                kv_channels=20), "float16", reference=chatglm_reference.reference),
    "glm4_9b": Variant(chatglm(131, 48, 62, 4, 4, 2, _name_or_path="THUDM/glm-4-9b-chat", rope_ratio=500,
                               layernorm_epsilon=1.5625e-07, eos_token_id=[1, 2]), files=2,
                       reference=chatglm_reference.reference),
    "glm": Variant(glm("Glm", 101, 40, 62, 3, 4, 2, 12)),
    "glm4": Variant(glm("Glm4", 97, 40, 58, 4, 6, 3, 8)),
    "gpt2": Variant(gpt2(97, 30, 3, 3), "float32", renamed=lambda state: plain(state, "transformer."), gain=2),
    "gpt2_layer_scale": Variant(gpt2(89, 40, 3, 5, n_inner=74, scale_attn_by_inverse_layer_idx=True), gain=2),
    "starcoder": Variant(bigcode(vocab=97, hidden=42, layers=3, heads=6, multi_query=True), gain=2),
    "starcoder_heads": Variant(bigcode(vocab=89, hidden=40, layers=3, heads=4, multi_query=False), gain=2),
    "gpt_neo": Variant(gpt_neo(89, 44, 4, 4), "float16", gain=1.2),
    "pythia": Variant(gpt_neox(97, 48, 74, 4, 3), "float16", gain=1.5),
    "gpt_neox_serial": Variant(gpt_neox(101, 40, 90, 3, 4, hidden_act="gelu_fast", rotary_pct=1.0,
                                        rotary_emb_base=25000, use_parallel_residual=False), gain=1.5),
    "gptj": Variant(gptj(97, 48, 3, 4, 8), "float16", gain=1.5),
    "bloom": Variant(bloom(97, 42, 3, 6), renamed=lambda state: plain(state, "transformer."), gain=2),
    "opt": Variant(opt(97, 40, 90, 4, 5), "float16", gain=2),
    "mpt": Variant(mpt(97, 36, 4, 6), gain=2),
    "mpt_storywriter": Variant(mpt(101, 36, 4, 4, alibi_bias_max=16, clip_qkv=1.5), gain=2,
                               reference=storywriter),
    "starcoder2": Variant(starcoder2(97, 40, 82, 4, 4, 2, sliding_window=29), gain=2),
    "olmo": Variant(olmo("", 97, 40, 58, 3, 4, 4, clip_qkv=1.25), "float32"),
    "olmo2": Variant(olmo("2", 97, 48, 58, 4, 6, 2, rms_norm_eps=1e-6, rope_theta=500000)),
    "stablelm": Variant(stablelm(97, 48, 58, 4, 3, 3, use_qkv_bias=True)),
    "stablelm_12b": Variant(stablelm(101, 48, 62, 4, 6, 2, qk_layernorm=True, use_parallel_residual=True,
                                     partial_rotary_factor=0.5)),
    "nemotron": Variant(nemotron(97, 40, 86, 4, 4, 2, 12), gain=1.5),
    "internlm2": Variant(internlm2(97, 48, 62, 4, 6, 2), reference=rearranged_llama.internlm2),
    "baichuan2_7b": Variant(baichuan(97, 42, 58, 4, 3, max_position_embeddings=160),
                            reference=rearranged_llama.baichuan),
    "baichuan2_13b": Variant(baichuan(101, 48, 58, 4, 6), reference=rearranged_llama.baichuan),
}
