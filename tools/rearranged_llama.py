"""InternLM2 and Baichuan for make_goldens.py: transformers has neither, but both are Llama with weights in another order,
so transformers' Llama computes what to compare with. Baichuan's 13B models have linear biases (ALiBi) where Llama
rotates; Llama takes them as an attention mask."""

import math
import types

import torch
import transformers
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRMSNorm


class Published(nn.Module):
    """Parameters under the names of a published checkpoint, to draw weights for."""

    def __init__(self, config, leaves, embed, head):
        super().__init__()
        self.config, self.ends = config, (leaves[embed], leaves[head])
        for path, leaf in leaves.items():
            *parents, last = path.split(".")
            module = self
            for name in parents:
                if not hasattr(module, name):
                    module.add_module(name, nn.Module())
                module = getattr(module, name)
            module.add_module(last, leaf)

    def get_input_embeddings(self):
        return self.ends[0]

    def get_output_embeddings(self):
        return self.ends[1]


def llama_config(config):
    return transformers.LlamaConfig(
        **{key: config[key] for key in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                                        "num_attention_heads", "rms_norm_eps")},
        num_key_value_heads=config.get("num_key_value_heads", config["num_attention_heads"]),
        max_position_embeddings=config.get("max_position_embeddings", 2048),
        rope_parameters=dict(rope_type="default", rope_theta=float(config.get("rope_theta", 10000.0))),
        tie_word_embeddings=False, attn_implementation="eager")


def linear(rows, cols):
    return nn.Linear(cols, rows, bias=False)


def llama(config, state):
    model = transformers.LlamaForCausalLM(llama_config(config))
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return model


LLAMA_FFN = {"mlp.gate_proj": "w1", "mlp.up_proj": "w3", "mlp.down_proj": "w2"}


def internlm2(config, state):
    """As Variant.reference of golden_models.py says."""
    c, names = llama_config(config), {"model.embed_tokens": "model.tok_embeddings", "model.norm": "model.norm",
                                      "lm_head": "output"}
    heads, groups, width = c.num_attention_heads, c.num_key_value_heads, c.hidden_size
    size, ffn = width // heads, c.intermediate_size
    for l in range(c.num_hidden_layers):
        to, at = f"model.layers.{l}.", f"model.layers.{l}."
        names |= {to + "input_layernorm": at + "attention_norm", to + "post_attention_layernorm": at + "ffn_norm",
                  to + "self_attn.o_proj": at + "attention.wo"}
        names |= {to + a: at + "feed_forward." + b for a, b in LLAMA_FFN.items()}
    if not state:
        leaves = {}
        leaves["model.tok_embeddings"] = nn.Embedding(c.vocab_size, width)
        for l in range(c.num_hidden_layers):
            at = f"model.layers.{l}."
            leaves[at + "attention.wqkv"] = linear((heads + 2 * groups) * size, width)
            leaves[at + "attention.wo"] = linear(width, width)
            for name, rows, cols in (("w1", ffn, width), ("w3", ffn, width), ("w2", width, ffn)):
                leaves[at + "feed_forward." + name] = linear(rows, cols)
            leaves[at + "attention_norm"], leaves[at + "ffn_norm"] = LlamaRMSNorm(width), LlamaRMSNorm(width)
        leaves["model.norm"], leaves["output"] = LlamaRMSNorm(width), linear(c.vocab_size, width)
        return Published(c, leaves, "model.tok_embeddings", "output")
    moved = {f"{to}.weight": state[f"{at}.weight"] for to, at in names.items()}
    for l in range(c.num_hidden_layers):
        grouped = state[f"model.layers.{l}.attention.wqkv.weight"].view(groups, heads // groups + 2, size, width)
        parts = grouped[:, :-2], grouped[:, -2], grouped[:, -1]
        for name, part in zip("qkv", parts):
            moved[f"model.layers.{l}.self_attn.{name}_proj.weight"] = part.reshape(-1, width)
    return llama(config, moved)


def slopes(heads):
    """Of ALiBi's definition (arXiv 2108.12409), with its rule for numbers of heads that are no power of two."""
    closest = 2 ** math.floor(math.log2(heads))
    first = [2 ** (-8 * (i + 1) / closest) for i in range(closest)]
    return first if closest == heads else first + slopes(2 * closest)[0::2][:heads - closest]


class NoRotation(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x, position_ids):
        shape = (*position_ids.shape, self.size)
        return torch.ones(shape, dtype=x.dtype), torch.zeros(shape, dtype=x.dtype)


class WithAlibi(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.config = model, model.config
        model.model.rotary_emb = NoRotation(self.config.hidden_size // self.config.num_attention_heads)

    def forward(self, ids, use_cache=False):
        length, dtype = ids.shape[1], next(self.model.parameters()).dtype
        at = torch.arange(length)
        biases = torch.tensor(slopes(self.config.num_attention_heads), dtype=dtype)[:, None, None] * (at - at[:, None])
        biases = biases.masked_fill(at > at[:, None], torch.finfo(dtype).min)
        return self.model(ids, attention_mask=biases[None], use_cache=use_cache)


def baichuan(config, state):
    """As Variant.reference of golden_models.py says. The head is that of Baichuan 2: rows of length 1."""
    c = llama_config(config)
    width, ffn = c.hidden_size, c.intermediate_size
    if not state:
        leaves = {"model.embed_tokens": nn.Embedding(c.vocab_size, width)}
        for l in range(c.num_hidden_layers):
            at = f"model.layers.{l}."
            leaves[at + "self_attn.W_pack"] = linear(3 * width, width)
            leaves[at + "self_attn.o_proj"] = linear(width, width)
            for name, rows, cols in (("gate_proj", ffn, width), ("down_proj", width, ffn), ("up_proj", ffn, width)):
                leaves[at + "mlp." + name] = linear(rows, cols)
            leaves[at + "input_layernorm"], leaves[at + "post_attention_layernorm"] = (LlamaRMSNorm(width) for _ in "12")
        leaves["model.norm"], leaves["lm_head"] = LlamaRMSNorm(width), linear(c.vocab_size, width)
        return Published(c, leaves, "model.embed_tokens", "lm_head")
    moved = {name: tensor for name, tensor in state.items() if "W_pack" not in name}
    for l in range(c.num_hidden_layers):
        parts = state[f"model.layers.{l}.self_attn.W_pack.weight"].view(3, width, width)
        for name, part in zip("qkv", parts):
            moved[f"model.layers.{l}.self_attn.{name}_proj.weight"] = part
    moved["lm_head.weight"] = nn.functional.normalize(moved["lm_head.weight"].float())
    model = llama(config, moved)
    return model if "max_position_embeddings" in config else WithAlibi(model)
