"""plain: what stands in for a file that cannot be read as it is: unpacked, in UTF-8, with one kind of line end."""

import contextlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from descend.errors import DataError

BLOCK = 1 << 20
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
EXPANDED, RATIO = 1 << 28, 200  # a packed file that grows beyond both is refused
PATTERN = re.compile(r"[*?\[]")  # what DuckDB would take for a pattern of several files
UTF8 = ("utf-8", "utf-8-sig")


def spool(stream: BinaryIO) -> Path:
    """Copy a stream to a temporary file, which the caller removes, and return its path."""
    return _written(iter(lambda: stream.read(BLOCK), b""))


@contextlib.contextmanager
def stand_in(copy: Path, told: str) -> Iterator[Path]:
    """Yield a temporary file and remove it; errors that name it name `told` instead."""
    try:
        yield copy
    except DataError as error:
        what = error.what.replace(f"the file {str(copy)!r}", told)
        raise DataError(what, fix=error.fix, code=error.code) from None
    finally:
        copy.unlink(missing_ok=True)


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield a file that is neither packed nor named like a pattern: the path itself where it is so already."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(GZIP):
        copy = _written(_gunzipped(path))
    elif magic == ZSTD:
        copy = _unzstd(path)
    elif PATTERN.search(str(path.absolute())):
        copy = _written(iter(()))
        shutil.copyfile(path, copy)
    else:
        yield path
        return
    with stand_in(copy, f"the file {str(path)!r}"):
        yield copy


@contextlib.contextmanager
def in_utf8(path: Path, encoding: str) -> Iterator[Path]:
    """Yield the file in UTF-8: the path itself when it is so already."""
    if encoding in UTF8:
        yield path
        return
    with stand_in(_translated(path, encoding, newline=""), f"the file {str(path)!r}") as copy:
        yield copy


@contextlib.contextmanager
def with_one_line_end(path: Path) -> Iterator[Path]:
    """Yield a copy of UTF-8 text in which every line ends alike."""
    with stand_in(_translated(path, "utf-8-sig", newline=None), f"the file {str(path)!r}") as copy:
        yield copy


def _translated(path: Path, encoding: str, newline: str | None) -> Path:
    """A copy of text in UTF-8; `newline` is as in `open`."""
    try:
        with path.open(encoding=encoding, newline=newline) as file:
            return _written(block.encode("utf-8") for block in iter(lambda: file.read(BLOCK), ""))
    except UnicodeError:
        raise _no_text(path, encoding) from None


def _no_text(path: Path, encoding: str) -> DataError:
    try:
        content = path.read_bytes()
        content.decode(encoding).encode()
        line = 1
    except UnicodeError as error:
        at = getattr(error, "start", 0) if isinstance(error, UnicodeDecodeError) else 0
        line = content[:at].count(b"\n") + 1
    return DataError(
        f"the file {str(path)!r} is not {encoding} text: line {line} holds bytes that are none",
        fix="try another --encoding", code="encoding",
    )  # fmt: skip


def _gunzipped(path: Path) -> Iterator[bytes]:
    unpack, size, total = zlib.decompressobj(31), path.stat().st_size, 0
    with path.open("rb") as file:
        try:
            for block in iter(lambda: file.read(BLOCK), b""):
                while block:
                    out = unpack.decompress(block, BLOCK)
                    total += len(out)
                    _check_growth(path, size, total)
                    yield out
                    block = unpack.unconsumed_tail
                    if unpack.eof:  # gzip files may be several, one after the other
                        block, unpack = unpack.unused_data, zlib.decompressobj(31)
                        block = block if block.startswith(GZIP) else b""
                        ended = True
                    else:
                        ended = False
        except zlib.error as error:
            raise _damaged(path, "gzip", str(error)) from error
    if not ended:
        raise _damaged(path, "gzip", "it ends too early")


def _unzstd(path: Path) -> Path:
    """Unpack with DuckDB, line by line, since Python learned zstd only in 3.14; every line then ends in a line feed."""
    import duckdb

    copy = _written(iter(()))
    lines = (
        "columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='', header=false, auto_detect=false, "
        "strict_mode=false, max_line_size=4194304"
    )
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                f"COPY (SELECT coalesce(line, '') FROM read_csv(?, {lines}, compression='zstd')) "
                f"TO '{copy}' (FORMAT csv, DELIMITER '\x01', QUOTE '', ESCAPE '', HEADER false)",
                [str(path.absolute())],
            )
        _check_growth(path, path.stat().st_size, copy.stat().st_size)
    except duckdb.Error as error:
        copy.unlink()
        raise _damaged(path, "zstd", str(error).splitlines()[0][:100]) from error
    except DataError:
        copy.unlink()
        raise
    return copy


def _check_growth(path: Path, packed: int, size: int) -> None:
    if size > EXPANDED and size > RATIO * packed:
        raise DataError(
            f"the file {str(path)!r} unpacks to more than {size // packed} times its size",
            fix="unpack it yourself if you trust it", code="packed-too-much",
        )  # fmt: skip


def _damaged(path: Path, kind: str, why: str) -> DataError:
    return DataError(
        f"the file {str(path)!r} is {kind} data that cannot be read ({why})", fix="copy it again", code=f"damaged-{kind}"
    )


def _written(blocks: Iterator[Any]) -> Path:
    """Write blocks of bytes to a temporary file; nothing is left behind when that fails."""
    with tempfile.NamedTemporaryFile(prefix="descend-", delete=False) as file:
        try:
            for block in blocks:
                file.write(block)
        except BaseException:
            os.unlink(file.name)
            raise
    return Path(file.name)
