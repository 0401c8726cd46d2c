"""Finding and opening files: local paths, fsspec addresses, globs, and what is packed in .gz, .zst and .zip."""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import IO, Any

import zstandard

from connectors.errors import SettingsFailure, SourceFailure

FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".tab": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".parquet": "parquet",
    ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
CHUNK_BYTES = 4 * 1024 * 1024
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://|^[a-z]+::")


@dataclass(frozen=True)
class FoundFile:
    """A file to read, unpacked. name: for people and records. suffix: of the unpacked file. opener: fresh bytes.

    archive: the archive it is one of several members of, where the pattern does not say which member is meant.
    """

    name: str
    suffix: str
    opener: Callable[[], IO[bytes]]
    archive: str = ""

    def open(self) -> IO[bytes]:
        """The unpacked bytes; SourceFailure where they cannot be had."""
        with source_errors(self.name):
            return self.opener()


class source_errors:
    """Turn errors of disks, stores and broken archives into SourceFailure that names the file."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> None:
        broken = (OSError, zlib.error, EOFError, zipfile.BadZipFile, zstandard.ZstdError, RuntimeError)
        if isinstance(problem, broken):
            raise SourceFailure(
                "A file cannot be read.", where=self.name, why=f"{type(problem).__name__}: {_short(problem)}",
                next_step="check that it is there, whole, not protected, and that this user may read it",
            ) from problem  # fmt: skip


def find(patterns: Iterable[str], folder: str) -> list[FoundFile]:
    """The files that match, in order of their names; relative patterns lie below `folder`. None is not an error.

    `export.zip/deals*.csv` names members of an archive; without that all its members are meant.
    """
    found: dict[str, FoundFile] = {}
    for pattern in patterns:
        outer, member = _split(pattern)
        is_far = bool(_ADDRESS.match(outer) or _ADDRESS.match(folder))
        for packed in _far(outer, folder) if is_far else _near(outer, folder):
            for one in _unpacked(packed, member):
                found[one.name] = one
    return [found[name] for name in sorted(found)]


def _split(pattern: str) -> tuple[str, str]:
    """A pattern as that of the archive and that of its members; the latter empty without one."""
    match = re.fullmatch(r"(.*?\.zip)/(.+)", pattern, re.IGNORECASE)
    return (match[1], match[2]) if match else (pattern, "")


def is_pattern(path: str) -> bool:
    """Whether a path of the mapping matches what is there, rather than names one file."""
    return glob.has_magic(path)


def refuse_missing_folder(folder: str) -> None:
    """SourceFailure when a local folder is not there, for instance because it is not mounted."""
    if not _ADDRESS.match(folder) and not Path(folder).expanduser().is_dir():
        raise SourceFailure(
            "The folder of the files is not there.", where=folder, saved="Nothing was changed.",
            next_step="mount it, or set path of the source to where it is",
        )  # fmt: skip


def content_hash(files: Iterable[FoundFile]) -> str:
    """One hash of all names and contents: what says whether anything changed."""
    digest = hashlib.sha256()
    for one in files:
        digest.update(one.name.encode() + b"\0")
        with source_errors(one.name), one.open() as opened:
            while chunk := opened.read(CHUNK_BYTES):
                digest.update(chunk)
        digest.update(b"\0")
    return digest.hexdigest()


def _near(pattern: str, folder: str) -> Iterator[FoundFile]:
    base = Path(folder).expanduser()
    whole = str(base / Path(pattern).expanduser())
    paths = [whole] if Path(whole).is_file() else sorted(glob.glob(whole, recursive=True))
    for path in map(Path, paths):
        if path.is_file() and not path.name.startswith("~$"):
            name = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
            yield FoundFile(name, "", partial(_read, str(path)))


def _read(path: str) -> IO[bytes]:
    return Path(path).open("rb")


def _far(pattern: str, folder: str) -> Iterator[FoundFile]:
    import fsspec

    address = pattern if _ADDRESS.match(pattern) else f"{folder.rstrip('/')}/{pattern}"
    try:
        filesystem, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as problem:
        raise SettingsFailure(
            "The address of files cannot be used.", where=address.partition("?")[0], why=_short(problem),
            next_step="check the protocol, and install the package fsspec names for it",
        ) from None  # fmt: skip
    with source_errors(address.partition("?")[0]):
        paths = sorted(filesystem.glob(path)) if any(c in path for c in "*?[") else [path]
    parents = {str(one).rpartition("/")[0] for one in paths}
    shared = f"{posixpath.commonpath(parents)}/" if parents and "" not in parents else ""
    for one in map(str, paths):
        yield FoundFile(one.removeprefix(shared), "", partial(filesystem.open, one, "rb"))


def _unpacked(packed: FoundFile, member: str) -> Iterator[FoundFile]:
    name = packed.name.lower()
    if name.endswith(".zip"):
        yield from _members(packed, member)
        return
    for suffix, unpack in ((".gz", _gunzip), (".zst", _unzstd)):
        if name.endswith(suffix):
            inner = Path(name.removesuffix(suffix)).suffix
            yield FoundFile(packed.name, inner, partial(_opened, unpack, packed))
            return
    yield FoundFile(packed.name, Path(name).suffix, packed.opener)


def _opened(unpack: Callable[[IO[bytes]], IO[bytes]], packed: FoundFile) -> IO[bytes]:
    return unpack(packed.opener())


def _gunzip(opened: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=opened)  # type: ignore[return-value]


def _unzstd(opened: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(opened, read_across_frames=True))


def _members(packed: FoundFile, pattern: str) -> Iterator[FoundFile]:
    def member(inside: str) -> Callable[[], IO[bytes]]:
        return lambda: zipfile.ZipFile(io.BytesIO(_whole(packed))).open(inside)

    with source_errors(packed.name):
        names = [i.filename for i in zipfile.ZipFile(io.BytesIO(_whole(packed))).infolist() if not i.is_dir()]
    told = [n for n in sorted(names) if Path(n.lower()).suffix in FORMATS and not n.startswith("__MACOSX")]
    archive = packed.name if len(told) > 1 and not pattern else ""
    for inside in told:
        if not pattern or fnmatch(inside.casefold(), pattern.casefold()):
            yield FoundFile(f"{packed.name}/{inside}", Path(inside.lower()).suffix, member(inside), archive)


def _whole(packed: FoundFile) -> bytes:
    with packed.open() as opened:
        return opened.read()


def _short(problem: BaseException) -> str:
    return (str(problem).splitlines() or [""])[0][:200]
