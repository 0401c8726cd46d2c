"""Files of the landing zone: written whole or not at all, and errors of the disk as failures with a cure."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from connectors.errors import LandingFailure

_CURES = {
    errno.ENOSPC: (
        "The disk of the landing zone is full.",
        "free space there, or set landing to a larger disk",
    ),
    errno.EDQUOT: (
        "The disk quota of the landing zone is used up.",
        "raise the quota, or set landing elsewhere",
    ),
    errno.EFBIG: ("A file of the landing zone became larger than allowed.", "raise the limit on file sizes"),
    errno.EACCES: ("The landing zone may not be written.", "give this user the right to write there"),
    errno.EPERM: ("The landing zone may not be written.", "give this user the right to write there"),
    errno.EROFS: ("The landing zone is mounted read-only.", "mount it for writing, or set landing elsewhere"),
    errno.ENOTDIR: ("The landing zone is not a folder.", "set landing to a folder"),
    errno.EEXIST: ("The landing zone is not a folder.", "set landing to a folder"),
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError inside into a LandingFailure that names `path` and what to do."""
    try:
        yield
    except OSError as error:
        what, cure = _CURES.get(error.errno or 0, ("The landing zone could not be written.", "mend the disk"))
        raise LandingFailure(
            what,
            where=str(path),
            why=f"{error.strerror or type(error).__name__}.",
            saved="Pages landed before are kept; nothing half-written is left.",
            next_step=f"{cure}, then run the same command again: it goes on where it was",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make names created or renamed in `folder` durable (a no-op where folders cannot be opened)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace `path` atomically and durably: temporary file, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f".{path.name}.tmp")
    with disk_errors(path):
        try:
            with temporary.open("w", encoding="utf-8") as opened:
                json.dump(data, opened, indent=1)
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
