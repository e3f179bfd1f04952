#!/usr/bin/env python3
"""Writes tests/golden/tokenizer: small tokenizers of every kind, trained with the Hugging Face `tokenizers` package,
and what that package makes of many texts with them.

    tools/make_tokenizer_goldens.py --text BOOK.txt [--out tests/golden/tokenizer]
    tools/make_tokenizer_goldens.py --text BOOK.txt --random 20000 --seed 1 --out /tmp/cases

The second form is a differential fuzz run: random texts and random ids instead of the fixed ones.
Compare with: SPATE_TOKENIZER_GOLDENS=/tmp/cases spate_checkpoint_test --gtest_filter='TokenizerGolden.*'

Needs: pip install tokenizers (0.23).
"""

import argparse
import functools
import json
import pathlib
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
# Not one of the patterns that are written by hand: nested class, intersection, possessive and repeated quantifiers.
ODD = r"[^\S\r\n]+(?=\p{Lu})|[\p{L}&&[^aeiou]]+|[aeiou[0-5]]++|\d{1,2}+|\w|[^\w\s]{2,}|\s"
BYTES = [f"<0x{b:02X}>" for b in range(256)]

MULTILINGUAL = """
Der schnelle braune Fuchs springt über den faulen Hund. Größe, Straße, Äpfel.
Le cœur a ses raisons que la raison ne connaît point. Ça va très bien, déjà vu.
El niño comió una manzana y bebió té con limón. ¿Cómo estás? ¡Muy bien!
Быстрая коричневая лиса перепрыгивает через ленивую собаку.
敏捷的棕色狐狸跳过了懒狗。今天天气很好,我们去公园散步。
素早い茶色の狐がのろまな犬を飛び越える。カタカナとひらがな。
빠른 갈색 여우가 게으른 개를 뛰어넘는다.
الثعلب البني السريع يقفز فوق الكلب الكسول.
def main(argv):\n    for i in range(10):\n        print(f"{i}: {argv[i]}")\n    return 0
int x = 42; // 3.14159 2024-01-31 1,000,000
"""


def flagged_tokens(normalized_ok=True):
    """Added tokens of all kinds of flags."""
    tokens = [
        AddedToken("<|end|>", special=True, normalized=False),
        AddedToken("<L>", special=True, normalized=False, lstrip=True),
        AddedToken("<R>", special=True, normalized=False, rstrip=True),
        AddedToken("<LR>", special=True, normalized=False, lstrip=True, rstrip=True),
        AddedToken("<a>", special=False, normalized=False),
        AddedToken("<a><b>", special=False, normalized=False),
        AddedToken("<b><c>", special=True, normalized=False),
        AddedToken("solo", special=False, normalized=False, single_word=True),
        AddedToken("    ", special=False, normalized=False),
        AddedToken("tête", special=True, normalized=False),
        AddedToken("two words", special=False, normalized=False),
    ]
    if normalized_ok:
        tokens += [
            AddedToken("Norm", special=False, normalized=True),
            AddedToken("NormSolo", special=True, normalized=True, single_word=True),
            AddedToken("ＦＵＬＬ", special=False, normalized=True, rstrip=True),
        ]
    return tokens


def train(tok, corpus, size, initial, special, byte_tokens=False):
    specials = special + (BYTES if byte_tokens else [])
    alphabet = {"initial_alphabet": initial} if initial else {"limit_alphabet": 160}
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False, max_token_length=16,
                                  **alphabet)
    tok.train_from_iterator(corpus, trainer)


def finish(tok, special, edit=None):
    """Special tokens registered, byte tokens plain model tokens, edits to the JSON applied."""
    data = json.loads(tok.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if t["content"] in special]
    if edit:
        edit(data)
    tok = Tokenizer.from_str(json.dumps(data))
    return tok


def legacy_merges(data):
    data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]


def gpt2(corpus):
    tok = Tokenizer(models.BPE(unk_token="<|endoftext|>"))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    train(tok, corpus, 900, pre_tokenizers.ByteLevel.alphabet(), ["<|endoftext|>"])
    tok = finish(tok, ["<|endoftext|>"])
    tok.add_tokens(flagged_tokens())
    return tok, legacy_merges


