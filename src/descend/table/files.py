"""files: what a path is before anybody parses it: refused for what it is not, or named for what it is."""

import difflib
import gzip
import hashlib
import os
import stat
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from descend.errors import DataError

HEAD = 1 << 20
FOREIGN = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive, or an Excel workbook", b"SQLite format 3\x00": "an SQLite database",
    b"\x80\x02": "a pickle", b"\x80\x03": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"\x7fELF": "a program", b"BZh": "bzip2 data", b"\xfd7zXZ": "xz data",
    b"ARROW1": "an Arrow file", b"FEA1": "a Feather file", b"\x28\xb5\x2f\xfd": "zstd data",
}  # fmt: skip
SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
            ".jsonl": "jsonl", ".ndjson": "jsonl", ".arrow": "arrow", ".feather": "arrow"}  # fmt: skip


def check(path: Path) -> None:
    """Raise DataError unless path is a file with something in it that may be read."""
    try:
        there = path.exists()
    except OSError as error:
        raise _refused(path, f"cannot be found ({error.strerror})", "check the path", "no-such-file") from None
    if not there:
        raise _refused(path, "does not exist", _alike(path), "no-such-file")
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise _refused(path, "is a folder", _inside(path), "is-a-folder")
    if not stat.S_ISREG(mode):
        raise _refused(path, "is no regular file", "copy it to a file, or pipe it in as -", "not-a-file")
    if not os.access(path, os.R_OK):
        raise _refused(path, "may not be read", "change its permissions", "not-readable")
    if path.stat().st_size == 0:
        raise _refused(path, "is empty", "bring a table with a header and rows", "empty-file")


def spool(stream: BinaryIO) -> Path:
    """Copy a stream to a temporary file, which the caller removes, and return its path."""
    with tempfile.NamedTemporaryFile(prefix="descend-", suffix=".csv", delete=False) as file:
        while block := stream.read(HEAD):
            file.write(block)
    return Path(file.name)


def format_of(path: Path, asked: str, head: bytes) -> str:
    """Return "csv", "parquet" or "jsonl": the format that was asked for, else what the first bytes or the suffix say."""
    if asked == "auto":
        stem = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
        asked = "parquet" if head[:4] == b"PAR1" else SUFFIXES.get(stem.suffix.lower(), "csv")
    if asked == "arrow":
        raise _refused(path, "is an Arrow file", "write it as Parquet, or pass the frame from Python", "format")
    if asked != "parquet":
        for start, what in FOREIGN.items():
            if head.startswith(start):
                raise _refused(path, f"is {what}, no table of text", "export it as CSV or Parquet", "foreign-format")
        if head[:4] == b"PAR1":
            raise _refused(
                path, f"is a Parquet file, but was said to be {asked}", "use --input-format parquet", "format"
            )
    elif head[:4] != b"PAR1":
        raise _refused(path, "is no Parquet file", "use --input-format csv if it is text", "format")
    return asked


def is_gzip(path: Path) -> bool:
    """Tell whether a file's first bytes are those of gzip, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def opened(path: Path) -> BinaryIO:
    """Open a file to read its bytes, decompressed when it is gzip."""
    return cast(BinaryIO, gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")


def head_of(path: Path) -> bytes:
    """Return the first megabyte, decompressed when the file is gzip."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(31).decompress(head, HEAD)
        except zlib.error as error:
            raise damaged(path, error) from error
    return head


def damaged(path: Path, error: Exception) -> DataError:
    """Return what to raise for gzip data that does not decompress."""
    return _refused(path, f"is gzip data that cannot be read ({error})", "copy it again", "damaged-gzip")


def version(path: Path) -> tuple[int, int]:
    """Return the size of a file and when it was last written (ns), by which a change is told; zeros where it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def check_unchanged(path: Path, before: tuple[int, int]) -> None:
    """Raise DataError where a file is not of the version that it was, so that nothing is known of what was read."""
    if version(path) != before:
        raise _refused(path, "changed while it was read", "wait until it is written, or copy it first", "file-changed")


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refused(path: Path, what: str, fix: str, code: str) -> DataError:
    return DataError(f"the file {str(path)!r} {what}", fix=fix, code=code)


def _alike(path: Path) -> str:
    parent = path.parent
    names = sorted(p.name for p in parent.iterdir() if p.is_file()) if parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, 3)
    return f"did you mean {' or '.join(map(repr, close))}" if close else "check the path"


def _inside(path: Path) -> str:
    try:
        files = sorted(p.name for p in path.iterdir() if p.suffix.lower() in SUFFIXES)[:3]
    except OSError:
        files = []
    return f"name a file in it, such as {files[0]!r}" if files else "name a file"
