#!/usr/bin/env python3
"""Writes tests/golden/sampling.json: logits, settings, and the distribution that is left, by other implementations.

    tools/make_sampling_goldens.py [--out FILE]        needs numpy, torch and transformers (tools/requirements.txt)

Temperature, top-k, top-p, min-p, typical-p, the repetition penalty and bad words come from the logits processors of
transformers. Top-n-sigma, XTC, DRY, dynamic temperature and mirostat are not there: they are written here from their
published definitions, in numpy, without a look at src/. Each case is a list of steps in the order in which they run.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from transformers.generation import logits_process as hf

VOCAB = 24


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def through(processor, logits, tokens):
    ids = torch.tensor([tokens], dtype=torch.long)
    out = processor(ids, torch.tensor(np.asarray(logits)[None, :], dtype=torch.float64))
    return out[0].numpy().astype(np.float64)


def top_n_sigma(x, n):
    """arXiv 2411.07641: of the logits that are left, at least max - n * std."""
    alive = np.isfinite(x)
    return np.where(alive & (x >= x[alive].max() - n * x[alive].std()), x, -np.inf)


def xtc(x, threshold):
    """All tokens at or above the threshold but the least probable of them."""
    p = softmax(x)
    top = [i for i in np.argsort(-p, kind="stable") if p[i] >= threshold]
    out = x.copy()
    out[top[:-1]] = -np.inf
    return out


def dry(x, tokens, multiplier, base, allowed, breakers):
    """Suffix by suffix: the longest one that occurred before, ended by the same token, and holds no breaker."""
    out = x.copy()
    for token in range(len(x)):
        if token in breakers:
            continue
        for length in range(min(len(tokens) - 1, 50), 0, -1):
            suffix = tokens[-length:]
            if set(suffix) & set(breakers):
                continue
            starts = range(len(tokens) - length)
            if any(tokens[s : s + length] == suffix and tokens[s + length] == token for s in starts):
                if length >= allowed:
                    out[token] -= multiplier * base ** (length - allowed)
                break
    return out


def dynatemp(x, temperature, spread, exponent):
    alive = np.isfinite(x)
    p = softmax(x)[alive]
    p = p[p > 0]
    entropy = -(p * np.log(p)).sum() / np.log(alive.sum())
    low, high = max(0.0, temperature - spread), temperature + spread
    return x / (low + (high - low) * entropy**exponent)


def mirostat(x, mu):
    p = softmax(x)
    with np.errstate(divide="ignore"):
        keep = -np.log2(p) <= mu
    keep[np.argmax(p)] = True
    return np.where(keep, x, -np.inf)


def run(logits, tokens, steps):
    x = np.asarray(logits, dtype=np.float64)
    for name, value in steps:
        if name == "temperature":
            x = through(hf.TemperatureLogitsWarper(value), x, tokens)
        elif name == "top_k":
            x = through(hf.TopKLogitsWarper(value), x, tokens)
        elif name == "top_p":
            x = through(hf.TopPLogitsWarper(value), x, tokens)
        elif name == "min_p":
            x = through(hf.MinPLogitsWarper(value), x, tokens)
        elif name == "typical_p":
            x = through(hf.TypicalLogitsWarper(value), x, tokens)
        elif name == "repetition_penalty":
            x = through(hf.RepetitionPenaltyLogitsProcessor(value), x, tokens)
        elif name == "bad_words":
            x = through(hf.NoBadWordsLogitsProcessor(value), x, tokens)
        elif name == "top_n_sigma":
            x = top_n_sigma(x, value)
        elif name == "xtc_threshold":
            x = xtc(x, value)
        elif name == "dry":
            x = dry(x, tokens, **value)
        elif name == "dynatemp":
            x = dynatemp(x, **value)
        elif name == "mirostat_mu":
            x = mirostat(x, value)
        else:
            raise ValueError(name)
    return softmax(x)


def cases(random):
    dry_settings = {"multiplier": 0.75, "base": 1.5, "allowed": 2, "breakers": [3]}
    dynamic = {"temperature": 1.0, "spread": 0.5, "exponent": 1.5}
    lists = [[(n, v)] for n, vs in {
        "temperature": [0.5, 1.5], "top_k": [1, 7], "top_p": [0.3, 0.875], "min_p": [0.0625, 0.25],
        "typical_p": [0.25, 0.5, 0.875], "repetition_penalty": [1.25, 0.75], "bad_words": [[[1, 2], [5], [2, 0, 1]]],
        "top_n_sigma": [0.5, 1.0, 1.5], "xtc_threshold": [0.03125, 0.125], "dry": [dry_settings],
        "dynatemp": [dynamic], "mirostat_mu": [1.5, 3.0, 6.0]}.items() for v in vs]
    lists += [
        [("repetition_penalty", 1.25), ("dry", dry_settings), ("top_n_sigma", 2.0), ("temperature", 0.75),
         ("top_k", 15), ("typical_p", 0.875), ("top_p", 0.875), ("min_p", 0.03125), ("xtc_threshold", 0.125)],
        [("top_k", 12), ("top_p", 0.75), ("temperature", 1.5)],
        [("xtc_threshold", 0.0625), ("min_p", 0.125), ("temperature", 2.0), ("dry", dry_settings)],
        [("top_p", 0.875), ("dynatemp", dynamic), ("repetition_penalty", 1.5), ("typical_p", 0.75)],
        [("bad_words", [[0, 1], [1, 0]]), ("temperature", 0.75), ("mirostat_mu", 3.0)],
    ]
    for steps in lists:
        for _ in range(3):
            # Eighths, exact in f32; no two alike, so that no tie is decided.
            logits = (random.choice(97, VOCAB, replace=False) - 48) / 8.0
            # Few tokens, so that they repeat.
            tokens = [int(t) for t in random.integers(0, 4 if random.integers(2) else 3, 30)]
            yield {"logits": logits.tolist(), "tokens": tokens, "steps": [[n, v] for n, v in steps],
                   "probabilities": [float(f"{p:.9g}") for p in run(logits, tokens, steps)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "tests/golden/sampling.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = list(cases(np.random.default_rng(20260101)))
    args.out.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    print(f"{args.out}: {len(rows)} cases")


if __name__ == "__main__":
    main()
