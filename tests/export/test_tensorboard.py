"""What TensorBoard's own reader finds in a file of events."""

import pytest
from tests.export.test_record import a_record

from descend.export.tensorboard import FILE, render

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


@pytest.fixture
def read(tmp_path):
    """Returns what TensorBoard reads of a record: (step, value, time) of each series."""

    def reading(record):
        (tmp_path / FILE).write_bytes(render(record))
        found = accumulator.EventAccumulator(str(tmp_path))
        found.Reload()
        return {n: [(e.step, e.value, e.wall_time) for e in found.Scalars(n)] for n in found.Tags()["scalars"]}

    return reading


def test_every_point_and_score_is_read_back(read):
    assert read(a_record()) == {
        "train_loss": [(0, 1.0, 990.0), (1, 0.5, 990.5)], "gradient/layer 2": [(1, 0.25, 990.5), (2, 0.5, 991.5)],
        "test_rmse": [(2, 2.5, 1000.0)],
    }  # fmt: skip


def test_a_run_of_which_nothing_is_known_is_an_empty_file(read):
    assert read(a_record(trace={}, scores={})) == {}
