"""reading: the files of a run folder."""

import stat
from pathlib import Path
from typing import Any

from descend.arrays import Array
from descend.errors import ModelError
from descend.store.formats import unpack_model, unpack_trace
from descend.store.paths import leftovers
from descend.store.strict import check_schema, parse

SCHEMA = "descend.run/2"
DOCUMENT, MODEL, TRACE = "run.json", "model.safetensors", "trace.jsonl"
LARGEST = 1 << 32  # bytes of one file; arbitrary, so that a wrong file cannot fill the memory


def read_document(folder: Path) -> dict[str, Any]:
    """Return run.json; raises ModelError when the folder is no run."""
    source = repr(str(folder / DOCUMENT))
    document = parse(_read(folder, DOCUMENT), source, "it")
    check_schema(document, SCHEMA, source)
    return document


def read_model(folder: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the document of the folder's model; raises ModelError when there is none."""
    return unpack_model(_read(folder, MODEL), repr(str(folder / MODEL)))


def read_trace(folder: Path) -> dict[str, list[Any]]:
    """Return the columns of the folder's trace; raises ModelError."""
    return unpack_trace(_read(folder, TRACE), repr(str(folder / TRACE)))


def _read(folder: Path, name: str) -> bytes:
    """The bytes of one file of a run."""
    path = folder / name
    try:
        status = path.stat()
        regular = stat.S_ISREG(status.st_mode)
        if regular and status.st_size <= LARGEST:
            return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _absent(folder, name) from error
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise _no_run(folder, f"its {name} cannot be read, {why}") from error
    raise _no_run(folder, f"its {name} is larger than {LARGEST >> 30} GiB" if regular else f"its {name} is no file")


def _absent(folder: Path, name: str) -> ModelError:
    """The error for a missing file, which says what is there instead."""
    if folder.is_dir():
        if name == MODEL and (folder / DOCUMENT).exists():
            if read_document(folder).get("kind") == "torch":
                what = (
                    f"the run {str(folder)!r} holds no model: it is a training in torch, which keeps its weights itself"
                )
                return ModelError(what, fix="read its report.html, or call descend doctor on it", code="no-model")
            fix = "read its run.json or report.html, then train again"
            return ModelError(f"the run {str(folder)!r} holds no model: its training failed", fix=fix, code="no-model")
        return _no_run(folder, f"it has no {name}")
    if folder.exists():
        return _no_run(folder, "it is a file")
    old = leftovers(folder)
    fix = f"rename {str(old[0])!r}, which a process that was killed left" if old else "name a folder that train wrote"
    return ModelError(f"there is no run {str(folder)!r}", fix=fix, code="no-such-run")


def _no_run(folder: Path, why: str) -> ModelError:
    what = f"{str(folder)!r} is no run folder: {why}"
    return ModelError(what, fix="name a folder that train wrote", code="not-a-run")