def llama3(corpus):
    tok = Tokenizer(models.BPE(ignore_merges=True))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    train(tok, corpus, 1000, pre_tokenizers.ByteLevel.alphabet(), [])

    def edit(data):  # tokens that no merge reaches: ignore_merges finds them
        for word in ["Ġunmergeable", "qqqq"]:
            data["model"]["vocab"][word] = len(data["model"]["vocab"])
    tok = finish(tok, [], edit)
    tok.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
    tok.add_tokens(flagged_tokens())
    bos = tok.token_to_id("<|begin_of_text|>")
    tok.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B",
                                      special_tokens=[("<|begin_of_text|>", bos)])])
    return tok, None


def qwen2(corpus):
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    train(tok, corpus, 900, pre_tokenizers.ByteLevel.alphabet(), [])
    tok = finish(tok, [])
    tok.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tok.add_tokens(flagged_tokens())
    return tok, None


def sentencepiece_decoder():
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                              decoders.Strip(" ", 1, 0)])


def llama2(corpus):
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # for training only
    tok.decoder = sentencepiece_decoder()
    train(tok, corpus, 1000, [], ["<unk>", "<s>", "</s>"], byte_tokens=True)

    def edit(data):
        data["pre_tokenizer"] = None
    tok = finish(tok, ["<unk>", "<s>", "</s>"], edit)
    tok.add_tokens(flagged_tokens())
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B",
                                                       special_tokens=[("<s>", tok.token_to_id("<s>"))])
    return tok, legacy_merges


def mistral(corpus):
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)  # split for training only
    tok.decoder = sentencepiece_decoder()
    train(tok, corpus, 1000, [], ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"], byte_tokens=True)

    def edit(data):
        data["pre_tokenizer"]["split"] = False
    tok = finish(tok, ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"], edit)
    tok.add_tokens(flagged_tokens())
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A <s> $B",
        special_tokens=[("<s>", tok.token_to_id("<s>")), ("</s>", tok.token_to_id("</s>"))])
    return tok, None


def metaspace(corpus):
    """Everything that normalizes; no byte fallback, unknown characters one by one; Metaspace on both ends."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False))
    tok.normalizer = normalizers.Sequence([normalizers.Strip(left=False, right=True), normalizers.NFKD(),
                                           normalizers.StripAccents(), normalizers.Lowercase(), normalizers.NFKC(),
                                           normalizers.Replace(Regex(r"q[^u]"), "QX"), normalizers.NFD()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split("-", "removed"),
                                                 pre_tokenizers.Metaspace(prepend_scheme="always"),
                                                 pre_tokenizers.Digits(individual_digits=False)])
    tok.decoder = decoders.Metaspace(prepend_scheme="always")
    train(tok, corpus, 700, [], ["<unk>"])
    tok = finish(tok, ["<unk>"])
    tok.add_tokens(flagged_tokens())
    return tok, None


def odd(corpus):
    """Steps behind ByteLevel, a prefix space, a pattern for the regex engine, partial byte fallback, no decoder."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(ODD), "contiguous"), pre_tokenizers.Split("--", "merged_with_previous", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Split(Regex("e+"), "merged_with_next")])
    train(tok, corpus, 700, pre_tokenizers.ByteLevel.alphabet(), [])
    tok = finish(tok, [])
    tok.add_tokens(flagged_tokens())
    return tok, None


def partial_fallback(corpus):
    """Byte tokens for some bytes only, so that unk, fused unk and bytes meet; Metaspace never; fused Strip and Replace."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
    tok.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁", " "),
                                     decoders.Replace("th", "TH"), decoders.Strip(" ", 1, 2)])
    few = [b for b in BYTES if int(b[3:5], 16) % 8 != 5]
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=["<unk>"] + few, limit_alphabet=60,
                                  show_progress=False)
    tok.train_from_iterator(corpus, trainer)
    tok = finish(tok, ["<unk>"])
    tok.add_tokens(flagged_tokens())
    return tok, None


def wordpiece(corpus):
    """BERT's steps; a word of more than 40 characters is unk."""
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, limit_alphabet=120, show_progress=False)
    tok.train_from_iterator(corpus, trainer)
    tok.add_tokens(flagged_tokens(normalized_ok=False))
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, tok.token_to_id(t)) for t in ("[CLS]", "[SEP]")])
    return tok, None


