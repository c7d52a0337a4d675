"""arrow: the batches of a DuckDB query as NumPy arrays without a copy, by Arrow's C stream interface.

DuckDB hands out a stream of batches as a capsule of pointers (Arrow, The C stream interface, 2020). A batch comes as fast
as DuckDB's own sums take the rows; `fetchnumpy` takes three times as long, and holds the whole result.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np

from descend.arrays import Array

NUMBERS = {"c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8", "f": "f4", "g": "f8"}
DATES = {"tdD": ("i4", "datetime64[D]"), "tsu": ("i8", "datetime64[us]")}  # of formats, up to the zone of the time


class _Schema(ctypes.Structure):
    """What a column is."""


_Schema._fields_ = [
    ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p), ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("children", ctypes.POINTER(ctypes.POINTER(_Schema))), ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))), ("private_data", ctypes.c_void_p),
]  # fmt: skip


class _Array(ctypes.Structure):
    """The memory of a column, or of columns side by side."""


_Array._fields_ = [
    ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64), ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))), ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))), ("private_data", ctypes.c_void_p),
]  # fmt: skip


class _Stream(ctypes.Structure):
    """Where batches come from."""


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))), ("private_data", ctypes.c_void_p),
]  # fmt: skip


class _Batch:
    """Some rows, whose memory is released when the last array that looks at it is gone."""

    def __init__(self, array: _Array) -> None:
        self.array = array

    def __del__(self) -> None:
        self.array.release(ctypes.byref(self.array))


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def batches(relation: Any) -> Iterator[dict[str, Any]]:
    """Yield the columns of the rows of a DuckDB relation by name, batch after batch, masked where a cell is NULL.

    Args:
        relation: of columns of numbers, booleans, dates and timestamps in microseconds.

    Raises duckdb.Error when the query fails on the way.
    """
    import duckdb

    capsule = relation.__arrow_c_stream__()
    stream = _Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    schema = _Schema()
    if stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)):
        raise duckdb.Error(_reason(stream))
    try:
        columns = [schema.children[j].contents for j in range(schema.n_children)]
        forms = {c.name.decode(): c.format.decode() for c in columns}
    finally:
        schema.release(ctypes.byref(schema))
    while True:
        array = _Array()
        if stream.get_next(ctypes.byref(stream), ctypes.byref(array)):
            raise duckdb.Error(_reason(stream))
        if not array.release:
            return
        batch = _Batch(array)
        yield {name: _values(batch, array.children[j].contents, form) for j, (name, form) in enumerate(forms.items())}


def _reason(stream: _Stream) -> str:
    reason = stream.get_last_error(ctypes.byref(stream))
    return reason.decode(errors="replace") if reason else "no reason given"


def _values(batch: _Batch, column: _Array, form: str) -> Any:
    """The cells of a column, which look at the memory of its batch."""
    n, first = column.length, column.offset
    if form == "b":
        data: Array = _bits(batch, column, 1).astype(bool)
    else:
        stored, shown = DATES.get(form.split(":")[0], (NUMBERS.get(form, ""), None))
        data = _array(batch, column.buffers[1], np.dtype(stored), first + n)[first:]
        data = data if shown is None else data.astype(np.int64).view(shown)
    if column.null_count == 0 or not column.buffers[0]:
        return data
    return np.ma.MaskedArray(data, _bits(batch, column, 0) == 0)


def _bits(batch: _Batch, column: _Array, buffer: int) -> Array:
    """A buffer of one bit a row, as bytes."""
    last = column.offset + column.length
    packed = _array(batch, column.buffers[buffer], np.dtype(np.uint8), -(-last // 8))
    return np.unpackbits(packed, count=last, bitorder="little")[column.offset :]


def _array(batch: _Batch, address: int | None, dtype: np.dtype[Any], size: int) -> Array:
    """An array on memory that a batch holds; it keeps the batch alive."""
    if not size or address is None:
        return np.zeros(size, dtype)
    memory: Any = (ctypes.c_char * (size * dtype.itemsize)).from_address(address)
    memory.owner = batch
    values: Array = np.frombuffer(memory, dtype)
    return values
