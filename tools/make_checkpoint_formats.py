#!/usr/bin/env python3
"""Writes tests/formats/: one tiny Llama model with seeded random f16 weights in the file formats that checkpoint/ reads,
each beside the same tensors as safetensors; and small files with the oddities of torch.save. Part of them, and
small files of xLLM, go to fuzz/corpus/. Every file is below 20 KB. Needs torch, safetensors and gguf.

    python tools/make_checkpoint_formats.py
"""

import json
import pathlib
import shutil
import struct

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "formats"
CORPUS = ROOT / "fuzz" / "corpus"

DIM, HEADS, KV_HEADS, HIDDEN, VOCAB = 32, 4, 2, 32, 16
HEAD = DIM // HEADS

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": DIM,
    "intermediate_size": HIDDEN, "max_position_embeddings": 4096, "num_attention_heads": HEADS,
    "num_hidden_layers": 1, "num_key_value_heads": KV_HEADS, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "torch_dtype": "float16", "vocab_size": VOCAB,
}
# 4 * 32 * 2 / 3 = 85, * 0.3 = 25, up to a multiple of 32: 32, as HIDDEN.
PARAMS = {"dim": DIM, "n_layers": 1, "n_heads": HEADS, "n_kv_heads": KV_HEADS, "multiple_of": 32,
          "ffn_dim_multiplier": 0.3, "norm_eps": 1e-5, "vocab_size": -1}


def model():
    """The tensors under their Hugging Face names."""
    torch.manual_seed(1)
    layer = "model.layers.0."
    shapes = {
        "model.embed_tokens.weight": (VOCAB, DIM),
        layer + "self_attn.q_proj.weight": (DIM, DIM),
        layer + "self_attn.k_proj.weight": (KV_HEADS * HEAD, DIM),
        layer + "self_attn.v_proj.weight": (KV_HEADS * HEAD, DIM),
        layer + "self_attn.o_proj.weight": (DIM, DIM),
        layer + "mlp.gate_proj.weight": (HIDDEN, DIM),
        layer + "mlp.up_proj.weight": (HIDDEN, DIM),
        layer + "mlp.down_proj.weight": (DIM, HIDDEN),
        layer + "input_layernorm.weight": (DIM,),
        layer + "post_attention_layernorm.weight": (DIM,),
        "model.norm.weight": (DIM,),
        "lm_head.weight": (VOCAB, DIM),
    }
    return {name: (torch.randn(shape) * 0.2 + (1 if "norm" in name else 0)).half() for name, shape in shapes.items()}


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_safetensors(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: t.detach().clone().contiguous() for name, t in tensors.items()}, path)


def write_torch(path, value, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path, **options)


def write_hf(tensors):
    write_json(OUT / "safetensors" / "config.json", CONFIG)
    write_safetensors(OUT / "safetensors" / "model.safetensors", tensors)
    write_json(OUT / "torch" / "config.json", CONFIG)
    names = sorted(tensors)
    index = {}
    for i, part in enumerate((names[:5], names[5:]), 1):
        shard = f"pytorch_model-{i:05}-of-00002.bin"
        write_torch(OUT / "torch" / shard, {name: tensors[name] for name in part})
        index.update({name: shard for name in part})
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    write_json(OUT / "torch" / "pytorch_model.bin.index.json", {"metadata": {"total_size": size}, "weight_map": index})


def write_oddities():
    """What torch.save writes besides plain dicts, each with its tensors as safetensors."""
    torch.manual_seed(2)
    folder = OUT / "torch_save"
    kinds = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16,
             torch.int8, torch.uint8, torch.bool]
    dtypes = {str(kind)[6:]: (torch.randn(3, 5) * 10).to(kind) for kind in kinds}
    dtypes["scalar"] = torch.tensor(2.5)
    dtypes["empty"] = torch.zeros(0, 4)
    write_torch(folder / "dtypes.bin", dtypes)
    write_safetensors(folder / "dtypes.safetensors", dtypes)
    write_torch(folder / "protocol4.bin", dtypes, pickle_protocol=4)
    write_torch(folder / "legacy.bin", {"a": torch.zeros(2)}, _use_new_zipfile_serialization=False)

    base = torch.randn(6, 8)
    half = torch.randn(70, 9).half()
    views = {"whole": base, "rows": base[2:5], "transposed": base.t(), "columns": base[:, 3:6], "column": base[:, 2],
             "half_transposed": half.t(), "byte_transposed": torch.arange(12, dtype=torch.uint8).reshape(3, 4).t(),
             "double_transposed": torch.randn(3, 4).double().t(), "parameter": torch.nn.Parameter(base[1:3]),
             "one_row": base[1:2].t()}
    write_torch(folder / "views.bin", views)
    write_safetensors(folder / "views.safetensors", views)

    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3)).bfloat16()
    state = {"epoch": 3, "loss": 0.5, "done": False, "none": None, "big": 1 << 40, "names": ["a", ("b", 2)],
             "model": module.state_dict(), "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "groups": []}}
    write_torch(folder / "nested.bin", state)
    write_safetensors(folder / "nested.safetensors", module.state_dict())

    for name in ("dtypes", "protocol4", "views", "nested"):
        write_corpus("pickle_fuzz", f"{name}.bin", (folder / f"{name}.bin").read_bytes())


def write_corpus(target, name, data):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(data)


META_NAMES = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
              "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
              "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm",
              "post_attention_layernorm": "ffn_norm", "model.embed_tokens": "tok_embeddings", "model.norm": "norm",
              "lm_head": "output", "model.layers": "layers"}


