#!/usr/bin/env python3
"""Writes tokenizer.json files of real size from the vocabularies that Meta published in other formats.

    tools/make_tokenizer_json.py --tiktoken ../shared/data/tokenizers/llama3-tiktoken.model --out /tmp/tok/llama3
    tools/make_tokenizer_json.py --sentencepiece ../shared/data/tokenizers/llama2-sentencepiece.model --out /tmp/tok/llama2
    tools/make_tokenizer_json.py --sentencepiece ... --metaspace --out /tmp/tok/llama2-metaspace

tiktoken: byte-level BPE with the pattern and the special tokens of Llama 3 and ignore_merges. A pair of tokens that
makes a third is a merge of the third's rank: 280,147 of them, as in the published tokenizer.json.
sentencepiece: BPE with byte fallback; spaces become U+2581 in the normalizer, as Llama 2 has it, or with --metaspace
in the pre-tokenizer, as newer files have it.

Needs: pip install tokenizers sentencepiece (0.23, 0.2).
"""

import argparse
import base64
import pathlib

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors)

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>",
                  "<|reserved_special_token_1|>", "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>",
                  "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
LLAMA3_SPECIAL_COUNT = 256
METASPACE = "\u2581"


def byte_alphabet():
    """The character that stands for each byte in byte-level vocabularies."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in kept]
    return {**{b: chr(b) for b in kept}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def pair_merges(ids):
    """Every pair of tokens that makes a third, by the third's id, then by the ids of the two. ids: text -> id, ascending."""
    merges = []
    for text in ids:
        pairs = []
        for cut in range(1, len(text)):
            left, right = text[:cut], text[cut:]
            if left in ids and right in ids:
                pairs.append((ids[left], ids[right], left, right))
        merges += [(left, right) for _, _, left, right in sorted(pairs)]
    return merges


def from_tiktoken(path):
    alphabet = byte_alphabet()
    vocab = {}
    for line in path.read_text().splitlines():
        token, rank = line.split()
        vocab["".join(alphabet[b] for b in base64.b64decode(token))] = int(rank)
    tokenizer = Tokenizer(models.BPE(vocab, pair_merges(vocab), ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    special = LLAMA3_SPECIAL + [f"<|reserved_special_token_{i}|>"
                                for i in range(3, 3 + LLAMA3_SPECIAL_COUNT - len(LLAMA3_SPECIAL))]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    bos = special[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def from_sentencepiece(path, metaspace):
    import sentencepiece  # only this half needs it

    sp = sentencepiece.SentencePieceProcessor(model_file=str(path))
    # In a BPE model the score is minus the place in the order of merges.
    pieces = sorted(range(sp.get_piece_size()), key=lambda i: -sp.get_score(i))
    mergeable = {sp.id_to_piece(i): i for i in pieces
                 if not (sp.is_control(i) or sp.is_unknown(i) or sp.is_byte(i) or sp.is_unused(i))}
    vocab = {sp.id_to_piece(i): i for i in range(sp.get_piece_size())}
    tokenizer = Tokenizer(models.BPE(vocab, pair_merges(mergeable), unk_token=sp.id_to_piece(sp.unk_id()), fuse_unk=True,
                                     byte_fallback=True))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(METASPACE, prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(METASPACE),
                                                     normalizers.Replace(" ", METASPACE)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(METASPACE, " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    special = [sp.id_to_piece(i) for i in range(sp.get_piece_size()) if sp.is_control(i) or sp.is_unknown(i)]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    bos = sp.id_to_piece(sp.bos_id())
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, sp.bos_id())])
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--tiktoken", type=pathlib.Path, metavar="FILE")
    source.add_argument("--sentencepiece", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--metaspace", action="store_true", help="spaces are replaced by the pre-tokenizer")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FOLDER")
    args = parser.parse_args()
    if args.tiktoken:
        tokenizer = from_tiktoken(args.tiktoken)
    else:
        tokenizer = from_sentencepiece(args.sentencepiece, args.metaspace)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "tokenizer.json"
    tokenizer.save(str(path))
    print(f"{path}: {tokenizer.get_vocab_size()} tokens, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
