"""A landing zone as a worse source would have filled it: pages doubled and in another order, records shuffled."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import zstandard

from connectors.contract import PageFormat
from connectors.landing_manifest import MANIFEST_NAME, Manifest, Part, read_manifest


def scramble(landing: Path, seed: int = 3) -> int:
    """Rewrite every landed run in place; each part then lies there twice. Returns the number of parts."""
    rng = random.Random(seed)
    parts = 0
    for path in sorted(landing.rglob(MANIFEST_NAME)):
        manifest = read_manifest(path)
        written = [
            _rewritten(path.parent, part, turn, rng) for turn in (0, 1) for part in manifest.parts
        ]  # fmt: skip
        rng.shuffle(written)
        changed: Manifest = replace(manifest, parts=tuple(written), rows=2 * manifest.rows)
        path.write_text(json.dumps(changed.to_json()), encoding="utf-8")
        parts += len(written)
    return parts


def _rewritten(folder: Path, part: Part, turn: int, rng: random.Random) -> Part:
    """One part with its records in another order; the first turn keeps the old file for the second."""
    content = zstandard.ZstdDecompressor().decompressobj().decompress((folder / part.file).read_bytes())
    records = _records(content, is_csv=part.format is PageFormat.CSV)
    head, body = (records[:1], records[1:]) if part.format is PageFormat.CSV else ([], records)
    rng.shuffle(body)
    packed = zstandard.ZstdCompressor().compress(b"".join(head + body))
    name = part.file.replace("part-", f"part-{turn + 1}")
    (folder / name).write_bytes(packed)
    return replace(part, file=name, bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())


def _records(content: bytes, *, is_csv: bool) -> list[bytes]:
    """Lines; in CSV a record goes on while a quoted cell is open."""
    lines = content.splitlines(keepends=True) if not is_csv else content.split(b"\n")
    if not is_csv:
        return [line if line.endswith(b"\n") else line + b"\n" for line in lines]
    records: list[bytes] = []
    open_record = b""
    for line in lines:
        open_record += line + b"\n"
        if open_record.count(b'"') % 2 == 0:
            records.append(open_record)
            open_record = b""
    return [record for record in records if record.strip()]
