#!/usr/bin/env python3
"""Compares `spate tokenize` with the reference implementations over many strings and many tokenizers.

    tools/check_tokenizers.py --data ../shared/data [--strings 100000] [--seed 1] [--only REGEX] [--spate build/release/bin/spate]

Tokenizers: the SentencePiece and tiktoken files of DATA/tokenizers against `sentencepiece` and `tiktoken`; SentencePiece
models trained here on DATA/text with every option against `sentencepiece`; tokenizer.json files trained here against
`tokenizers`. For each: ids of every string, and the text of those ids. Prints a table; exit status 1 with a difference
that no Unicode version explains. A string differs by Unicode version if it has a code point that Python's Unicode or
the reference's tables do not know as this build's do; those code points are listed.

Needs: pip install tokenizers sentencepiece tiktoken.
"""

import argparse
import base64
import contextlib
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

import sentencepiece
import tiktoken
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
BYTES = [f"<0x{b:02X}>" for b in range(256)]
MULTILINGUAL = """Der schnelle braune Fuchs springt über den faulen Hund. Größe, Straße, Äpfel.
Le cœur a ses raisons que la raison ne connaît point. Ça va très bien, déjà vu.
Быстрая коричневая лиса перепрыгивает через ленивую собаку.
敏捷的棕色狐狸跳过了懒狗。今天天气很好,我们去公园散步。
素早い茶色の狐がのろまな犬を飛び越える。カタカナとひらがな。
빠른 갈색 여우가 게으른 개를 뛰어넘는다. الثعلب البني السريع يقفز فوق الكلب
def main(argv):\n    for i in range(10):\n        print(f"{i}: {argv[i]}")\n    return 0
int x = 42; // 3.14159 2024-01-31 1,000,000 🙂👍🏽 ﬁ ① ㎏
"""


# --- strings ---

def assigned():
    return [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


CODE = ["def f(x):\n    return x ** 2  # done\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n",
        "{\"key\": [1, 2.5, null], \"s\": \"\\u00e9\"}", "<div class=\"a\">&amp;</div>", "x = y ? a->b : *c;\r\n",
        "SELECT * FROM t WHERE id >= 10;", "if __name__ == '__main__':\n    main(sys.argv[1:])", "#include <vector>\n",
        "$ git log --oneline | head -5", "a_b_c camelCase CONSTANT_NAME 0xFF 1e-5 100_000"]
EMOJI = ["🙂", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇫", "☃️", "🤷🏻‍♀️", "\u200d", "\ufe0f", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\u200b", "▁",
          "\u1680", "\u180e", "\ufeff"]
ODD = ["<s>", "</s>", "<unk>", "<pad>", "[INST]", "<0x41>", "<0x0A>", "<sep>", "▁▁", "Ġ", "\0", "\x01", "\x7f", "ﬁ", "①", "½", "Å",
       "e\u0301", "\u0301", "한", "ᄒ", "ᅡ", "İ", "ß", "ſ", "K", "'s", "'S", "'ll", "don't", "we'VE", "123456", "１２３", "##ing",
       "</w>", "\ufffd", "𝔘", "ﷺ", "가", "か\u3099", "ไทย", "क्षि", "שָׁלוֹם", "--", "...", "?!"]


def make_strings(count, seed, data):
    rng = random.Random(seed)
    chars = assigned()
    prompts = [p for f in sorted((data / "prompts").glob("*.txt"))
               for p in f.read_text(encoding="utf-8", errors="replace").splitlines() if p.strip()]
    book = "".join(f.read_text(encoding="utf-8") for f in sorted((data / "text").glob("*.txt")))
    strings = ["", " ", "  ", "a", " a", "a ", "▁", "\0", "\n", "Hello world", "<s>", "🙂"]
    while len(strings) < count:
        kind = len(strings) % 7
        if kind == 0:
            s = "".join(chr(rng.choice(chars)) for _ in range(rng.randint(1, 24)))
        elif kind == 1:
            at = rng.randrange(len(book) - 300)
            s = book[at:at + rng.randint(1, 300)]
        elif kind == 2:
            s = rng.choice(prompts)[:rng.randint(1, 400)]
        elif kind == 3:
            s = "".join(rng.choice(CODE) for _ in range(rng.randint(1, 3)))
            at = rng.randrange(len(s))
            s = s[at:at + 200] + rng.choice(SPACES)
        elif kind == 4:
            s = "".join(rng.choice(SPACES + ["a", "1", "."]) * rng.randint(1, 5) for _ in range(rng.randint(1, 9)))
        elif kind == 5:
            s = "".join(rng.choice(EMOJI) + rng.choice(["", " ", "a"]) for _ in range(rng.randint(1, 8)))
        else:
            pieces = ODD + SPACES + EMOJI + ["the", " King", "Größe", "漢字", "привет"]
            s = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 14)))
        strings.append(s)
    return strings[:count]


