#!/usr/bin/env python3
"""Holds the tokenizer of vocabulary files against published ids: NAME.gguf (or any tokenizer file) with NAME.gguf.inp,
texts between lines of __ggml_vocab_test__, and NAME.gguf.out, the ids of each on a line, as llama.cpp's models folder
has them. Counts each file's texts and differences.

    tools/check_published_ids.py FOLDER [--spate build/release/bin/spate]

Exit status 0, or 1 with a difference or a file that does not open.
"""

import argparse
import json
import pathlib
import subprocess
import sys

SEPARATOR = "\n__ggml_vocab_test__\n"


def ids_of(spate, model, texts, folder):
    lines = folder / "texts.jsonl"
    lines.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    done = subprocess.run([spate, "tokenize", "-m", model, "--lines", "--no-special", "--literal", "-f", lines],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr.strip()
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    arg = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arg.add_argument("folder", type=pathlib.Path)
    arg.add_argument("--spate", default="build/release/bin/spate")
    arg.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp"), help="where the texts are put")
    args = arg.parse_args()
    failed = False
    for model in sorted(args.folder.glob("*.gguf")):
        cases = pathlib.Path(f"{model}.inp")
        if model.stat().st_size == 0:
            continue
        if not cases.exists():
            result = ids_of(args.spate, model, ["Hello world"], args.work)
            print(f"{model.name}: no published ids; {'opens' if isinstance(result, list) else result}")
            failed |= not isinstance(result, list)
            continue
        texts = cases.read_bytes().decode("utf-8").split(SEPARATOR)
        expected = [[int(i) for i in line.split()] for line in pathlib.Path(f"{model}.out").read_text().splitlines()]
        texts = texts[:len(expected)]
        got = ids_of(args.spate, model, texts, args.work)
        if not isinstance(got, list):
            print(f"{model.name}: {got}")
            failed = True
            continue
        wrong = [i for i, ids in enumerate(expected) if got[i] != ids]
        print(f"{model.name}: {len(expected)} texts, {len(wrong)} differences")
        for i in wrong[:3]:
            print(f"  {texts[i]!r}: expected {expected[i]}, got {got[i]}")
        failed |= bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
