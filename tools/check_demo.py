#!/usr/bin/env python3
"""Measures the demo model with Hugging Face transformers: does it write words, and is the export what was trained?

It writes 20 seeded continuations of "Once upon a time" (temperature 0.8, 100 tokens, top-p and min-p as in
generation_config.json) and counts how many of their words
occur in the training text; 90 % is the floor. It also measures the loss on the held-out tales, which has to agree with
the one that training noted in figures.json beside the model's folder. TALES is the folder that train_demo.py had.

    python tools/check_demo.py TALES models/demo                       # the figures; exit status 1 below the floor
    python tools/check_demo.py TALES DIR/published --card              # and writes README.md, the model card
"""

import argparse
import json
import pathlib
import re
import sys

import torch
import transformers

import tales

HELD_OUT_EVERY = 32  # as in train_demo.py
PROMPT, RUNS, TOKENS, TEMPERATURE, FLOOR = "Once upon a time", 20, 100, 0.8, 0.9

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# Demo model: fairy tales

A Llama of {parameters:,} parameters that writes fairy tales, small enough to live in this repository ({megabytes:.1f} MB)
and to answer at once on any machine. It exists so that everything can be tried without a download; it knows nothing
but the sound of old tales.

| | |
| --- | --- |
| Architecture | `LlamaForCausalLM`: 4 layers, hidden 256, feed-forward 768, 8 heads over 4 key-value heads, tied embeddings |
| Context | 512 tokens |
| Vocabulary | 2,048: byte-level BPE with Llama 3's split, trained on the same text |
| Weights | bfloat16 |
| Training text | {training_tales:,} tales, {training_tokens:,} tokens |
| Held out | {held_out_tales} whole tales, {held_out_tokens:,} tokens |
| Training | {steps:,} steps, {tokens_seen:,} tokens seen ({epochs:.1f} epochs), {minutes:.0f} minutes on two shared CPU cores |
| Validation loss | {validation_loss:.3f} per token, {validation_bits_per_character:.2f} bits per character |
| Words | {share:.1%} of the words in {runs} seeded continuations of "{prompt}" (temperature {temperature}, top-p 0.95, min-p 0.1, {tokens} tokens) occur in the training text |

## Samples

The first three of those continuations, as they came:

{samples}

## Limits

It keeps the grammar of a sentence better than the thread of a story: people change name and sex, and things happen twice
or for no reason. It cannot answer questions, follow instructions or count. The tales are of the nineteenth century and
so are their views of people; the model repeats them. Past its 512 tokens of context it was never trained.

## Sources

All texts are in the public domain, as published by Project Gutenberg and kept in the GITenberg repositories on GitHub
(`https://github.com/GITenberg/NAME`). `tools/fetch_tales.md` says how to get them, `tools/train_demo.py` how the model
was made.

{sources}

## Licence

The weights and the tokenizer: Apache-2.0. The texts: public domain.
"""


def words(text):
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())


@torch.no_grad()
def held_out_loss(model, tokenizer, texts):
    """Mean loss over the concatenated tales in windows of the context, as training measures it."""
    ids = [i for t in texts for i in tokenizer(t)["input_ids"] + [tokenizer.eos_token_id]]
    size = model.config.max_position_embeddings
    total, windows = 0.0, (len(ids) - 1) // size
    for w in range(windows):
        part = torch.tensor(ids[w * size:(w + 1) * size + 1])
        logits = model(part[None, :-1]).logits[0].float()
        total += torch.nn.functional.cross_entropy(logits, part[1:]).item()
    return total / windows


@torch.no_grad()
def continuations(model, tokenizer):
    """[(text, whether it ended by itself)], reproducible: one seed, all in one batch."""
    transformers.set_seed(0)
    ids = tokenizer(PROMPT, return_tensors="pt")
    made = model.generate(**ids, do_sample=True, temperature=TEMPERATURE, top_k=0, max_new_tokens=TOKENS,
                          num_return_sequences=RUNS, pad_token_id=tokenizer.eos_token_id)
    return [(tokenizer.decode(row, skip_special_tokens=True), tokenizer.eos_token_id in row.tolist()) for row in made]


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("tales", type=pathlib.Path)
    arg.add_argument("model", type=pathlib.Path)
    arg.add_argument("--card", action="store_true", help="write README.md into the model's folder")
    a = arg.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    texts = [t for _, t in tales.load_tales(a.tales)]
    known = {w for i, t in enumerate(texts) if i % HELD_OUT_EVERY for w in words(t)}
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()

    made, total, found, unknown = continuations(model, tokenizer), 0, 0, []
    for text, ended in made:
        print(f"--- {text}{' [end]' if ended else ''}\n")
        # The prompt does not count, and a text cut off by the limit may end in half a word.
        list_ = words(text[len(PROMPT):])
        list_ = list_ if ended else list_[:-1]
        total += len(list_)
        found += sum(w in known for w in list_)
        unknown += [w for w in list_ if w not in known]
    share = found / total
    loss = held_out_loss(model, tokenizer, texts[::HELD_OUT_EVERY])
    print(f"words known {found} of {total}: {share:.2%}; unknown: {' '.join(sorted(set(unknown)))}")
    print(f"held-out loss by transformers {loss:.4f}")
    figures_path = a.model.parent / "figures.json"
    if figures_path.exists():
        figures = json.loads(figures_path.read_text())
        noted = figures["validation_loss"]
        print(f"held-out loss noted by training {noted:.4f}")
        if abs(noted - loss) > 0.02:
            sys.exit("the exported model is not the trained one")
    if a.card:
        books = sorted(p.stem for p in a.tales.glob("*.txt"))
        authors = dict(re.findall(r"(?m)^\| `(\S+)` \| (.*) \|$",
                                  (pathlib.Path(__file__).parent / "fetch_tales.md").read_text()))
        sources = "\n".join(f"* *{b.rsplit('_', 1)[0].replace('-s-', chr(39) + 's ').replace('-', ' ')}*, {authors[b]}: "
                            f"`{b}`" for b in books)
        samples = "\n\n".join("> " + text.strip().replace("\n\n", "\n>\n> ") for text, _ in made[:3])
        (a.model / "README.md").write_text(CARD.format(
            **figures, epochs=figures["tokens_seen"] / figures["training_tokens"], share=share, runs=RUNS, prompt=PROMPT,
            temperature=TEMPERATURE, tokens=TOKENS, samples=samples, sources=sources,
            megabytes=sum(f.stat().st_size for f in a.model.iterdir()) / 1e6))
    sys.exit(0 if share >= FLOOR else 1)


if __name__ == "__main__":
    main()
