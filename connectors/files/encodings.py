"""Which encoding a text is in, and what stands between its columns: both from a sample of its bytes."""

from __future__ import annotations

import codecs
import csv
from collections import Counter

SAMPLE_BYTES = 256 * 1024
SINGLE_BYTE = ("cp1251", "koi8-u", "cp1252", "cp866")
DELIMITERS = (",", ";", "\t", "|")
_FREQUENT = {letter: 12 - place // 2 for place, letter in enumerate("оаеинвтріксулдмпзяьбгчйхжщюєїшцфґыэёъ")}
_EUROPEAN = set("äöüßàâçéèêëîïôûùœñóíúáãõåæøÄÖÜÉÈ€£§°–—„“”’«»")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def detect_encoding(sample: bytes) -> str:
    """The encoding of a sample of text.

    A mark at the start says it; zero bytes in every other place only are UTF-16; what decodes as UTF-8 is; else the
    single-byte alphabet whose letters look most like words: Cyrillic in the wrong table has rare letters, capitals
    inside words and signs nobody types.
    """
    for mark, name in _MARKS.items():
        if sample.startswith(mark):
            return name
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if min(first, second) * 10 < max(first, second):
        return "utf-16-le" if second > first else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8"
    except UnicodeDecodeError:
        return max(SINGLE_BYTE, key=lambda name: _likeness(sample, name))


def _likeness(sample: bytes, encoding: str) -> float:
    text = sample.decode(encoding, errors="replace")
    score = 0.0
    before = " "
    for letter in text:
        if ord(letter) > 127:
            lower = letter.lower()
            is_cyrillic = lower in _FREQUENT
            score += _FREQUENT[lower] if is_cyrillic else 6 if letter in _EUROPEAN else -12
            if before.isalpha() and letter.isupper() and before.islower():
                score -= 16
            if before.isascii() and before.isalpha() and is_cyrillic:
                score -= 12
        before = letter
    return score


def detect_delimiter(text: str) -> str:
    """What splits the lines of a sample into the same, largest number of columns."""
    lines = text.splitlines(keepends=True)[:200]
    return max(DELIMITERS, key=lambda mark: _evenness(lines, mark))


def _evenness(lines: list[str], mark: str) -> float:
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if any(cell.strip() for cell in row))
    if not widths:
        return 0
    width, rows = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    return rows / sum(widths.values()) * min(width, 20) if width > 1 else 0
