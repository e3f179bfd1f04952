"""ChatGLM2-6B, ChatGLM3-6B and GLM-4-9B in plain PyTorch, from their published definition: what make_goldens.py compares
with, as transformers has no such class. Parameters have the published names."""

import types

import torch
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def rotation(config, dim, length, dtype):
    """cos and sin, [length, dim / 2] each. ChatGLM2-6B-32K interpolates positions, later models raise the base."""
    ratio = config.get("rope_ratio", 1)
    interpolated = "chatglm2" in config.get("_name_or_path", "")
    base = 10000 if interpolated else 10000 * ratio
    theta = 1.0 / (base ** (torch.arange(0, dim, 2, dtype=dtype) / dim))
    positions = torch.arange(length, dtype=dtype) / (ratio if interpolated else 1)
    angles = torch.outer(positions, theta)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns pairs of neighbours of the first half of each head. x [batch, length, heads, head_dim]"""
    turned, kept = x.chunk(2, dim=-1)
    a, b = turned[..., 0::2], turned[..., 1::2]
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat([torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2), kept], -1)


class SelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, self.heads, self.dim = c, c["num_attention_heads"], c["kv_channels"]
        self.groups = c["multi_query_group_num"] if c["multi_query_attention"] else self.heads
        width = (self.heads + 2 * self.groups) * self.dim
        self.query_key_value = nn.Linear(c["hidden_size"], width, bias=c["add_bias_linear"] or c["add_qkv_bias"])
        self.dense = nn.Linear(self.heads * self.dim, c["hidden_size"], bias=c["add_bias_linear"])

    def forward(self, x):  # [batch, length, hidden]
        batch, length, _ = x.shape
        sizes = [self.heads * self.dim, self.groups * self.dim, self.groups * self.dim]
        q, k, v = (part.reshape(batch, length, -1, self.dim) for part in self.query_key_value(x).split(sizes, dim=-1))
        cos, sin = rotation(self.c, self.dim // 2, length, x.dtype)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        k, v = (part.repeat_interleave(self.heads // self.groups, dim=2) for part in (k, v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / self.dim ** 0.5
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, float("-inf")).softmax(-1)
        return self.dense(torch.einsum("bhqk,bkhd->bqhd", weights, v).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense_h_to_4h = nn.Linear(c["hidden_size"], 2 * c["ffn_hidden_size"], bias=c["add_bias_linear"])
        self.dense_4h_to_h = nn.Linear(c["ffn_hidden_size"], c["hidden_size"], bias=c["add_bias_linear"])

    def forward(self, x):
        gate, up = self.dense_h_to_4h(x).chunk(2, dim=-1)
        return self.dense_4h_to_h(nn.functional.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        norm = RMSNorm if c["rmsnorm"] else nn.LayerNorm
        self.input_layernorm = norm(c["hidden_size"], eps=c["layernorm_epsilon"])
        self.self_attention = SelfAttention(c)
        self.post_attention_layernorm = norm(c["hidden_size"], eps=c["layernorm_epsilon"])
        self.mlp = MLP(c)

    def forward(self, x):
        x = x + self.self_attention(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class ChatGLM(nn.Module):
    def __init__(self, c):
        super().__init__()
        settings = types.SimpleNamespace(vocab_size=c["padded_vocab_size"], num_hidden_layers=c["num_layers"],
                                         tie_word_embeddings=False)
        self.config = types.SimpleNamespace(get_text_config=lambda: settings)
        norm = RMSNorm if c["rmsnorm"] else nn.LayerNorm
        self.transformer = nn.Module()
        self.transformer.embedding = nn.Module()
        self.transformer.embedding.word_embeddings = nn.Embedding(c["padded_vocab_size"], c["hidden_size"])
        self.transformer.encoder = nn.Module()
        self.transformer.encoder.layers = nn.ModuleList([Layer(c) for _ in range(c["num_layers"])])
        self.transformer.encoder.final_layernorm = norm(c["hidden_size"], eps=c["layernorm_epsilon"])
        self.transformer.output_layer = nn.Linear(c["hidden_size"], c["padded_vocab_size"], bias=c["add_bias_linear"])

    def get_input_embeddings(self):
        return self.transformer.embedding.word_embeddings

    def get_output_embeddings(self):
        return self.transformer.output_layer

    def forward(self, ids, use_cache=False):
        x = self.get_input_embeddings()(ids)
        for layer in self.transformer.encoder.layers:
            x = layer(x)
        return types.SimpleNamespace(logits=self.transformer.output_layer(self.transformer.encoder.final_layernorm(x)))


def reference(config, state):
    """As Variant.reference of golden_models.py says."""
    model = ChatGLM(config)
    if state:
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return model
