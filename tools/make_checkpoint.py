#!/usr/bin/env python3
"""Writes a checkpoint of a given shape with random weights, for measuring speed from files.

The shape is a config.json of the Llama, Mistral or Qwen2 family; the result is a Hugging Face folder with seeded
Gaussian weights (std 0.02, norms 1, biases 0), split into shards with an index where one file would be too large. It
needs NumPy only, and little memory whatever the model's size: the values are made and written a few MiB at a time.

    python tools/make_checkpoint.py --config Llama-3.2-1B --tokenizer models/demo -o /tmp/random-1b
"""

import argparse
import json
import pathlib
import shutil
import struct
import sys
import time

import numpy as np

DTYPES = {"f32": ("F32", 4, "float32"), "f16": ("F16", 2, "float16"), "bf16": ("BF16", 2, "bfloat16")}
FAMILIES = ("llama", "mistral", "qwen2")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
                   "generation_config.json", "chat_template.jinja")
PIECE = 1 << 22  # values made at a time


def tensors(config):
    """[(name, shape)] in the order of the published files."""
    hidden, ffn, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    dim = config.get("head_dim") or hidden // heads
    qwen = config["model_type"] == "qwen2"
    yield "model.embed_tokens.weight", (vocab, hidden)
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", (hidden,)
        for part, rows, columns in (("q", heads * dim, hidden), ("k", kv_heads * dim, hidden),
                                    ("v", kv_heads * dim, hidden), ("o", hidden, heads * dim)):
            yield f"{at}self_attn.{part}_proj.weight", (rows, columns)
            if (qwen and part != "o") or config.get("attention_bias"):
                yield f"{at}self_attn.{part}_proj.bias", (rows,)
        yield at + "post_attention_layernorm.weight", (hidden,)
        for part, rows, columns in (("gate", ffn, hidden), ("up", ffn, hidden), ("down", hidden, ffn)):
            yield f"{at}mlp.{part}_proj.weight", (rows, columns)
            if config.get("mlp_bias"):
                yield f"{at}mlp.{part}_proj.bias", (rows,)
    yield "model.norm.weight", (hidden,)
    if not config.get("tie_word_embeddings", False):
        yield "lm_head.weight", (vocab, hidden)


def count(shape):
    return int(np.prod(shape, dtype=np.int64))


def to_bytes(values, dtype):
    """f32 values in the storage type; bfloat16 rounds to the nearest, ties to even."""
    if dtype == "f32":
        return values.astype("<f4").tobytes()
    if dtype == "f16":
        return values.astype("<f2").tobytes()
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def pieces(name, shape, rng, dtype):
    """The bytes of a tensor, a few MiB at a time."""
    total = count(shape)
    for begin in range(0, total, PIECE):
        size = min(PIECE, total - begin)
        if name.endswith("norm.weight"):
            values = np.ones(size, np.float32)
        elif name.endswith(".bias"):
            values = np.zeros(size, np.float32)
        else:
            values = rng.standard_normal(size, np.float32)
            values *= np.float32(0.02)
        yield to_bytes(values, dtype)


def plan_shards(names_shapes, width, limit):
    """Lists of tensors whose bytes stay under the limit; a tensor above it gets a shard of its own."""
    shards, used = [[]], 0
    for name, shape in names_shapes:
        size = count(shape) * width
        if shards[-1] and used + size > limit:
            shards.append([])
            used = 0
        shards[-1].append((name, shape))
        used += size
    return shards


def write_shard(path, shard, dtype, seeds, progress):
    label, width, _ = DTYPES[dtype]
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shard:
        end = offset + count(shape) * width
        header[name] = dict(dtype=label, shape=list(shape), data_offsets=[offset, end])
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)  # the data starts aligned
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shard:
            for data in pieces(name, shape, np.random.default_rng(seeds[name]), dtype):
                out.write(data)
                progress(len(data))


def parse_size(text):
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
    try:
        return int(float(text[:-2]) * units[text[-2:].upper()])
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"expected a size such as 2GB or 500MB, got {text}")


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("--config", required=True, type=pathlib.Path, help="config.json or the folder that holds it")
    arg.add_argument("--tokenizer", type=pathlib.Path, help="folder whose tokenizer files are copied")
    arg.add_argument("-o", "--out", required=True, type=pathlib.Path, help="folder to write; must be empty or absent")
    arg.add_argument("--dtype", choices=DTYPES, default="bf16")
    arg.add_argument("--seed", type=int, default=1)
    arg.add_argument("--max-shard-size", type=parse_size, default=parse_size("2GB"), metavar="SIZE")
    arg.add_argument("--num-layers", type=int, help="fewer (or more) layers than the config says")
    a = arg.parse_args()

    path = a.config / "config.json" if a.config.is_dir() else a.config
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    if config.get("model_type") not in FAMILIES:
        sys.exit(f"{path}: model_type: expected one of {', '.join(FAMILIES)}, got {config.get('model_type')}")
    if a.out.exists() and any(a.out.iterdir()):
        sys.exit(f"{a.out}: not empty; name a new folder")
    if a.num_layers:
        config["num_hidden_layers"] = a.num_layers
    _, width, config["torch_dtype"] = DTYPES[a.dtype]

    listed = list(tensors(config))
    seeds = {name: (a.seed, i) for i, (name, _) in enumerate(listed)}  # a tensor's values depend on nothing else
    shards = plan_shards(listed, width, a.max_shard_size)
    total = sum(count(shape) for _, shape in listed) * width
    a.out.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(a.out).free < total + (64 << 20):
        sys.exit(f"{a.out}: {total / 1e9:.2f} GB needed, {shutil.disk_usage(a.out).free / 1e9:.2f} GB free")
    done, start, shown = 0, time.monotonic(), 0.0

    def progress(size):
        nonlocal done, shown
        done += size
        spent = max(time.monotonic() - start, 1e-9)
        if done < total and spent < shown + 0.5:
            return
        shown = spent
        print(f"\r{done / 1e9:.2f} of {total / 1e9:.2f} GB, {done / spent / 1e6:.0f} MB/s", end="", file=sys.stderr)

    weight_map = {}
    for i, shard in enumerate(shards):
        name = "model.safetensors" if len(shards) == 1 else f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        write_shard(a.out / name, shard, a.dtype, seeds, progress)
        weight_map.update((tensor, name) for tensor, _ in shard)
    print(file=sys.stderr)
    if len(shards) > 1:
        index = dict(metadata=dict(total_size=total), weight_map=weight_map)
        (a.out / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    for name in TOKENIZER_FILES:
        if a.tokenizer and (a.tokenizer / name).exists():
            shutil.copyfile(a.tokenizer / name, a.out / name)
    # Last, so that a folder with a config is a complete one.
    (a.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