# --- subjects: name, a function that writes the file, encode and decode of the reference ---

class Subject:
    def __init__(self, name, path, encode, decode, flags=()):
        self.name, self.path, self.encode, self.decode, self.flags = name, path, encode, decode, list(flags)


def sentencepiece_subject(name, path):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return Subject(name, path, lambda texts: sp.encode(texts), lambda lists: [sp.decode(ids) for ids in lists],
                   ["--literal", "--no-special", "--skip-special"])


def tiktoken_subject(name, path):
    ranks = {base64.b64decode(t): int(r) for t, r in
             (line.split() for line in path.read_text().splitlines() if line)}
    enc = tiktoken.Encoding(name, pat_str=LLAMA3, mergeable_ranks=ranks, special_tokens={})
    return Subject(name, path, lambda texts: enc.encode_ordinary_batch(texts, num_threads=1),
                   lambda lists: enc.decode_batch(lists, num_threads=1), ["--literal", "--no-special"])


def sentencepiece_models(corpus, folder):
    text = folder / "corpus.txt"
    text.write_text("\n".join(corpus), encoding="utf-8")
    symbols = ["<sep>", "[INST]", "▁▁", "don't", "ing", "  ", "漢字"]
    variants = {
        "plain": {}, "bytes": dict(byte_fallback=True),
        "identity": dict(normalization_rule_name="identity", remove_extra_whitespaces=False, byte_fallback=True),
        "nfkc_cf": dict(normalization_rule_name="nfkc_cf"), "nmt_nfkc_cf": dict(normalization_rule_name="nmt_nfkc_cf"),
        "keep_spaces": dict(remove_extra_whitespaces=False),
        "no_prefix": dict(add_dummy_prefix=False), "suffix": dict(treat_whitespace_as_suffix=True),
        "no_prefix_keep": dict(add_dummy_prefix=False, remove_extra_whitespaces=False, byte_fallback=True),
        "symbols": dict(user_defined_symbols=symbols, control_symbols=["<ctl>", "<pad>"]),
        "symbols_bytes": dict(user_defined_symbols=symbols, byte_fallback=True, remove_extra_whitespaces=False),
        "whole_lines": dict(split_by_whitespace=False, split_digits=True, allow_whitespace_only_pieces=True),
    }
    for kind in ("bpe", "unigram"):
        for name, options in variants.items():
            prefix = folder / f"spm_{kind}_{name}"
            sentencepiece.SentencePieceTrainer.train(
                input=str(text), model_prefix=str(prefix), model_type=kind, vocab_size=1100, num_threads=1,
                character_coverage=0.998, hard_vocab_limit=False, minloglevel=2, **options)
            yield sentencepiece_subject(prefix.name, prefix.with_suffix(".model"))


def train_bpe(tok, corpus, initial=None, specials=(), **options):
    extra = {"initial_alphabet": initial} if initial else {"limit_alphabet": 180}
    tok.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1200, special_tokens=list(specials),
                                                        show_progress=False, max_token_length=16, **extra, **options))


def without_byte_specials(tok, keep=("<unk>", "<s>", "</s>")):
    data = json.loads(tok.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if t["content"] in keep]
    return Tokenizer.from_str(json.dumps(data))


