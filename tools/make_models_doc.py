#!/usr/bin/env python3
"""Writes docs/models.md from what the program knows and from the goldens that test it.

    python3 tools/make_models_doc.py build/release/bin/spate
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

HEAD = """# Models and file formats

Made by `tools/make_models_doc.py`; `spate inspect --known` prints the first table, `spate inspect PATH` says of a
model on disk whether it runs, before anything is loaded.

## Architectures

What `architectures` of a config.json names, which published models have it, and the tiny random checkpoints in
tests/golden that hold it against its reference (transformers where it has the model), on every backend at every
instruction set level. "-": the same tensors and arithmetic as the line with a golden, under an older name.

| architecture | models | goldens |
|---|---|---|
"""

FORMATS = """
## File formats

| format | what is read | weights |
|---|---|---|
| Hugging Face, safetensors | config.json, model.safetensors or an index with shards | f32, f16, bf16, f64 |
| ... GPTQ | 2, 3, 4, 8 bits, act-order, both checkpoint formats | computed at load: exact with `--dtype f32`, else kept as config.json's dtype |
| ... AWQ | 4 bits, version "gemm" | the same |
| ... compressed-tensors | pack-quantized (1 to 8 bits), int-quantized, float-quantized (fp8) | the same |
| ... fp8 | f8_e4m3 with a scale per block, or per tensor or row | the same |
| Hugging Face, PyTorch | pytorch_model.bin or an index with shards; tensors only, no code is run | f32, f16, bf16, f64 |
| GGUF v2, v3 | one file or the parts of a split one; tokenizer and chat template inside | Q4_0, Q8_0, Q4_K, Q5_K, Q6_K, F32, F16, BF16 as they are; Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, IQ4_NL, IQ4_XS become Q8_0 |
| Meta | params.json, consolidated.*.pth (shards joined), tokenizer.model | as stored |
| MLC LLM | ndarray-cache.json, params_shard_*.bin: q4f16_1 and its kin, q0f16 | q4: f16, as MLC computes them |
| xLLM | its weight file | f32, f16, bf16, int8, int4 |

The same weights give the same bits whichever of the formats they come from (tests/formats_test.cc).

## RoPE scaling

default, linear, llama3, dynamic, yarn, longrope (su), and the factors that GGUF files hold. dynamic and longrope are
settled at load for the context that the model is made for (src/model/rope.h).
"""


def main():
    known = json.loads(subprocess.run([sys.argv[1], "inspect", "--known", "--json"], check=True,
                                      capture_output=True).stdout)
    goldens = {}
    for config in sorted((ROOT / "tests" / "golden").glob("*/config.json")):
        name = json.loads(config.read_text())["architectures"][0]
        goldens.setdefault(name, []).append(config.parent.name)
    rows = [f"| {a['name']} | {a['models']} | {', '.join(goldens.get(a['name'], ['-']))} |" for a in known]
    (ROOT / "docs" / "models.md").write_text(HEAD + "\n".join(rows) + "\n" + FORMATS)


if __name__ == "__main__":
    main()