KINDS = [gpt2, llama3, qwen2, llama2, mistral, metaspace, odd, partial_fallback, wordpiece]

FRAGMENTS = [
    "hello", "Hello", "WORLD", "world", "the", "King", "don't", "DON'T", "we'll", "WE'LL", "I'm", "it's", "IT'S",
    "they've", "you're", "he'd", "'s", "'S", "'ll", "'LL", "'ſ", "''s", "'t'", "o'clock", "a", "b", "e", "ee", "th",
    " ", "  ", "   ", "    ", "     ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", " \n \n ", "\t \n", "\x0b",
    "\x0c", "\x85", "\xa0", "\u1680", "\u180e", "\u2003", "\u2028", "\u202f", "\u3000", "\u200b", "\ufeff", "\0", "\x01",
    "\x1f", "\x7f", "0", "1", "12", "123", "1234", "12345678", "3.14159", "1,000", "2024-01-31", "½", "²", "Ⅷ", "٣٤",
    "一二三", "१२", "!", "!!", "?!", "...", "-", "--", "---", "_", "__init__", "a_b", "(", ")", "[]", "{}", "<", ">", "<<",
    "==", "\"", "'", "`", "~", "@", "#", "$", "%", "&&", "*", "+", "/", "\\", "^", "|", "¿", "¡", "«", "»", "—", "…", "€",
    "é", "e\u0301", "ê", "e\u0302\u0323", "e\u0323\u0302", "ñ", "n\u0303", "ü", "ß", "ẞ", "ﬁ", "ﬀ", "Å", "A\u030a", "Å",
    "İ", "ı", "Σ", "ς", "Ǆ", "ǅ", "ＦＵＬＬ", "ｗｉｄｅ", "①", "℃", "㎏", "ﷺ", "𝔘𝔫𝔦", "Ⓐ", "🄰", "ſ", "K", "K",
    "\u0301", "\u0300\u0301", "\u20dd", "ä̈", "q̣̇", "क्षि", "কো", "ो", "가", "각", "ᄀ", "ᅡ", "ᆨ", "각", "한국어",
    "привет", "Привет", "й", "и\u0306", "ё", "Ελληνικά", "ά", "α\u0301", "שלום", "שָׁלוֹם", "مرحبا", "السَّلَامُ", "你好", "世界", "漢字",
    "日本語", "ひらがな", "か\u3099", "が", "カタカナ", "ﾊﾟ", "ไทย", "မြန်မာ", "🙂", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇫", "☃", "☃️", "\u200d", "\ufe0f",
    "\U0001F1E9", "𐍈", "𠀀", "\ue000", "\U000f0000", "\ufffd", "\ufffe", "\U0010ffff", "\u0378",
    "<|end|>", "<|end|", "|end|>", "<L>", "<R>", "<LR>", "<a>", "<a><b>", "<b><c>", "<a><b><c>", "<b>", "<c>", "solo",
    "Solo", "solos", "two words", "two  words", "tête", "te\u0302te", "Norm", "norm", "NORM", "NormSolo", "FULL", "full",
    "<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<|begin_of_text|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<0x41>", "<0xFF>", "▁", "▁▁", "▁the", "Ġ", "Ġthe", "Ċ", "unmergeable", "qqqq", "qa", "qu", "aaaaaaaaaaaaaaaa", "abababab",
]

