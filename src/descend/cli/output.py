"""output: text and JSON on standard output, and files that are written whole or not at all."""

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from descend.errors import OutputError


@contextlib.contextmanager
def writing(place: str) -> Iterator[None]:
    """Turn a failed write into an OutputError that names the place; BrokenPipeError passes."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"{place} cannot be written: {(error.strerror or str(error)).lower()}",
            fix="free some space there or write elsewhere",
            code="cannot-write",
        ) from error


def answer(text: str, color: bool | None = None) -> None:
    """Write a line, or several, to standard output."""
    from descend.text import encodable

    with writing("standard output"):
        click.echo(encodable(text, sys.stdout), color=color)


def answer_json(document: Any) -> None:
    """Write one JSON document to standard output; numbers that are not finite become null."""
    answer(json_text(document, sys.stdout, indent=1))


def json_text(document: Any, stream: TextIO | None, indent: int | None = None) -> str:
    """Return a document as JSON, with escapes only where the stream's encoding needs them."""
    from descend.store.plain import plain
    from descend.text import encodable

    text = json.dumps(plain(document), ensure_ascii=False, indent=indent, allow_nan=False)
    return text if encodable(text, stream) == text else json.dumps(plain(document), indent=indent, allow_nan=False)


@contextlib.contextmanager
def atomic_text_file(path: str | None) -> Iterator[TextIO]:
    """Open a text file that appears under its name only when all of it was written; standard output when None."""
    with writing("standard output" if path is None else f"the file {path!r}"):
        if path is None:
            yield sys.stdout if sys.stdout is not None else io.StringIO()
        elif Path(path).exists() and not Path(path).is_file():  # a device or a pipe cannot be replaced
            with Path(path).open("w", encoding="utf-8", newline="") as file:
                yield file
        else:
            with _renamed_at_end(Path(path)) as file:
                yield file


@contextlib.contextmanager
def _renamed_at_end(path: Path) -> Iterator[TextIO]:
    """A temporary file in the same folder, since a rename is atomic only there."""
    handle, name = tempfile.mkstemp(prefix=".descend-", dir=path.resolve().parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def check_folder_for(folder: Path, names: Sequence[str], force: bool) -> list[Path]:
    """Return the paths of files to write into a folder; raises OutputError when one cannot be, or is there already."""
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir():
        raise OutputError(f"{str(nearest)!r} is no folder", fix="name another folder", code="cannot-write")
    if not os.access(nearest, os.W_OK):
        raise OutputError(
            f"the folder {str(nearest)!r} does not allow writing", fix="name another", code="cannot-write"
        )
    taken = [folder / name for name in names if (folder / name).exists()]
    if taken and not force:
        raise OutputError(
            f"the file {str(taken[0])!r} exists already", fix="name another folder, or add --force", code="file-exists"
        )
    return [folder / name for name in names]
