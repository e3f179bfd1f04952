#!/usr/bin/env python3
"""Compares encoding speed with Hugging Face tokenizers (Rust), both on one thread, turn by turn in one run.

    cmake --preset bench && cmake --build --preset bench --target spate_checkpoint_bench
    tools/bench_tokenizers.py --bench build/bench/src/checkpoint/spate_checkpoint_bench \\
        --tokenizer /tmp/tok/llama3 --tokenizer /tmp/tok/llama2 --text english=BOOK.txt --text code=CODE.txt

A tokenizer is a folder with tokenizer.json (tools/make_tokenizer_json.py makes some). Each text is encoded as one
string and line by line. First the ids of both must be equal; then rounds of one encoding each, and the ratio is the
median of the ratios of neighbours. Exits with 1 if ids differ, with 6 if a ratio is below --at-least.

Needs: pip install tokenizers numpy (0.23, 2).
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402


class Spate:
    """The bench program, kept running so that opening the tokenizer is not counted."""

    def __init__(self, bench, folder, ids_file):
        self.ids_file = ids_file
        self.process = subprocess.Popen([bench, "serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def seconds(self, mode, file):
        self.process.stdin.write(f"{mode} {file} {self.ids_file}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("the bench program ended")
        return float(answer)

    def ids(self):
        return np.fromfile(self.ids_file, dtype=np.int32)


def hf_encode(tokenizer, pieces):
    start = time.perf_counter()
    # Of what the package offers the fastest for each use: encode, and encode_batch without a Python loop.
    encodings = [tokenizer.encode(pieces[0])] if len(pieces) == 1 else tokenizer.encode_batch(pieces)
    return time.perf_counter() - start, encodings


def compare(spate, tokenizer, mode, file, rounds):
    text = file.read_bytes().decode()
    pieces = [text] if mode == "whole" else re.findall(r"[^\n]*\n|[^\n]+", text)
    _, encodings = hf_encode(tokenizer, pieces)
    expected = np.concatenate([np.array(e.ids, dtype=np.int32) for e in encodings])
    spate.seconds(mode, file)
    equal = np.array_equal(spate.ids(), expected)
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(hf_encode(tokenizer, pieces)[0])
        ours.append(spate.seconds(mode, file))
    megabytes = len(text.encode()) / 1e6
    ratios = sorted(t / o for t, o in zip(theirs, ours))
    return {"equal": equal, "ids": len(expected), "theirs": megabytes / statistics.median(theirs),
            "ours": megabytes / statistics.median(ours), "ratio": statistics.median(ratios), "low": ratios[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the program spate_checkpoint_bench")
    parser.add_argument("--tokenizer", action="append", required=True, metavar="FOLDER")
    parser.add_argument("--text", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--at-least", type=float, default=2.0, metavar="RATIO")
    args = parser.parse_args()
    good = same = True
    print("| tokenizer | text | mode | ids | HF MB/s | spate MB/s | ratio, median | lowest | ids equal |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for folder in args.tokenizer:
            tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
            spate = Spate(args.bench, folder, pathlib.Path(scratch) / "ids")
            for name, file in (text.split("=", 1) for text in args.text):
                for mode in ("whole", "lines"):
                    r = compare(spate, tokenizer, mode, pathlib.Path(file), args.rounds)
                    same = same and r["equal"]
                    good = good and r["ratio"] >= args.at_least
                    print(f"| {pathlib.Path(folder).name} | {name} | {mode} | {r['ids']} | {r['theirs']:.2f} "
                          f"| {r['ours']:.2f} | {r['ratio']:.1f} | {r['low']:.1f} | {'yes' if r['equal'] else 'NO'} |",
                          flush=True)
    return 1 if not same else 0 if good else 6


if __name__ == "__main__":
    sys.exit(main())
