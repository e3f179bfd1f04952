#!/usr/bin/env python3
"""Writes tests/golden/<name>/: tiny random checkpoints with the values Hugging Face transformers computes for them.

Each folder is a checkpoint as one would download it (config.json in the spelling of the published models, weights in
safetensors) plus golden.json and NumPy files:

    prompts[i].ids, .logits    f32 [tokens, vocab], every position's logits, float32 eager attention on a CPU
    hidden.prompt, .file       f32 [layers + 1, tokens, hidden], the residual stream after the embedding and after each
                               layer, before the final norm
    greedy[i].prompt, .ids     32 tokens; at every step the two best logits differ by more than 10 x the tolerance
    tolerance                  largest difference of a logit a float32 implementation may show, as a part of the
                               largest |logit| of the file it is compared with
    float64_difference         the same measure for float32 against float64 of the reference itself

The reference works on the stored values: weights are rounded to the storage type first. Run it from anywhere; it
replaces the folders:

    python tools/make_goldens.py [NAME...]
"""

import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

TOLERANCE = 5e-4
LENGTHS = (1, 2, 7, 33, 80)  # the last two fill several 16-token blocks and a part of one
HIDDEN_LENGTH = 33
GREEDY_LENGTHS, GREEDY_TOKENS = (3, 21), 32
LIMIT = 300_000  # bytes a folder may take

LLAMA3_SCALING = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                      original_max_position_embeddings=64)


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


def shape(vocab, hidden, ffn, layers, heads, kv_heads):
    return dict(vocab_size=vocab, hidden_size=hidden, intermediate_size=ffn, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv_heads)


# name: (config, storage type, files the weights are split over)
VARIANTS = {
    "llama2": (llama(**shape(97, 36, 88, 3, 3, 3), rms_norm_eps=1e-6), "float32", 1),
    "llama3": (llama(**shape(131, 48, 94, 4, 4, 2), rope_theta=500000.0), "bfloat16", 3),
    "llama31": (llama(**shape(131, 48, 104, 3, 3, 1), rope_theta=500000.0, rope_scaling=LLAMA3_SCALING), "bfloat16", 1),
    "llama32": (llama(**shape(131, 40, 88, 5, 4, 2), head_dim=10, rope_theta=500000.0, tie_word_embeddings=True,
                      rope_scaling={**LLAMA3_SCALING, "factor": 32.0}), "bfloat16", 1),
    "llama_linear": (llama(**shape(97, 54, 88, 3, 3, 3), rope_scaling=dict(type="linear", factor=4.0)), "float16", 1),
    "codellama": (llama(**shape(113, 40, 104, 4, 2, 2), rope_theta=1000000.0), "bfloat16", 1),
    "mistral": ({k: v for k, v in llama(
        architectures=["MistralForCausalLM"], model_type="mistral", **shape(131, 44, 88, 4, 4, 2), head_dim=16,
        rope_theta=1000000.0, sliding_window=None).items() if k not in ("attention_bias", "mlp_bias", "rope_scaling")},
        "bfloat16", 1),
    "qwen2": (qwen2(**shape(131, 56, 104, 3, 4, 2), tie_word_embeddings=True), "bfloat16", 1),
    "qwen25": (qwen2(**shape(97, 36, 88, 3, 2, 1)), "float32", 2),
}


def random_weights(model, generator, dtype):
    """Values large enough for spread logits and peaked attention, rounded to the storage type."""
    state = {}
    for name, p in model.named_parameters():
        draw = torch.randn(p.shape, generator=generator)
        if "norm" in name:
            draw = 1.0 + 0.25 * draw
        elif name.endswith(".bias"):
            draw = 0.4 * draw
        elif "embed_tokens" in name:
            draw = draw if not model.config.tie_word_embeddings else 0.4 * draw
        elif "q_proj" in name or "k_proj" in name:
            draw = 1.5 * draw / p.shape[1] ** 0.5
        elif "lm_head" in name:
            draw = 2.0 * draw / p.shape[1] ** 0.5
        else:
            draw = draw / p.shape[1] ** 0.5
        stored = draw.to(dtype)
        p.data.copy_(stored.to(p.dtype))
        state[name] = stored.contiguous()
    return state


