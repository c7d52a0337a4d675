"""Data of every kind as batches."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from descend.errors import DataError
from descend.torch.batches import InMemory, Loaded, source_of

X, Y = torch.arange(12.0).reshape(6, 2), torch.arange(6.0)


def rows_of(source, seed=0):
    return [batch.target.tolist() for batch in source.epoch(seed)]


class Squares(Dataset):
    """A data set that is asked for one row at a time."""

    def __len__(self):
        return 5

    def __getitem__(self, at):
        return torch.tensor([float(at)]), torch.tensor(float(at**2))


def test_an_epoch_has_each_row_once_in_an_order_of_its_seed():
    source = source_of((X, Y), 4, torch.float32)
    first, again, other = (rows_of(source, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(sum(first, [])) == sorted(sum(other, [])) == Y.tolist()
    for batch in source.epoch(3):
        assert torch.equal(batch.inputs[0][:, 0] / 2, batch.target)


def test_all_rows_are_one_batch_as_they_are():
    assert rows_of(source_of((X, Y), "full", torch.float32)) == [Y.tolist()]
    assert source_of((X, Y), 100, torch.float32).size == 0


@pytest.mark.parametrize(("rows", "size"), [(10, 8), (640, 16), (1 << 20, 128), (4, 4)])
def test_the_batch_is_a_32nd_of_the_rows_within_bounds(rows, size):
    assert source_of((torch.zeros(rows, 1), torch.zeros(rows)), "auto", torch.float32).size == size


def test_a_rest_that_is_too_small_is_left_out():
    source = source_of((X[:5], Y[:5]), 2, torch.float32, least=2)
    assert [len(rows) for rows in rows_of(source)] == [2, 2]


def test_arrays_take_the_dtype_of_the_module_and_classes_stay_whole():
    source = source_of((np.ones((3, 2)), np.array([0, 1, 2], np.int32)), "full", torch.float32)
    (batch,) = source.epoch(0)
    assert (batch.inputs[0].dtype, batch.target.dtype) == (torch.float32, torch.int64)
    (batch,) = source_of((X.double(), Y), "full", torch.float32).epoch(0)
    assert batch.inputs[0].dtype is torch.float64  # a tensor is what its owner made it


def test_several_inputs_and_data_sets_are_read():
    (batch,) = source_of(((X, Y), Y), "full", torch.float32).epoch(0)
    assert len(batch.inputs) == 2
    assert isinstance(source_of(TensorDataset(X, Y), 2, torch.float32), InMemory)
    source = source_of(Squares(), 2, torch.float32)
    assert sorted(sum(rows_of(source), [])) == [0, 1, 4, 9, 16]
    assert rows_of(source, 1) == rows_of(source, 1)


def test_a_loader_keeps_its_own_batches():
    source = source_of(DataLoader(TensorDataset(X, Y), batch_size=4), "auto", torch.float32)
    assert isinstance(source, Loaded)
    assert (source.rows, source.size) == (6, 4)
    assert rows_of(source) == [[0, 1, 2, 3], [4, 5]]
    assert rows_of(source_of([(X, Y), (X, Y)], "auto", torch.float32)) == [Y.tolist()] * 2


def test_parts_share_the_rows_and_hold_each_once():
    rest, part = InMemory((X,), Y, 2).parts(0.34, seed=0)
    assert (len(rest.target), len(part.target)) == (4, 2)
    assert sorted([*rest.target.tolist(), *part.target.tolist()]) == Y.tolist()


class Rows(IterableDataset):
    """Rows that come one by one."""

    def __iter__(self):
        return iter(zip(X, Y, strict=True))


REFUSED = {
    "rows one by one": (
        Rows(), "no-data",
        "data is a Rows, an IterableDataset of torch, which yields rows and no batches; give DataLoader(data, batch_size=32)",
    ),
    "rows": (
        (X, Y[:3]), "rows-differ",
        "x and y have the shapes (6, 2) and (3,), they need the same number of rows, at least one; give (x, y) with a row of y "
        "for each row of x",
    ),
    "no rows": (
        (X[:0], Y[:0]), "rows-differ",
        "x and y have the shapes (0, 2) and (0,), they need the same number of rows, at least one; give (x, y) with a row of y "
        "for each row of x",
    ),
    "text": (
        (np.array([["a"], ["b"]]), np.ones(2)), "no-numbers",
        "data hold <U1 values, a module of torch takes numbers; use descend.train for tables, or make tensors of them",
    ),
    "a tensor": (X, "no-data", "data is a Tensor, it must be (x, y), a data set of torch, or a loader of batches; give (x, y)"),
    "a generator": (
        ((X, Y) for _ in range(3)), "one-pass",
        "data is a generator, which ends after one pass, and training takes many; give a DataLoader, or a list of batches",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_data_is_said(data, code, text):
    with pytest.raises(DataError) as caught:
        source_of(data, "auto", torch.float32)
    assert (caught.value.code, str(caught.value)) == (code, text)


def test_a_batch_that_is_none_is_said():
    with pytest.raises(DataError) as caught:
        list(source_of([X], "auto", torch.float32).epoch(0))
    assert str(caught.value) == "a batch is a Tensor, it must be inputs and a target; let the loader yield (x, y)"
