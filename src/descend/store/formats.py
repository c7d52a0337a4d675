"""formats: the bytes of a model file and of a trace: written one way, and nothing else is read."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import ModelError
from descend.store.strict import check_schema, damaged, parse

SCHEMA = "descend.model/1"
KEY = "descend"
LARGEST_HEADER = 100_000_000  # bytes, the limit of the format
BLANK = b"0" * 64  # in the place of the checksum while it is computed
FOREIGN = {  # how files of other formats begin
    b"\x80": "a pickle, which would run code when loaded",
    b"PK\x03\x04": "a zip archive such as torch.save writes, with a pickle inside that would run code when loaded",
    b"<": "a web page",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
}


def pack_model(tensors: Mapping[str, Array], document: Mapping[str, Any]) -> bytes:
    """Return a safetensors file whose metadata hold the document as JSON, with a checksum over the whole file.

    Args:
        tensors: name to array; finite.
        document: plain values; "schema" and "sha256" are added, or replaced.

    Raises ModelError for weights that are not finite.
    """
    from safetensors.numpy import save

    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    _check_finite(arrays, "the model")
    header = {"sha256": BLANK.decode(), "schema": SCHEMA}  # merged twice: first in the order, and not overridden
    data = bytes(save(arrays, metadata={KEY: json.dumps(header | dict(document) | header, allow_nan=False)}))
    return data.replace(BLANK, _checksum(data), 1)


def unpack_model(data: bytes, source: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the document of a model file.

    Args:
        data: the whole file.
        source: its name in errors.

    Raises ModelError for anything but the bytes that `pack_model` wrote. Nothing in the file is executed.
    """
    document = parse(_metadata(data, source).encode("utf-8", "replace"), source, "its document")
    check_schema(document, SCHEMA, source)
    _check_checksum(data, document.pop("sha256", None), source)
    arrays = _arrays(data, source)
    _check_finite(arrays, source)
    return arrays, document


def pack_trace(columns: Mapping[str, list[Any]]) -> bytes:
    """Return the trace as JSON lines, one object for each recorded point; NaN and inf are null.

    >>> pack_trace({"epoch": [0, 1], "loss": [2.5, float("inf")]})
    b'{"epoch": 0, "loss": 2.5}\\n{"epoch": 1, "loss": null}\\n'
    """
    rows = zip(*columns.values(), strict=True)
    lines = (json.dumps({k: _plain(v) for k, v in zip(columns, row, strict=True)}, allow_nan=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def unpack_trace(data: bytes, source: str) -> dict[str, list[Any]]:
    """Return the columns of a trace; raises ModelError unless every line is an object with the same keys."""
    if data and not data.endswith(b"\n"):
        raise damaged(source, "its last line is cut short")
    rows = [parse(line, source, f"line {n}") for n, line in enumerate(data.split(b"\n")[:-1], 1)]
    for n, row in enumerate(rows, 1):
        if row.keys() != rows[0].keys():
            raise damaged(source, f"line {n} does not have the fields of line 1")
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def _metadata(data: bytes, source: str) -> str:
    """The document's text, from a header whose size is checked before it is read."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 + size or size == 0:
        raise _no_header(data, size, source)
    if size > LARGEST_HEADER:
        raise damaged(source, f"its header claims {size:,} bytes, {LARGEST_HEADER:,} are allowed")
    metadata = parse(data[8 : 8 + size], source, "its header").get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelError(f"{source} was not written by descend", fix="name a run that train wrote", code="not-a-model")
    return text


def _no_header(data: bytes, size: int, source: str) -> ModelError:
    """The error for a file without a complete header, which names the format it begins like."""
    for start, what in FOREIGN.items():
        if data.startswith(start):
            fix = "name a run that train wrote"
            return ModelError(f"{source} is {what}, and no model of descend", fix=fix, code="not-a-model")
    return damaged(source, f"its header claims {size:,} bytes, the file has {len(data):,}")


def _check_checksum(data: bytes, stored: object, source: str) -> None:
    if not isinstance(stored, str) or len(stored) != len(BLANK) or not stored.isascii():
        raise damaged(source, "it has no checksum")
    if _checksum(data.replace(stored.encode(), BLANK, 1)) != stored.encode():
        raise damaged(source, "its bytes do not match its checksum")


def _checksum(data: bytes) -> bytes:
    """The checksum of a file with BLANK in its place."""
    return hashlib.sha256(data).hexdigest().encode()


def _arrays(data: bytes, source: str) -> dict[str, Array]:
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except Exception as error:  # safetensors raises its own exceptions, NumPy's and Python's
        raise damaged(source, f"its arrays cannot be read ({str(error)[:80]})") from error


def _check_finite(arrays: Mapping[str, Array], source: str) -> None:
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise ModelError(
                f"{source} holds numbers that are not finite in {name!r}", fix="train again with a smaller --lr",
                code="non-finite-model",
            )  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