SENTENCES = [
    "Once upon a time there was a king who had three sons.",
    "  Leading and trailing spaces  ",
    "Tabs\tand\nnewlines\r\nand\n\n\nmore   \n   of them\n",
    "def f(x):\n    if x > 10:\n        return x ** 2\n\treturn -1  # done\n",
    "I'll say: \"They're HERE, aren't they?\" — SHE'S gone; it'S odd; WE'VE 'em.",
    "The year 1999 had 365 days, 8760 hours and 31536000 seconds; pi is 3.14159265358979.",
    "Größe Straße Äpfel über naïve café résumé Ångström coöperate",
    "Cafe\u0301 re\u0301sume\u0301 A\u030angstro\u0308m \u1e9b\u0323 ﬁne ﬂow",
    "敏捷的棕色狐狸跳过了懒狗。今天是2024年1月31日,气温25℃!",
    "素早い茶色の狐がのろまな犬を飛び越える。ﾊﾝｶｸ カタカナ",
    "빠른 갈색 여우가 게으른 개를 뛰어넘는다",
    "الثعلب البني السريع يقفز فوق الكلب الكسول ١٢٣٤",
    "🙂👍🏽👨‍👩‍👧‍👦🏳️‍🌈🇩🇪🇫🇷 and 🤷🏻‍♀️ text",
    "Z̴̡̛a̵̢̧l̶̨̛g̷̡̛o̴̢̧ text",
    "\0NUL at\0the\0\0ends\0",
    "<|end|>", " <|end|> ", "a<|end|>b", "a <|end|> b <|end|><|end|> c",
    "a  <L>  b <R>  c  <LR>  d", "<L><R><LR>", "  <L>  <L>  ", "<R>   <R>   <LR>   x", "x<R>    y    <L>z",
    "<a><b><c> <b><c> <a> <a><b> <a><c>", "solo solos solo. (solo) _solo solo_ so lo solo", "solosolo", "ésolo soloé solo\u0301",
    "two words twowords two words.", "Norm norm NORM NormSolo normsolo NormSoloNorm", "ＦＵＬＬ  full FULL",
    "<s>[INST] Hello [/INST] Hi </s>", "<|begin_of_text|>user\n\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<0x0A><0xE2><0x96><0x81>", "▁▁a ▁b", "a▁b▁ c ▁", "ĠtheĊ", "unmergeable unmergeable qqqqq",
]
RUNS = ["a", " ", "\n", "\t", "1", "!", "é", "e\u0301", "漢", "🙂", "\u0301", "▁", "ab", "a ", " a", "\r\n", "<", "<a>", "-", "ſ", "'"]


def fixed_texts():
    texts = ["", " ", "a"] + SENTENCES
    texts += [r * n for r in RUNS for n in (2, 3, 65)]
    rng = random.Random(7)
    for _ in range(150):
        texts.append("".join(rng.choice(FRAGMENTS) for _ in range(rng.randint(1, 9))))
    return list(dict.fromkeys(texts))


@functools.cache
def assigned():
    """Code points that this Python's Unicode has assigned, without those that the package's older tables lack."""
    forms = [(getattr(normalizers, f)(), f) for f in ("NFC", "NFD", "NFKC", "NFKD")]
    strip = normalizers.StripAccents()
    bert, bert_split = normalizers.BertNormalizer(strip_accents=True), pre_tokenizers.BertPreTokenizer()
    known, unknown = [], []
    for c in range(0x110000):
        char = chr(c)
        category = unicodedata.category(char)
        if category in ("Cn", "Cs", "Co"):
            continue
        gone = bert.normalize_str(f"a{char}") == "a"
        apart = len(bert_split.pre_tokenize_str(f"a{char}b")) == 3
        if c > 127 and (gone != (category in ("Mn", "Cf", "Cc")) or apart != category.startswith("P")):
            unknown.append(c)
            continue
        # Marks of class 240 and 1 around it show its combining class.
        agrees = (strip.normalize_str(char) == "") == category.startswith("M") and all(
            form.normalize_str(probe) == unicodedata.normalize(name, probe)
            for form, name in forms for probe in (char, f"a\u0345{char}", f"a{char}\u0334"))
        (known if agrees else unknown).append(c)
    spans = []
    for c in unknown:
        if spans and spans[-1][1] == c - 1:
            spans[-1][1] = c
        else:
            spans.append([c, c])
    print(f"left out, {len(unknown)} code points that the package normalizes by an older Unicode:",
          " ".join(f"{a:04X}" if a == b else f"{a:04X}-{b:04X}" for a, b in spans) or "none")
    return known