def adjacent_pairs(weight, heads):
    """Rows of q or k from the order of Hugging Face, halves of a head, to Meta's, pairs side by side."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def write_meta(tensors):
    meta = {}
    for name, tensor in tensors.items():
        if "q_proj" in name:
            tensor = adjacent_pairs(tensor, HEADS)
        if "k_proj" in name:
            tensor = adjacent_pairs(tensor, KV_HEADS)
        for old, new in META_NAMES.items():
            name = name.replace(old, new)
        meta[name] = tensor
    write_safetensors(OUT / "meta" / "whole.safetensors", meta)
    write_json(OUT / "meta" / "params.json", PARAMS)
    write_torch(OUT / "meta" / "consolidated.00.pth", {**meta, "rope.freqs": torch.zeros(4)})
    for folder, embed_dim in (("meta_rows", 0), ("meta_columns", 1)):  # as Llama 3 splits its embedding, as Llama 2
        write_json(OUT / folder / "params.json", PARAMS)
        for shard in range(2):
            parts = {}
            for name, tensor in meta.items():
                dim = 1 if any(key in name for key in ("wo.", "w2.")) else embed_dim if "tok_emb" in name else 0
                parts[name] = tensor if tensor.dim() == 1 else tensor.chunk(2, dim)[shard].clone()
            write_torch(OUT / folder / f"consolidated.{shard:02}.pth", parts)


def write_gguf(tensors):
    """As llama.cpp's converter writes a Llama: rows of q and k side by side, matrices f16, vectors f32."""
    path = OUT / "gguf" / "model.gguf"
    path.parent.mkdir(parents=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONFIG["max_position_embeddings"])
    writer.add_embedding_length(DIM)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(CONFIG["rms_norm_eps"])
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(CONFIG["rope_theta"])
    writer.add_vocab_size(VOCAB)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
    for name, tensor in tensors.items():
        if "q_proj" in name:
            tensor = adjacent_pairs(tensor, HEADS)
        if "k_proj" in name:
            tensor = adjacent_pairs(tensor, KV_HEADS)
        dtype = np.float32 if tensor.dim() == 1 else np.float16
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor.numpy().astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def mlc_quantize(weight):
    """q4f16_1: int4 by groups of 32 along a row, element k of a word in bits 4k."""
    w = weight.float().numpy()
    rows, cols = w.shape
    groups = w.reshape(rows, cols // 32, 32)
    scale = (np.maximum(np.abs(groups).max(-1), 1e-4) / 7).astype(np.float16)
    q = np.clip(np.rint(groups / scale[..., None].astype(np.float32) + 7), 0, 14).astype(np.uint32)
    words = (q.reshape(rows, cols // 8, 8) << (4 * np.arange(8, dtype=np.uint32))).sum(-1, dtype=np.uint32)
    value = ((q.astype(np.float16) - np.float16(7)) * scale[..., None]).reshape(rows, cols)
    return words, scale, torch.from_numpy(value)


def write_mlc(tensors, quantization):
    folder = OUT / f"mlc_{quantization}"
    layer = "model.layers.0."
    fused = dict(tensors)
    fused[layer + "self_attn.qkv_proj.weight"] = torch.cat([fused.pop(f"{layer}self_attn.{x}_proj.weight") for x in "qkv"])
    fused[layer + "mlp.gate_up_proj.weight"] = torch.cat([fused.pop(f"{layer}mlp.{x}_proj.weight") for x in ("gate", "up")])
    stored, whole = {}, {}
    for name, tensor in fused.items():
        if tensor.dim() == 1 or quantization == "q0f16":
            stored[name], whole[name] = tensor.numpy(), tensor
        else:
            base = name.removesuffix("weight")
            stored[base + "q_weight"], stored[base + "q_scale"], whole[name] = mlc_quantize(tensor)
    for fuse, parts in (("self_attn.qkv_proj", [("self_attn.q_proj", DIM), ("self_attn.k_proj", KV_HEADS * HEAD),
                                                ("self_attn.v_proj", KV_HEADS * HEAD)]),
                        ("mlp.gate_up_proj", [("mlp.gate_proj", HIDDEN), ("mlp.up_proj", HIDDEN)])):
        rows = whole.pop(f"{layer}{fuse}.weight").split([n for _, n in parts])
        whole.update({f"{layer}{name}.weight": part for (name, _), part in zip(parts, rows)})
    write_safetensors(folder / "whole.safetensors", whole)

    names = list(stored)
    shards = []
    for i, part in enumerate((names[:4], names[4:])):
        records, data = [], b""
        for name in part:
            raw = stored[name].tobytes()
            records.append({"name": name, "shape": list(stored[name].shape), "dtype": str(stored[name].dtype),
                            "format": "f32-to-bf16", "nbytes": len(raw), "byteOffset": len(data)})
            data += raw
        (folder / f"params_shard_{i}.bin").write_bytes(data)
        shards.append({"dataPath": f"params_shard_{i}.bin", "format": "raw-shard", "nbytes": len(data),
                       "records": records, "md5sum": "0" * 32})
    write_json(folder / "ndarray-cache.json", {"metadata": {"ParamSize": len(stored)}, "records": shards})
    write_corpus("mlc_cache_fuzz", f"{quantization}.json", (folder / "ndarray-cache.json").read_bytes())
    write_json(folder / "mlc-chat-config.json", {
        "version": "0.1.0", "model_type": "llama", "quantization": quantization,
        "model_config": {"hidden_size": DIM, "intermediate_size": HIDDEN, "num_attention_heads": HEADS,
                         "num_hidden_layers": 1, "rms_norm_eps": 1e-5, "vocab_size": VOCAB,
                         "tie_word_embeddings": False, "position_embedding_base": 10000, "rope_scaling": None,
                         "context_window_size": 4096, "prefill_chunk_size": 2048, "num_key_value_heads": KV_HEADS,
                         "head_dim": HEAD, "tensor_parallel_shards": 1, "max_batch_size": 128},
        "vocab_size": VOCAB, "context_window_size": 4096, "sliding_window_size": -1, "bos_token_id": 1,
        "eos_token_id": 2})


def write_xllm():
    """A weight file with each dtype, and a tokenizer with bytes and a few pieces."""
    def text(value):
        return struct.pack("<i", len(value)) + value.encode()

    def tensor(name, shape, dtype, data):
        return text(name) + struct.pack(f"<i{len(shape)}ii", len(shape), *shape, dtype) + data

    fields = {"model_type": "llama", "hidden_size": "2", "rms_norm_eps": "1e-05", "rope_scaling": "None"}
    ranges = struct.pack("<i4f", 0, -1, 1.55, 0, 5.1)
    tensors = [tensor("f32", (2,), 0, bytes(8)), tensor("bf16", (1, 2), 1, bytes(4)), tensor("f16", (3,), 7, bytes(6)),
               tensor("int8", (2, 2), 3, ranges + b"\x00\x80\xff\x01"), tensor("int4", (2, 2), 4, ranges + b"\x0f\x87"),
               tensor("int4_nozero", (2, 2), 8, ranges + b"\x0f\x87")]
    pairs = b"".join(text(key) + text(value) for key, value in fields.items())
    write_corpus("xllm_file_fuzz", "dtypes.bin", struct.pack("<i", len(fields)) + pairs +
                 struct.pack("<i", len(tensors)) + b"".join(tensors))
    pieces = ["<unk>", "\n<s>\n", "\n</s>\n", *map(chr, range(256)), " h", "el", "lo", "ello", " ", "h", "e", "l", "o"]
    write_corpus("xllm_tokenizer_fuzz", "small.bin", struct.pack("<3I", len(pieces), 1, 2) + b"".join(
        struct.pack("<fI", -i, len(piece.encode())) + piece.encode() for i, piece in enumerate(pieces)))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    tensors = model()
    write_hf(tensors)
    write_oddities()
    write_meta(tensors)
    write_gguf(tensors)
    for quantization in ("q4f16_1", "q0f16"):
        write_mlc(tensors, quantization)
    write_xllm()
    for path in sorted(OUT.rglob("*")):
        if path.is_file() and path.stat().st_size > 20_000:
            raise SystemExit(f"{path}: {path.stat().st_size} bytes, at most 20000")


if __name__ == "__main__":
    main()
