"""Which encoding a text is in, told by all of its bytes; and what stands between its columns."""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from connectors.errors import SettingsFailure
from connectors.files.places import CHUNK_BYTES, FoundFile

SAMPLE_BYTES = 256 * 1024
SINGLE_BYTE = ("cp1251", "koi8-u", "cp1252", "cp1250", "cp866")
CLOSE = 0.75
"""An encoding whose score comes so near to the best one may be meant as well."""
DELIMITERS = (",", ";", "\t", "|")
_FREQUENT = {letter: 12 - place // 2 for place, letter in enumerate("оаеинвтріксулдмпзяьбгчйхжщюєїшцфґыэёъ")}
_EUROPEAN = set("äöüßàâçéèêëîïôûùœñóíúáãõåæøÄÖÜÉÈŒÆØÅ€£§°–—„“”’«»ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůýžČĎŘŠŤŮÝŽőűŐŰăâîșțşţĂÎŞŢ")
_NEVER_BEFORE_VOWELS = set("ńćśźă")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def encoding_of(one: FoundFile) -> str:
    """The encoding of a text file; SettingsFailure when several fit about as well."""
    with one.open() as opened:
        return detect_encoding(iter(lambda: opened.read(CHUNK_BYTES), b""), one.name)


def detect_encoding(chunks: bytes | Iterable[bytes], name: str = "the text") -> str:
    """The encoding of a text.

    A mark at the start says it; zero bytes in every other place only are UTF-16; what decodes as UTF-8 to its end is;
    else the single-byte alphabet whose letters look most like words: Cyrillic in the wrong table has rare letters,
    capitals inside words and signs nobody types. SettingsFailure when two of them fit about as well and differ.
    """
    flow = iter([chunks]) if isinstance(chunks, bytes) else iter(chunks)
    first = next(flow, b"")
    for mark, encoding in _MARKS.items():
        if first.startswith(mark):
            return encoding
    even, odd = first[:SAMPLE_BYTES:2].count(0), first[1:SAMPLE_BYTES:2].count(0)
    if min(even, odd) * 10 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    telling = b""
    is_utf8 = True
    for chunk in _chained(first, flow):
        if is_utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
        if len(telling) < SAMPLE_BYTES:
            telling += _telling(chunk, SAMPLE_BYTES - len(telling))
        elif not is_utf8:
            break
    return "utf-8" if is_utf8 else _single_byte(telling, name)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _telling(chunk: bytes, most: int) -> bytes:
    """The lines that have more than ASCII."""
    if chunk.isascii():
        return b""
    return b"".join(line for line in chunk.splitlines(keepends=True) if not line.isascii())[:most]


def _single_byte(sample: bytes, name: str) -> str:
    scores = {encoding: _likeness(sample, encoding) for encoding in SINGLE_BYTE}
    best = max(SINGLE_BYTE, key=lambda encoding: scores[encoding])
    meant = sample.decode(best, errors="replace")
    near = [
        encoding
        for encoding in SINGLE_BYTE
        if scores[encoding] >= CLOSE * scores[best] and sample.decode(encoding, errors="replace") != meant
    ]
    if scores[best] > 0 and not near:
        return best
    choice = " or ".join([best, *near]) if scores[best] > 0 else "none of " + ", ".join(SINGLE_BYTE)
    raise SettingsFailure(
        f"The encoding of {name} cannot be told: it is {choice}.", where=name,
        next_step="save the file as UTF-8, or set encoding to what it is",
    )  # fmt: skip


def _likeness(sample: bytes, encoding: str) -> float:
    """How much a text looks like words of some language, by its letters beyond ASCII and those beside them."""
    text = f" {sample.decode(encoding, errors='replace')} "
    score = 0.0
    for place in range(1, len(text) - 1):
        letter = text[place]
        if ord(letter) > 127:
            score += _letter_score(text[place - 1], letter, text[place + 1])
    return score


def _letter_score(before: str, letter: str, after: str) -> float:
    lower = letter.lower()
    if lower not in _FREQUENT:
        if letter not in _EUROPEAN:
            return -12
        if lower in _NEVER_BEFORE_VOWELS and after.isalpha() and _is_vowel(after):
            return -12
        kinds = {_is_vowel(each) for each in (before, letter, after)}
        return 2 if before.isalpha() and after.isalpha() and len(kinds) == 1 else 6
    if not before.isalpha() and not after.isalpha():
        return 0  # no word
    score = float(_FREQUENT[lower])
    if letter.isupper() and before.islower():
        score -= 16
    if before.isascii() and before.isalpha():
        score -= 12
    return score


def _is_vowel(letter: str) -> bool:
    return unicodedata.normalize("NFD", letter.lower())[:1] in "aeiouyœæø"


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