def byte_level(corpus):
    patterns = {"gpt2": None, "llama3": LLAMA3, "qwen2": QWEN2, "o200k": O200K}
    norms = {"": None, "nfc": normalizers.NFC(), "nfkc": normalizers.NFKC(), "nfd_lower": normalizers.Sequence(
        [normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])}
    for pattern, regex in patterns.items():
        for norm, normalizer in norms.items():
            for prefix in (False, True):
                for ignore in (False, True):
                    if ignore and norm:
                        continue
                    tok = Tokenizer(models.BPE(ignore_merges=ignore))
                    if normalizer:
                        tok.normalizer = normalizer
                    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex is None)
                    tok.pre_tokenizer = level if regex is None else pre_tokenizers.Sequence(
                        [pre_tokenizers.Split(Regex(regex), "isolated"), level])
                    tok.decoder = decoders.ByteLevel()
                    train_bpe(tok, corpus, pre_tokenizers.ByteLevel.alphabet(), ["<|end|>", "<s>"])
                    tok.post_processor = processors.Sequence(
                        [processors.ByteLevel(), processors.TemplateProcessing(single="<s> $A", special_tokens=[
                            ("<s>", tok.token_to_id("<s>"))])])
                    yield f"bpe_bytes_{pattern}_{norm}{'_prefix' if prefix else ''}{'_ignore' if ignore else ''}", tok


def metaspace_bpe(corpus):
    sequence = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                  decoders.Strip(" ", 1, 0)])
    for fallback in (False, True):
        for fuse in (False, True):
            for scheme in ("always", "first", "never", "normalizer"):
                tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=fallback))
                if scheme == "normalizer":
                    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
                    tok.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
                else:
                    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=True)
                tok.decoder = sequence if scheme != "first" else decoders.Metaspace(prepend_scheme="first")
                train_bpe(tok, corpus, specials=["<unk>", "<s>", "</s>"] + (BYTES if fallback else []))
                tok = without_byte_specials(tok)
                yield f"bpe_metaspace_{scheme}{'_fallback' if fallback else ''}{'_fuse' if fuse else ''}", tok


def affixes(corpus):
    tok = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tok.decoder = decoders.BPEDecoder("</w>")
    train_bpe(tok, corpus, specials=["<unk>"], end_of_word_suffix="</w>")
    yield "bpe_suffix", tok
    tok = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece("##", cleanup=True)
    train_bpe(tok, corpus, specials=["<unk>", "[CLS]", "[SEP]"], continuing_subword_prefix="##")
    tok.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    yield "bpe_prefix_bert", tok


def charsmap(folder):
    from sentencepiece import sentencepiece_model_pb2
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((folder / "spm_unigram_plain.model").read_bytes())
    return model.normalizer_spec.precompiled_charsmap


def unigram(corpus, folder):
    def train(tok, **options):
        tok.train_from_iterator(corpus, trainers.UnigramTrainer(vocab_size=1100, show_progress=False,
                                                                unk_token="<unk>", **options))
    cases = {
        "metaspace": (None, pre_tokenizers.Metaspace(), decoders.Metaspace()),
        "nfkc": (normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()]), pre_tokenizers.Metaspace(),
                 decoders.Metaspace()),
        "precompiled": (normalizers.Sequence([normalizers.Precompiled(charsmap(folder)),
                                              normalizers.Replace(Regex(" {2,}"), " ")]),
                        pre_tokenizers.Metaspace(prepend_scheme="first"), decoders.Metaspace(prepend_scheme="first")),
        "nmt": (normalizers.Nmt(), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(),
                                                            pre_tokenizers.Metaspace()]), decoders.Metaspace()),
        "bytes": (None, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()),
        "whole": (normalizers.Replace(" ", "▁"), None, decoders.Replace("▁", " ")),
    }
    for name, (normalizer, pre, decoder) in cases.items():
        tok = Tokenizer(models.Unigram())
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        tok.decoder = decoder
        train(tok, special_tokens=["<unk>", "<s>"])
        yield f"unigram_{name}", tok
    data = json.loads(tok.to_str())  # the last one, with bytes for what it does not know
    data["model"]["byte_fallback"] = True
    data["model"]["vocab"] += [[b, -20.0] for b in BYTES]
    data["decoder"] = json.loads(decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                                    decoders.Fuse()]).__getstate__())
    yield "unigram_fallback", Tokenizer.from_str(json.dumps(data))


