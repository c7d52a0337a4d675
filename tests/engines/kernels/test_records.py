"""Numba's types of a kernel's arguments, from the annotations of its parameters."""

import inspect
from typing import get_type_hints

import numpy as np
import pytest
from numba import njit, typeof, types

from descend.engines.kernels import records
from descend.engines.kernels.records import (
    Batch,
    Examples,
    SparseExamples,
    SparseRows,
    argument_types,
    numba_type,
    readonly,
)

RECORDS = [r for _, r in inspect.getmembers(records, inspect.isclass) if hasattr(r, "_fields")]
FLOAT, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
def test_every_record_has_a_type_with_its_own_fields(record):
    kind = numba_type(record, FLOAT)

    assert (kind.instance_class, kind.fields) == (record, record._fields)
    assert len(get_type_hints(record)) == len(record._fields)


@pytest.mark.parametrize("dtype", [FLOAT, SINGLE])
def test_the_type_is_that_of_a_value(dtype):
    rows = readonly(np.ones((3, 2), dtype))

    assert numba_type(Examples, dtype) == typeof(Examples(rows, readonly(np.ones((3, 1), dtype)), np.ones(3, dtype)))
    assert numba_type(Batch, dtype) == typeof(Batch(np.arange(3), 0, 3))


def test_a_record_in_a_record():
    whole = SparseRows(readonly(np.ones(1)), readonly(np.zeros(1, np.int32)), readonly(np.zeros(2, np.int64)), 4)
    examples = SparseExamples(whole, readonly(np.ones((1, 1))), np.empty(0))

    assert numba_type(SparseExamples, FLOAT) == typeof(examples)


def test_a_parameter_may_be_given_another_annotation():
    def kernel(examples: Examples, t: int) -> None: ...

    assert argument_types(kernel, FLOAT, examples=SparseExamples) == (numba_type(SparseExamples, FLOAT), types.int64)


def test_a_record_is_made_in_compiled_code_too():
    @njit
    def sized(begin, end):
        batch = Batch(np.arange(10), begin, end)
        return batch.end - batch.begin

    assert sized(3, 7) == 4


def test_a_view_that_cannot_be_written_shares_its_memory():
    values = np.zeros((2, 2))

    view = readonly(values)

    assert np.shares_memory(view, values)
    assert values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1.0
