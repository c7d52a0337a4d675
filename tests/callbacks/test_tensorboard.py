"""What TensorBoard's own reader finds of fits, also while one trains."""

import sys

import pytest
from tests.callbacks.fits import Estimator, epochs, tell

from descend.callbacks import TensorBoard
from descend.errors import UsageError

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def scalars(folder):
    """(step, value) of each series in a folder, by TensorBoard's reader."""
    found = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return {name: [(e.step, e.value) for e in found.Scalars(name)] for name in found.Tags()["scalars"]}


def test_a_fit_is_read_while_it_trains(tmp_path):
    callback, estimator = TensorBoard(tmp_path), Estimator()
    callback.setup(estimator=estimator, context=None)
    for told in epochs(1.0, 0.5):
        callback.on_fit_task_end(estimator, object(), metadata=told | {"lr": 0.5})
    assert scalars(tmp_path / "Estimator-1") == {
        "train_loss": [(0, 1.0), (1, 0.5)], "val_loss": [(0, 2.0), (1, 1.0)], "lr": [(0, 0.5), (1, 0.5)]
    }  # fmt: skip


def test_each_fit_has_a_folder_of_its_own_and_none_is_replaced(tmp_path):
    callback = TensorBoard(tmp_path / "new")
    tell(callback, *epochs(1.0))
    tell(callback, *epochs(2.0))
    tell(TensorBoard(tmp_path / "new"), *epochs(3.0))
    found = [scalars(tmp_path / "new" / f"Estimator-{n}")["train_loss"] for n in (1, 2, 3)]
    assert found == [[(0, 1.0)], [(0, 2.0)], [(0, 3.0)]]


def test_a_folder_that_cannot_be_made_ends_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="^TensorBoard") as caught:
        assert tell(TensorBoard(tmp_path / "file"), *epochs(2.0, 1.0)) == 2
    assert [str(w.message) for w in caught] == [
        f"TensorBoard writes no more of this fit: {str(tmp_path / 'file' / 'Estimator-1')!r}: not a directory; training goes on"
    ]


def test_what_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(UsageError) as caught:
        TensorBoard(tmp_path)
    assert str(caught.value) == "tensorboard is not installed; pip install 'descend[tensorboard]'"