def wordpieces(corpus):
    """BERT's, with case and accents, and with other steps, an empty prefix, short words."""
    P = pre_tokenizers
    cases = {
        "bert": ({}, normalizers.BertNormalizer(), P.BertPreTokenizer()),
        "cased": ({}, normalizers.BertNormalizer(lowercase=False), P.BertPreTokenizer()),
        "accents": ({}, normalizers.BertNormalizer(strip_accents=False, clean_text=False, handle_chinese_chars=False),
                    P.BertPreTokenizer()),
        "short_words": (dict(max_input_chars_per_word=5), normalizers.NFC(), P.Whitespace()),
        "no_prefix": (dict(continuing_subword_prefix=""), normalizers.NFKC(), P.WhitespaceSplit()),
        "metaspace": (dict(continuing_subword_prefix="▁"), None, P.Metaspace()),
        "whole": (dict(max_input_chars_per_word=1000), None, None),
    }
    for name, (options, normalizer, pre) in cases.items():
        tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        prefix = options.get("continuing_subword_prefix", "##")
        tok.decoder = decoders.WordPiece(prefix, cleanup=name != "cased")
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        tok.train_from_iterator(corpus, trainers.WordPieceTrainer(
            vocab_size=1200, limit_alphabet=180, special_tokens=special, show_progress=False,
            continuing_subword_prefix=prefix))
        data = json.loads(tok.to_str())
        data["model"].update(options)
        tok = Tokenizer.from_str(json.dumps(data))
        tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        yield f"wordpiece_{name}", tok


def pre_tokenizer_kinds(corpus):
    P = pre_tokenizers
    kinds = {"whitespace": P.Whitespace(), "whitespace_split": P.WhitespaceSplit(), "bert": P.BertPreTokenizer(),
             "delimiter": P.CharDelimiterSplit("e"), "digits": P.Digits(individual_digits=True),
             "digits_runs": P.Digits(individual_digits=False), "split_string": P.Split("the", "merged_with_previous"),
             "normalizer_bytes": P.Split(Regex(r"Ġ?\w+|\W"), "isolated")}
    if hasattr(P, "FixedLength"):
        kinds["fixed_length"] = P.FixedLength(3)
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        kinds[f"punctuation_{behavior}"] = P.Punctuation(behavior)
        kinds[f"split_{behavior}"] = P.Split(Regex(r"[aeiou]+|\s"), behavior, invert=behavior == "contiguous")
    for name, pre in kinds.items():
        tok = Tokenizer(models.BPE(unk_token="<unk>"))
        if name == "normalizer_bytes":
            tok.normalizer = normalizers.ByteLevel()
            tok.decoder = decoders.ByteLevel()
        elif name.startswith("split"):
            tok.decoder = decoders.Sequence([decoders.Replace(Regex(r"[xy]"), "z"), decoders.Fuse()])
        tok.pre_tokenizer = pre
        train_bpe(tok, corpus, specials=["<unk>"],
                  initial=P.ByteLevel.alphabet() if name == "normalizer_bytes" else None)
        tok.add_special_tokens(["<s>", "</s>"])
        tok.post_processor = processors.RobertaProcessing(("</s>", tok.token_to_id("</s>")),
                                                          ("<s>", tok.token_to_id("<s>")))
        tok.add_tokens([AddedToken("solo", single_word=True), AddedToken("<sep>", lstrip=True, rstrip=True)])
        yield f"pre_{name}", tok


def json_subjects(corpus, folder, only):
    for make in (byte_level, metaspace_bpe, affixes, lambda c: unigram(c, folder), wordpieces, pre_tokenizer_kinds):
        for name, tok in make(corpus):
            if not only.search(name):
                continue
            path = folder / f"{name}.json"
            tok.save(str(path))
            yield Subject(name, path, lambda texts, t=tok: [e.ids for e in t.encode_batch_fast(texts)],
                          lambda lists, t=tok: [t.decode(ids, skip_special_tokens=False) for ids in lists])


