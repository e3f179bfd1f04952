#!/usr/bin/env python3
"""Writes small valid GGUF files for the fuzz target, with the format's own Python package.

    tools/make_gguf_seeds.py fuzz/corpus/gguf_fuzz

Needs: pip install gguf numpy (0.19, 2.4).
"""

import argparse
import pathlib

import gguf
import numpy as np

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def byte_alphabet():
    """The character that stands for each byte in byte-level vocabularies."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in kept]
    return {**{b: chr(b) for b in kept}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def add_sentencepiece(w, kind):
    tokens = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    tokens += [(f"<0x{b:02X}>", BYTE) for b in range(256)] if kind == "llama" else []
    tokens += [(t, NORMAL) for t in ("\u2581", "a", "b", "l", "o", "\u2581a", "ab", "\u2581ab")] + [("<|user|>", USER)]
    w.add_tokenizer_model(kind)
    w.add_token_list([t for t, _ in tokens])
    w.add_token_scores([-float(i) for i in range(len(tokens))])
    w.add_token_types([t for _, t in tokens])
    w.add_add_space_prefix(True)
    w.add_unk_token_id(0)
    w.add_eos_token_id(2)
    return len(tokens)


def add_bpe(w, pre):
    alphabet = byte_alphabet()
    tokens = [alphabet[b] for b in range(256)] + ["he", "hel", "\u0120hel", "<|endoftext|>"]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types([NORMAL] * (len(tokens) - 1) + [CONTROL])
    w.add_token_merges(["h e", "he l", "\u0120 hel"])
    w.add_bos_token_id(len(tokens) - 1)
    w.add_eos_token_id(len(tokens) - 1)
    w.add_add_bos_token(False)
    return len(tokens)


def add_wordpiece(w):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581hel", "lo", "l", "o", "\u2581a",
              "\u2581it", "\u2581s", "\u2581'"]
    w.add_tokenizer_model("bert")
    w.add_token_list(tokens)
    w.add_token_types([CONTROL] * 4 + [NORMAL] * (len(tokens) - 4))
    w.add_pad_token_id(0)
    w.add_unk_token_id(1)
    w.add_uint32("tokenizer.ggml.cls_token_id", 2)
    w.add_sep_token_id(3)


def add_hyper(w, kv_heads=1, rms=True):
    w.add_context_length(64)
    w.add_embedding_length(8)
    w.add_block_count(1)
    w.add_feed_forward_length(16)
    w.add_head_count(2)
    w.add_head_count_kv(kv_heads)
    (w.add_layer_norm_rms_eps if rms else w.add_layer_norm_eps)(1e-5)
    w.add_rope_dimension_count(4)


def llama(w):
    add_hyper(w)
    add_sentencepiece(w, "llama")
    w.add_rope_freq_base(10000.0)
    w.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")
    w.add_tensor("rope_freqs.weight", np.array([1, 8], dtype=np.float32))
    w.add_tensor("output_norm.weight", np.ones(8, dtype=np.float32))
    w.add_tensor("blk.0.ffn_norm.weight", np.ones(8, dtype=np.float16))


def qwen(w):
    add_hyper(w)
    add_bpe(w, "qwen2")
    w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    w.add_rope_scaling_factor(4.0)
    w.add_rope_scaling_orig_ctx_len(16)


def phi(w):
    add_hyper(w)
    add_bpe(w, "gpt-4o")
    w.add_rope_scaling_orig_ctx_len(32)
    w.add_rope_scaling_attn_factors(1.1)
    w.add_sliding_window(0)
    for name in ("long", "short"):
        w.add_tensor(f"rope_factors_{name}.weight", np.array([1, 2], dtype=np.float32))


def gemma(w):
    add_hyper(w)
    add_sentencepiece(w, "t5")
    w.add_key_length(4)
    w.add_value_length(4)
    w.add_final_logit_softcapping(30.0)
    w.add_sliding_window(16)


def bert(w):
    add_wordpiece(w)
    w.add_causal_attention(False)


def types(w):
    rng = np.random.default_rng(1)
    for name in ("Q4_0", "Q8_0", "Q5_1"):
        kind = gguf.GGMLQuantizationType[name]
        values = rng.standard_normal((2, 32)).astype(np.float32)
        w.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    w.add_array("lists.bool", [True, False])
    w.add_array("lists.float", [1.0, 2.5])
    w.add_uint64("numbers.u64", 1 << 40)
    w.add_int8("numbers.i8", -3)
    w.add_float64("numbers.f64", 1e-9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for arch, fill in (("llama", llama), ("qwen2", qwen), ("phi3", phi), ("gemma2", gemma), ("bert", bert),
                       ("falcon", types)):
        writer = gguf.GGUFWriter(out / f"{arch}.gguf", arch)
        fill(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


if __name__ == "__main__":
    main()