def random_texts(count, rng, book):
    chars = assigned()
    blocks = [range(0x20, 0x7F), range(0xA0, 0x250), range(0x300, 0x370), range(0x370, 0x600), range(0x900, 0xE00),
              range(0x1100, 0x1200), range(0x1E00, 0x2100), range(0x2100, 0x2600), range(0x3040, 0x3100),
              range(0x4E00, 0x4F00), range(0xAC00, 0xAD00), range(0xF900, 0xFB50), range(0x1F1E6, 0x1F200),
              range(0x1F300, 0x1F650)]
    known = set(chars)
    blocks = [[c for c in b if c in known] for b in blocks]
    for i in range(count):
        kind = i % 6
        if kind == 0:
            yield "".join(rng.choice(FRAGMENTS) for _ in range(rng.randint(1, 14)))
        elif kind == 1:
            yield "".join(chr(rng.choice(chars)) for _ in range(rng.randint(1, 24)))
        elif kind == 2:
            block = rng.choice(blocks)
            yield "".join(chr(rng.choice(block)) if rng.random() < 0.8 else rng.choice(FRAGMENTS)
                          for _ in range(rng.randint(1, 24)))
        elif kind == 3:
            start = rng.randrange(len(book) - 400)
            text = list(book[start:start + rng.randint(1, 300)])
            for _ in range(rng.randint(0, 4)):
                text.insert(rng.randint(0, len(text)), rng.choice(FRAGMENTS))
            yield "".join(text)
        elif kind == 4:
            yield "".join(rng.choice(" \t\n\r\xa0\u3000a1.'<s") for _ in range(rng.randint(1, 40)))
        else:
            yield "".join(rng.choice(FRAGMENTS) * rng.randint(1, 30) for _ in range(rng.randint(1, 3)))


def random_ids(count, rng, tok):
    vocab = tok.get_vocab()
    every = sorted(vocab.values())
    byte_ids = [vocab[b] for b in BYTES if b in vocab] or every[:256]
    utf8 = [[vocab[f"<0x{b:02X}>"] for b in s.encode() if f"<0x{b:02X}>" in vocab] for s in ("é", "漢", "🙂", "a")]
    for _ in range(count):
        ids = []
        for _ in range(rng.randint(1, 12)):
            pick = rng.random()
            if pick < 0.4:
                ids.append(rng.choice(every))
            elif pick < 0.7:
                ids.extend(rng.choice(byte_ids) for _ in range(rng.randint(1, 4)))
            else:
                ids.extend(rng.choice(utf8))
        yield ids


def decoded(tok, ids, skip):
    try:
        return tok.decode(ids, skip_special_tokens=skip)
    except BaseException:  # a panic in Rust: Strip of a text shorter than what it strips
        return None


def cases(tok, texts, id_lists):
    out = {"encode": [], "decode": []}
    for text in texts:
        tok.encode_special_tokens = False
        special = tok.encode(text, add_special_tokens=True).ids
        plain = tok.encode(text, add_special_tokens=False).ids
        tok.encode_special_tokens = True
        literal = tok.encode(text, add_special_tokens=False).ids
        tok.encode_special_tokens = False
        case = {"text": text, "ids": special}
        # Left out where they are equal to what is there already; the test knows that.
        if plain != special:
            case["plain"] = plain
        if literal != plain:
            case["literal"] = literal
        for name, skip in (("decoded", False), ("skipped", True)):
            back = decoded(tok, special, skip)
            if back != text:
                case[name] = back
        out["encode"].append(case)
    for ids in id_lists:
        out["decode"].append({"ids": ids, "decoded": decoded(tok, ids, False), "skipped": decoded(tok, ids, True)})
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True, help="English text to train on")
    parser.add_argument("--out", default=str(pathlib.Path(__file__).parent.parent / "tests/golden/tokenizer"))
    parser.add_argument("--random", type=int, default=0, help="this many random texts per kind instead of the fixed ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help="comma-separated; all")
    args = parser.parse_args()

    book = pathlib.Path(args.text).read_text(encoding="utf-8")
    corpus = book[:200_000].split("\n\n") + MULTILINGUAL.split("\n") * 8
    for kind in KINDS:
        if args.kinds and kind.__name__ not in args.kinds.split(","):
            continue
        tok, edit = kind(corpus)
        rng = random.Random(f"{kind.__name__} {args.seed}")
        if args.random:
            found = cases(tok, random_texts(args.random, rng, book), random_ids(args.random // 2, rng, tok))
        else:
            found = cases(tok, fixed_texts(), random_ids(60, rng, tok))
        data = json.loads(tok.to_str())
        if edit:
            edit(data)
        folder = pathlib.Path(args.out) / kind.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("tokenizer.json", data), ("cases.json", found)):
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
            (folder / name).write_text(text + "\n", encoding="utf-8")
            print(f"{folder / name}: {len(text.encode())} bytes")


if __name__ == "__main__":
    main()
