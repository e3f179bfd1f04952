"""Turns plain-text Project Gutenberg books of fairy tales into a list of clean tales.

Owner: the demo model (train_demo.py, check_demo.py). The input is a folder of raw `.txt` books exactly as Project
Gutenberg publishes them; fetch_tales.md lists the books used for models/demo and how to get them. The result is ASCII
text, one string per tale, paragraphs separated by an empty line, spoken text in double quotes.
"""

import pathlib
import re
import unicodedata

# A heading that opens editorial matter: skipped up to the next tale.
_EDITORIAL = re.compile(r"^\W*(contents|preface|introduction|illustrations?\b|full-page|list of|to the friendly reader|"
                        r"transcriber|dedication|foreword|appendix|index|footnote|spelling|section\s+\d|corrections|"
                        r"glossary|note\b|bibliography)", re.I)
# A heading after which only scholarly notes follow in these books.
_TAIL = re.compile(r"^\W*(notes?( and references)?|oyez|notes (to|on) .*)\W*$", re.I)
# A heading inside a tale: it does not start a new one.
_SECTION = re.compile(r"^\W*((chapter|part|book)\s+)?([ivxl]+|\d+)\W*$|^\W*(the moral|another|moral|chapter\b.*|"
                      r"(first|second|third|fourth|fifth|sixth|seventh) (story|voyage)\b.*)\W*$", re.I)
# What an apostrophe may open instead of speech: 'tis, 'em.
_ELIDED = r"(?!(?i:tis\b|twas\b|twere\b|twill\b|twould\b|em\b|ll\b|till\b|un\b|bout\b|neath\b|gainst\b|cause\b|ere\b))"
# Where a tale was taken from: "(From the Swedish.)", "From the Danish."
_SOURCE_LINE = re.compile(r"\s*\(?(adapted |taken |translated )?from (the|'|\"|[A-Z]).{0,80}\s*$|\s*\([A-Z][^()]{3,90}\.?\)\.?\s*$", re.S)
# Words of the essays that some of the editors put before their tales.
_ESSAY = re.compile(r"\b(aryan|mytholog|folk-?lore|philolog|folk-?tale)", re.I)

_MIN_TALE = 800  # characters; anything shorter is a list, a caption or a verse epigraph


def _decode(raw):
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _ascii(text):
    table = {"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "--",
             "\u2026": "...", "\u00e6": "ae", "\u00c6": "Ae", "\u0153": "oe", "\u0152": "Oe", "\u00df": "ss",
             "\u00f8": "o", "\u00d8": "O", "\u00b4": "'", "`": "'", "\u00a0": " "}
    text = "".join(table.get(c, c) for c in text)
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if ord(c) < 128)


def _strip_licence(text):
    start = re.search(r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*?\n(?:.*\*\*\*\n)?", text)
    if not start:
        start = re.search(r"\*END\*?\s*THE SMALL PRINT!.*\n", text) or re.search(r"\*END THE SMALL PRINT.*\n", text)
    end = re.search(r"(?i)\n\W*(end of (the |this )?project gutenberg|\*\*\* ?end of (the|this) project gutenberg)", text)
    return text[start.end() if start else 0:end.start() if end else len(text)]


def _double_quotes(text):
    """Speech in 'single' quotes becomes "double", so that the whole corpus has one convention."""
    opening = len(re.findall(r"(?m)(?:^|(?<=\s))'(?=[A-Z])", text))
    if text.count('"') > opening:
        return text
    text = text.replace('"', "'")
    text = re.sub(r"(?m)(?:^|(?<=[\s(-]))'" + _ELIDED + r"(?='?[A-Za-z])", '"', text)
    return re.sub(r"(?m)(?<=[,.!?;:-])'(?=$|[\s)-])", '"', text)


def _paragraph(block):
    lines = [line.rstrip() for line in block.split("\n") if line.strip()]
    verse = len(lines) > 1 and sum(line.startswith("  ") for line in lines) * 2 > len(lines)
    text = ("\n" if verse else " ").join(re.sub(r"\s+", " ", line).strip() for line in lines)
    # An opening printed in capitals or small capitals: "ONCE upon a time", "THERE WAS once".
    caps = re.match(r"(\"?)((?:[A-Z][A-Z']+|[AIO])(?:[ ,]+(?:[A-Z][A-Z']+|[AIO])\b)*)\b", text)
    if caps and any(len(w) > 1 for w in caps.group(2).split()):
        words = caps.group(2)
        text = caps.group(1) + words[0] + re.sub(r"\bi\b", "I", words[1:].lower()) + text[caps.end():]
    return text


def _is_heading(block):
    text = " ".join(block.split())
    if not text or len(text) > 90 or block.count("\n") > 1 or text[0] in "\"'" or text[-1] in ",;\"'!?":
        return False
    return text.isupper() or not text.endswith(".") or bool(re.match(r"^\W*[A-Z]", text) and len(text) < 60)


def book_tales(raw):
    """The tales of one book, in order, from its raw bytes."""
    text = _ascii(_strip_licence(_decode(raw).replace("\r\n", "\n").replace("\r", "\n")))
    text = re.sub(r"\[Illustration[^\]]*\]", "", text)
    text = re.sub(r"\[(?:Pg )?\d+\]|\[[A-Z]\]|\{\d+[a-z]?\}|(?<=\S) ?\(\d{1,2}\)", "", text)
    text = text.replace("_", "")
    text = re.sub(r"(?m)^[ \t]+$", "", text)
    tales, current, keep = [], [], False

    def close():
        joined = "\n\n".join(p for p in current if p)
        if keep and len(joined) >= _MIN_TALE and len(_ESSAY.findall(joined)) < 3:
            tales.append(_double_quotes(joined))
        current.clear()

    for match in re.finditer(r"(\n*)((?:[^\n]+\n?)+)", text):
        gap, block, position = match.group(1), match.group(2), match.start()
        if not re.search(r"[A-Za-z]", block) or re.match(r"\s*(\[\w+\]|\(\d+\)|\[?footnote|\d+ See )", block, re.I):
            continue
        # One line break of the gap ended the previous block (the pattern takes it there), so two remain for two lines.
        if len(gap) >= 2 and _is_heading(block):
            title = " ".join(block.split())
            if _SECTION.match(title):
                continue
            close()
            if _TAIL.match(title) and position > len(text) // 2:
                break
            keep = not _EDITORIAL.match(title)
            continue
        if not _SOURCE_LINE.match(block):
            current.append(_paragraph(block))
    close()
    return tales


def load_tales(folder):
    """[(book name, tale)] of every .txt file of the folder, in name order."""
    out = []
    for path in sorted(pathlib.Path(folder).glob("*.txt")):
        out += [(path.stem, tale) for tale in book_tales(path.read_bytes())]
    return out
