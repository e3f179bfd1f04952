#!/usr/bin/env python3
"""Trains models/demo: a very small Llama that tells fairy tales, from a folder of public-domain books, on a CPU.

The books are plain-text Project Gutenberg files; fetch_tales.md lists them and says where to get them. They are not
part of the repository. The run lasts a fixed wall time: the learning rate is a cosine over the fraction of --minutes
that has passed, so a shorter or slower run still ends with a decayed rate. Every few minutes the state goes to
WORK/state.pt (the next start with the same --work continues there), the validation loss is measured, and on an
improvement the model is exported to --out as an ordinary Hugging Face folder (into a temporary folder, then renamed).

    python tools/train_demo.py TALES --work DIR --out DIR/published --minutes 100
    python tools/check_demo.py TALES DIR/published --card         # figures and samples for the model card
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn

import tales

BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
CONFIG = dict(vocab_size=2048, hidden_size=256, num_hidden_layers=4, intermediate_size=768, num_attention_heads=8,
              num_key_value_heads=4, max_position_embeddings=512, rope_theta=10000.0, rms_norm_eps=1e-5)
# The split of Llama 3: contractions, words, numbers of up to three digits, punctuation, line ends, spaces.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
         r"\s+(?!\S)|\s+")
HELD_OUT_EVERY = 32  # each 32nd tale is for validation


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=CONFIG["vocab_size"] - 2, show_progress=False, special_tokens=[],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([BOS, EOS])  # the two last ids
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS}:1 $B:1", special_tokens=[(BOS, tokenizer.token_to_id(BOS))])
    assert tokenizer.get_vocab_size() == CONFIG["vocab_size"]
    return tokenizer


class Layer(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.heads, self.kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
        hidden, self.head_dim, self.dropout = c["hidden_size"], c["hidden_size"] // c["num_attention_heads"], dropout
        self.input_layernorm = nn.RMSNorm(hidden, eps=c["rms_norm_eps"])
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps=c["rms_norm_eps"])
        self.q_proj = nn.Linear(hidden, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, hidden, bias=False)
        self.gate_proj = nn.Linear(hidden, c["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(hidden, c["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(c["intermediate_size"], hidden, bias=False)

    @staticmethod
    def rotate(x, cos, sin):  # x [batch, heads, T, head_dim]; halves are paired, as in Hugging Face's Llama
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    def forward(self, x, cos, sin):
        batch, length, hidden = x.shape
        h = self.input_layernorm(x)
        q = self.q_proj(h).view(batch, length, self.heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(h).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(h).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = self.rotate(q, cos, sin).to(v.dtype), self.rotate(k, cos, sin).to(v.dtype)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        a = self.o_proj(a.transpose(1, 2).reshape(batch, length, hidden))
        x = x + F.dropout(a, self.dropout, self.training)
        h = self.post_attention_layernorm(x)
        h = self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))
        return x + F.dropout(h, self.dropout, self.training)


class Model(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.embed = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c, dropout) for _ in range(c["num_hidden_layers"]))
        self.norm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.dropout = dropout
        dim = c["hidden_size"] // c["num_attention_heads"]
        rate = c["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
        angle = torch.outer(torch.arange(c["max_position_embeddings"], dtype=torch.float32), rate)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.02 if not deep else 0.02 / math.sqrt(2 * c["num_hidden_layers"]))

    def forward(self, ids, targets):  # both [batch, T] -> mean loss
        x = F.dropout(self.embed(ids), self.dropout, self.training)
        cos, sin = self.cos[:ids.shape[1]], self.sin[:ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        logits = F.linear(self.norm(x), self.embed.weight)
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


def hugging_face_state(model):
    state = {"model.embed_tokens.weight": model.embed.weight, "model.norm.weight": model.norm.weight}
    for i, layer in enumerate(model.layers):
        for name, p in layer.named_parameters():
            part = name.split(".")[0]
            if part.endswith("_proj"):
                part = ("self_attn." if part[0] in "qkvo" else "mlp.") + part
            state[f"model.layers.{i}.{part}.weight"] = p
    return {name: p.detach().to(torch.bfloat16).contiguous() for name, p in state.items()}


def publish(model, tokenizer, out, figures):
    """Writes the Hugging Face folder beside `out`, then puts it in its place."""
    out = pathlib.Path(out)
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    dump = lambda name, value: (part / name).write_text(json.dumps(value, indent=2) + "\n")
    dump("config.json", dict(
        architectures=["LlamaForCausalLM"], model_type="llama", **CONFIG, head_dim=32, hidden_act="silu",
        attention_bias=False, attention_dropout=0.0, mlp_bias=False, initializer_range=0.02, bos_token_id=bos,
        eos_token_id=eos, rope_scaling=None, tie_word_embeddings=True, torch_dtype="bfloat16", use_cache=True))
    dump("generation_config.json", dict(bos_token_id=bos, eos_token_id=eos, do_sample=True, temperature=0.8, top_p=0.95,
                                        min_p=0.1))  # without it a small model's tail ruins a word now and then
    dump("tokenizer_config.json", dict(
        tokenizer_class="PreTrainedTokenizerFast", bos_token=BOS, eos_token=EOS, model_max_length=512,
        clean_up_tokenization_spaces=False, model_input_names=["input_ids", "attention_mask"],
        added_tokens_decoder={str(tokenizer.token_to_id(t)): dict(content=t, lstrip=False, normalized=False, rstrip=False,
                                                                  single_word=False, special=True) for t in (BOS, EOS)}))
    tokenizer.save(str(part / "tokenizer.json"))
    save_file(hugging_face_state(model), str(part / "model.safetensors"), metadata={"format": "pt"})
    (out.parent / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        os.rename(out, old)
    os.rename(part, out)
    shutil.rmtree(old, ignore_errors=True)


def encode(tokenizer, texts):
    """One stream of ids, every tale opened by BOS and closed by EOS, and where the tales start."""
    eos = tokenizer.token_to_id(EOS)
    docs = [np.array(e.ids + [eos], np.int64) for e in tokenizer.encode_batch(texts)]
    starts = np.cumsum([0] + [len(d) for d in docs[:-1]])
    return np.concatenate(docs), starts


def learning_rate(peak, fraction):
    warm = 0.02
    if fraction < warm:
        return peak * max(fraction / warm, 0.02)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (fraction - warm) / (1 - warm)))))


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("tales", help="folder of Project Gutenberg .txt books")
    arg.add_argument("--work", required=True, help="folder for the state, the tokenizer and log.txt")
    arg.add_argument("--out", required=True, help="folder that receives the model")
    arg.add_argument("--minutes", type=float, default=100, help="wall time of the whole run")
    arg.add_argument("--batch", type=int, default=8, help="windows of 512 tokens a step (twice as many short ones)")
    arg.add_argument("--peak", type=float, default=3e-3)
    arg.add_argument("--dropout", type=float, default=0.05)
    arg.add_argument("--short", type=float, default=0.85, metavar="FRACTION",
                     help="part of the time spent on windows of 256 tokens, whose attention costs half as much")
    arg.add_argument("--save-minutes", type=float, default=8)
    arg.add_argument("--threads", type=int, default=2)
    arg.add_argument("--compile", action="store_true")
    a = arg.parse_args()
    torch.set_num_threads(a.threads)
    work = pathlib.Path(a.work)
    work.mkdir(parents=True, exist_ok=True)
    log_file = open(work / "log.txt", "a", buffering=1)

    def log(text):
        line = time.strftime("%H:%M:%S ") + text
        print(line, flush=True)
        log_file.write(line + "\n")

    texts = [t for _, t in tales.load_tales(a.tales)]
    train_texts = [t for i, t in enumerate(texts) if i % HELD_OUT_EVERY]
    val_texts = texts[::HELD_OUT_EVERY]
    if (work / "tokenizer.json").exists():
        tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    else:
        tokenizer = train_tokenizer(train_texts)
        tokenizer.save(str(work / "tokenizer.json"))
    stream, starts = encode(tokenizer, train_texts)
    val, _ = encode(tokenizer, val_texts)
    length = CONFIG["max_position_embeddings"]
    starts = starts[starts < len(stream) - length - 1]
    windows = (len(val) - 1) // length
    val_x = torch.from_numpy(val[:windows * length].reshape(windows, length))
    val_y = torch.from_numpy(val[1:windows * length + 1].reshape(windows, length))

    torch.manual_seed(1)
    model = Model(CONFIG, a.dropout)
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() == 1]
    # Orthogonalised momentum for the matrices learns more from a token than AdamW alone, for about 10 % of a step's time.
    optimizers = [
        torch.optim.Muon(matrices, lr=a.peak, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([dict(params=[model.embed.weight], weight_decay=0.1), dict(params=norms, weight_decay=0.0)],
                          lr=a.peak, betas=(0.9, 0.95), fused=True)]
    step, tokens, elapsed, best = 0, 0, 0.0, float("inf")
    if (work / "state.pt").exists():
        state = torch.load(work / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        step, tokens, elapsed, best = (state[name] for name in ("step", "tokens", "elapsed", "best"))
    forward = torch.compile(model, dynamic=False) if a.compile else model
    log(f"{len(train_texts)} tales, {len(stream)} tokens to train on; {len(val_texts)} tales, {len(val)} tokens held out; "
        f"{sum(p.numel() for p in model.parameters())} parameters; step {step}, {tokens} tokens, {elapsed / 60:.1f} min")

    def validate():
        model.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            losses = [model(val_x[i:i + 16], val_y[i:i + 16]).item() * len(val_x[i:i + 16])
                      for i in range(0, windows, 16)]
        model.train()
        return sum(losses) / windows

    def save_and_publish():
        nonlocal best
        loss = validate()
        log(f"step {step} validation {loss:.4f} tokens {tokens} epochs {tokens / len(stream):.2f}")
        if loss < best:
            best = loss
            chars = sum(map(len, val_texts))
            publish(model, tokenizer, a.out, dict(
                steps=step, tokens_seen=tokens, minutes=round(elapsed / 60, 1), validation_loss=round(loss, 4),
                validation_bits_per_character=round(loss * len(val) / chars / math.log(2), 4),
                training_tokens=len(stream), training_tales=len(train_texts), held_out_tokens=len(val),
                held_out_tales=len(val_texts), parameters=sum(p.numel() for p in model.parameters())))
        part = work / "state.pt.part"
        torch.save(dict(model=model.state_dict(), optimizers=[o.state_dict() for o in optimizers], step=step, tokens=tokens,
                        elapsed=elapsed, best=best), part)
        os.replace(part, work / "state.pt")

    model.train()
    mean, since_save, since_log = None, 0.0, 0
    while elapsed < a.minutes * 60:
        begin = time.monotonic()
        fraction = elapsed / (a.minutes * 60)
        rng = np.random.default_rng((7, step))
        window = length // 2 if fraction < a.short else length
        rows = a.batch * length // window
        at = rng.integers(0, len(stream) - length - 1, rows)
        at[:max(1, rows // 8)] = rng.choice(starts, max(1, rows // 8))  # some windows open with a tale's start
        block = torch.from_numpy(np.stack([stream[i:i + window + 1] for i in at]))
        rate = learning_rate(a.peak, fraction)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = forward(block[:, :-1], block[:, 1:])
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        step += 1
        tokens += block.shape[0] * window
        spent = time.monotonic() - begin
        elapsed += spent
        since_save += spent
        since_log += 1
        if since_log == 100:
            log(f"step {step} {elapsed / 60:.1f} min loss {mean:.4f} rate {rate:.2e} {a.batch * length / spent:.0f} tok/s")
            since_log = 0
        if since_save > a.save_minutes * 60:
            begin = time.monotonic()
            save_and_publish()
            since_save = 0.0
            elapsed += time.monotonic() - begin
    save_and_publish()
    log("done")


if __name__ == "__main__":
    main()