def write_weights(folder, state, files):
    if files == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, shards = list(state), {}
    for i in range(files):
        part = f"model-{i + 1:05}-of-{files:05}.safetensors"
        chosen = names[i * len(names) // files:(i + 1) * len(names) // files]
        save_file({n: state[n] for n in chosen}, folder / part, metadata={"format": "pt"})
        shards.update((n, part) for n in chosen)
    index = dict(metadata=dict(total_size=sum(t.numel() * t.element_size() for t in state.values())), weight_map=shards)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


@torch.no_grad()
def run(model, ids):
    """(logits [tokens, vocab], hidden [layers + 1, tokens, hidden]) as NumPy arrays."""
    taps = []
    keep = lambda module, inputs, output: taps.append((output[0] if isinstance(output, tuple) else output)[0].clone())
    hooks = [m.register_forward_hook(keep) for m in [model.model.embed_tokens, *model.model.layers]]
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    return logits.numpy(), torch.stack([t.reshape(len(ids), -1) for t in taps]).numpy()


def greedy(model, prompt, eos):
    """(ids, smallest margin relative to the largest |logit|), or None where a step is too close to call."""
    ids, worst = list(prompt), float("inf")
    for _ in range(GREEDY_TOKENS):
        last = run(model, ids)[0][-1]
        second, first = np.sort(last)[-2:]
        margin = float((first - second) / np.abs(last).max())
        if margin < 10 * TOLERANCE or int(last.argmax()) == eos:
            return None
        worst = min(worst, margin)
        ids.append(int(last.argmax()))
    out = ids[len(prompt):]
    return (out, worst) if len(set(out)) > 8 else None  # not a short loop


def make(name, root):
    config, dtype_name, files = VARIANTS[name]
    seed = 1000 + sorted(VARIANTS).index(name)
    dtype, generator = getattr(torch, dtype_name), torch.Generator().manual_seed(seed)
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**config, "torch_dtype": dtype_name}, indent=2) + "\n")

    settings = transformers.AutoConfig.from_pretrained(folder)
    skeleton = transformers.AutoModelForCausalLM.from_config(settings, dtype=torch.float32, attn_implementation="eager")
    write_weights(folder, random_weights(skeleton, generator, dtype), files)
    # The values compared with are those of the files, read by transformers itself.
    load = lambda t: transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=t, attn_implementation="eager").eval()
    model, exact = load(torch.float32), load(torch.float64)
    for (n, p), (_, q) in zip(skeleton.named_parameters(), model.named_parameters()):
        assert torch.equal(p, q), n

    rng, vocab = np.random.default_rng(seed), config["vocab_size"]
    draw = lambda length: [int(t) for t in rng.integers(3, vocab, length)]
    golden = dict(name=name, tolerance=TOLERANCE, float64_difference=0.0, largest_logit=0.0, prompts=[], hidden=None,
                  greedy=[], seed=seed, weights=dtype_name, torch=torch.__version__.split("+")[0],
                  transformers=transformers.__version__)
    for length in LENGTHS:
        ids = draw(length)
        logits, hidden = run(model, ids)
        difference = float(np.abs(run(exact, ids)[0] - logits).max() / np.abs(logits).max())
        golden["float64_difference"] = max(golden["float64_difference"], difference)
        golden["largest_logit"] = max(golden["largest_logit"], float(np.abs(logits).max()))
        np.save(folder / f"logits_{length}.npy", logits.astype(np.float32))
        if length == HIDDEN_LENGTH:
            np.save(folder / f"hidden_{length}.npy", hidden.astype(np.float32))
            golden["hidden"] = dict(prompt=len(golden["prompts"]), file=f"hidden_{length}.npy")
        golden["prompts"].append(dict(ids=ids, logits=f"logits_{length}.npy"))
    for length in GREEDY_LENGTHS:
        for attempt in range(2000):
            prompt = draw(length)
            found = greedy(model, prompt, config["eos_token_id"])
            if found:
                golden["greedy"].append(dict(prompt=prompt, ids=found[0], smallest_margin=found[1]))
                break
        else:
            raise SystemExit(f"{name}: no prompt of {length} tokens has a clear greedy continuation")
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    (folder / "golden.json").write_text("{\n" + lines + "\n}\n")
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size <= LIMIT, (name, size)
    print(f"{name}: {size} bytes, float64 difference {golden['float64_difference']:.1e}, largest logit "
          f"{golden['largest_logit']:.2f}, margins {[round(g['smallest_margin'], 4) for g in golden['greedy']]}", flush=True)


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("names", nargs="*", default=list(VARIANTS), help="variants (all)")
    names = arg.parse_args().names
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in names:
        make(name, pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden")


if __name__ == "__main__":
    main()