# --- comparison ---

def spate_lines(args, subject, values, folder):
    lines = folder / "lines.jsonl"
    with lines.open("w", encoding="utf-8") as f:
        for value in values:
            f.write(json.dumps(value, ensure_ascii=False) + "\n")
    out = subprocess.run([args.spate, "tokenize", "-m", str(subject.path), "--lines", "-f", str(lines), "--json"] +
                         subject.flags, capture_output=True, check=False)
    if out.returncode:
        raise RuntimeError(f"{subject.name}: {out.stderr.decode(errors='replace').strip()}")
    return [json.loads(line) for line in out.stdout.split(b"\n")[:-1]]


def first_difference(subject, args, folder, text):
    """The code points that alone, between letters, are enough for a difference."""
    probes = sorted(set(text))
    texts = [f"a{c}b" for c in probes]
    ours, theirs = spate_lines(args, subject, texts, folder), subject.encode(texts)
    return [ord(c) for c, a, b in zip(probes, ours, theirs) if a != list(b)]


def spans(points):
    out = []
    for c in sorted(points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:04X}" if a == b else f"{a:04X}-{b:04X}" for a, b in out)


def compare(subject, strings, args, folder):
    start = time.time()
    ours = spate_lines(args, subject, strings, folder)
    theirs = [list(ids) for ids in subject.encode(strings)]
    assert len(ours) == len(theirs) == len(strings)
    wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    points, unexplained = set(), []
    for i in wrong[:2000]:
        found = [c for c in first_difference(subject, args, folder, strings[i]) if c > 0xFF]
        points.update(found)
        if not found:
            unexplained.append(i)
    back_ours = spate_lines(args, subject, theirs, folder)
    back_theirs = subject.decode(theirs)
    back_wrong = [i for i, (a, b) in enumerate(zip(back_ours, back_theirs)) if a != b]
    print(f"| {subject.name} | {len(strings)} | {len(unexplained)} | {len(wrong) - len(unexplained)} | {len(back_wrong)} |",
          flush=True)
    if points:
        print(f"{subject.name}: by Unicode version: {spans(points)}", file=sys.stderr)
    for i in unexplained[:3]:
        print(f"{subject.name}: {strings[i]!r}\n  spate     {ours[i]}\n  reference {theirs[i]}", file=sys.stderr)
    for i in back_wrong[:3]:
        print(f"{subject.name}: text of {theirs[i]}\n  spate     {back_ours[i]!r}\n  reference {back_theirs[i]!r}",
              file=sys.stderr)
    print(f"{subject.name}: {time.time() - start:.1f} s", file=sys.stderr)
    return len(unexplained) + len(back_wrong)


def subjects(args, only, corpus, folder):
    files = args.data / "tokenizers"
    for name in ("llama2-sentencepiece", "mistral-v3-sentencepiece"):
        if only.search(name):
            yield sentencepiece_subject(name, files / f"{name}.model")
    if only.search("llama3-tiktoken"):
        yield tiktoken_subject("llama3-tiktoken", files / "llama3-tiktoken.model")
    for subject in sentencepiece_models(corpus, folder):
        if only.search(subject.name):
            yield subject
    yield from json_subjects(corpus, folder, only)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--spate", default=str(pathlib.Path(__file__).parent.parent / "build/release/bin/spate"))
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=".", help="regular expression over names")
    parser.add_argument("--keep", help="folder for the tokenizers that are trained")
    args = parser.parse_args()
    strings = make_strings(args.strings, args.seed, args.data)
    book = "".join(f.read_text(encoding="utf-8") for f in sorted((args.data / "text").glob("*.txt")))
    corpus = book[:150_000].split("\n\n") + MULTILINGUAL.split("\n") * 6
    print("| tokenizer | strings | ids differ | by Unicode version | texts differ |\n|---|---|---|---|---|")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(args.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        bad = sum(compare(s, strings, args, folder) for s in subjects(args, re.compile(args.only), corpus, folder))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
