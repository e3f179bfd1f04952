#!/usr/bin/env python3
"""Goldens of the block weight formats: what gguf-py makes of blocks and of values.

Writes tests/golden/quant/:
  <format>.blocks.npy   bytes of some blocks, as int32: random levels and scales with any finite f16 (subnormals and
                        both zeros among them), then, for formats that gguf-py can write, normally distributed values
  <format>.values.npy   gguf.quants.dequantize of them
  pack.values.npy       values to write, with the corners of rounding
  <format>.packed.npy   gguf.quants.quantize of them, as int32, for q4_0 and q8_0

Needs gguf and numpy (tools/requirements.txt). Deterministic.
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "quant"

# Where a block has its f16 numbers.
SCALES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0],
}
WRITTEN = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0]


def random_blocks(rng, kind, count):
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in SCALES[kind]:
        bits = rng.integers(0, 0x7C00, count, dtype=np.uint16) | (rng.integers(0, 2, count, dtype=np.uint16) << 15)
        bits[:3] = [0x8000, 0x0001, 0x7BFF]  # -0, the smallest, the largest
        blocks[:, at:at + 2] = bits.astype("<u2").view(np.uint8).reshape(count, 2)
    return blocks


def values_to_pack(rng):
    blocks = [
        np.zeros(32), -np.zeros(32), rng.standard_normal(32), rng.standard_normal(32) * 1e-7,  # d below f16
        rng.standard_normal(32) * 1e-30, rng.standard_normal(32) * 60000, rng.standard_normal(32) * 1e7,  # d infinite
        np.linspace(-8, 7.5, 32),  # every half level of Q4_0
        np.linspace(-8, 7.5, 32)[::-1],
        np.concatenate([[127], np.arange(31) - 15.5]),  # every half level of Q8_0
        np.concatenate([[-127], np.arange(31) - 15.5]),
        np.tile([3.0, -3.0], 16), np.tile([-3.0, 3.0], 16),  # the first of equal magnitudes
    ]
    blocks += [rng.standard_normal(32) * 0.02 for _ in range(19)]
    return np.stack(blocks).astype(np.float32)


def as_int32(array):
    return np.ascontiguousarray(array).reshape(-1).view("<i4")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20240521)
    for kind in SCALES:
        elements, _ = gguf.GGML_QUANT_SIZES[kind]
        blocks = random_blocks(rng, kind, 6 if elements == 256 else 16)
        if kind in WRITTEN:
            written = gguf.quants.quantize(rng.standard_normal((4, 64)).astype(np.float32), kind)
            blocks = np.concatenate([blocks, written.reshape(8, -1)])
        values = gguf.quants.dequantize(blocks, kind)
        assert np.isfinite(values).all()
        name = kind.name.lower()
        np.save(OUT / f"{name}.blocks.npy", as_int32(blocks))
        np.save(OUT / f"{name}.values.npy", values.reshape(-1).astype("<f4"))
    values = values_to_pack(rng)
    np.save(OUT / "pack.values.npy", values.reshape(-1))
    for kind in (T.Q4_0, T.Q8_0):
        np.save(OUT / f"{kind.name.lower()}.packed.npy", as_int32(gguf.quants.quantize(values, kind)))


if __name__ == "__main__":
    main()
