"""Checkpoints that tools/make_goldens.py writes: Llama and what is published in its form. Also what the lists of other
families start from."""

import dataclasses
from typing import Callable

LLAMA3_SCALING = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                      original_max_position_embeddings=64)


@dataclasses.dataclass
class Variant:
    config: dict  # config.json, in the spelling of the published models
    dtype: str = "bfloat16"  # of the stored weights
    files: int = 1  # that the weights are split over
    stacked: bool = False  # experts in one tensor, as transformers keeps them, rather than as published
    embed: float = 0.0  # deviation of embedding weights; 0 = 1, or 0.4 where the head is tied to them
    shortest: int = 1  # prompt: where the reference computes short ones by other numbers than long ones
    # Makes the module to compare with, where it is not transformers' class of the config's architecture: (config, None)
    # -> one to draw weights for, whose parameters have the published names; (config, {name: tensor}) -> one with these.
    # It is called and has .config, .get_input_embeddings() and .get_output_embeddings() as transformers' models do.
    reference: Callable | None = None
    # Above 0: larger weights, so many times, and both signs in norms outside of the layers. Without, many a model with a
    # tied head repeats the token that it follows.
    gain: float = 0
    renamed: Callable | None = None  # {name: tensor} -> the same under the names that the published files have


def llama(**changes):
    base = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", attention_bias=False,
                mlp_bias=False, max_position_embeddings=160, rms_norm_eps=1e-5, rope_theta=10000.0, rope_scaling=None,
                tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, use_cache=True)
    return {**base, **changes}


def qwen2(**changes):
    base = llama(architectures=["Qwen2ForCausalLM"], model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0,
                 use_sliding_window=False, sliding_window=16, max_window_layers=2)
    for name in ("attention_bias", "mlp_bias", "rope_scaling"):
        del base[name]
    return {**base, **changes}


def mistral(**changes):
    base = llama(architectures=["MistralForCausalLM"], model_type="mistral", rope_theta=1000000.0, sliding_window=None)
    for name in ("attention_bias", "mlp_bias", "rope_scaling"):
        del base[name]
    return {**base, **changes}


def shape(vocab, hidden, ffn, layers, heads, kv_heads):
    return dict(vocab_size=vocab, hidden_size=hidden, intermediate_size=ffn, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv_heads)


VARIANTS = {
    "llama2": Variant(llama(**shape(97, 36, 88, 3, 3, 3), rms_norm_eps=1e-6), "float32"),
    "llama3": Variant(llama(**shape(131, 48, 94, 4, 4, 2), rope_theta=500000.0), files=3),
    "llama31": Variant(llama(**shape(131, 48, 104, 3, 3, 1), rope_theta=500000.0, rope_scaling=LLAMA3_SCALING)),
    "llama32": Variant(llama(**shape(131, 40, 88, 5, 4, 2), head_dim=10, rope_theta=500000.0, tie_word_embeddings=True,
                             rope_scaling={**LLAMA3_SCALING, "factor": 32.0})),
    "llama_linear": Variant(llama(**shape(97, 54, 88, 3, 3, 3), rope_scaling=dict(type="linear", factor=4.0)),
                            "float16"),
    "codellama": Variant(llama(**shape(113, 40, 104, 4, 2, 2), rope_theta=1000000.0)),
    "mistral": Variant(mistral(**shape(131, 44, 88, 4, 4, 2), head_dim=16)),
    "qwen2": Variant(qwen2(**shape(131, 56, 104, 3, 4, 2), tie_word_embeddings=True)),
    "qwen25": Variant(qwen2(**shape(97, 36, 88, 3, 2, 1)), "float32", files=2),
}
