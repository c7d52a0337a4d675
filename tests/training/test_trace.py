"""What is recorded keeps its ends and its runs."""

import numpy as np

from descend.training.trace import Trace, record_points


def trace(points, runs=1, shift=0.0):
    values = np.arange(float(points)) + shift
    rows = np.tile(values, (runs, 1))
    return Trace(epochs=np.tile(np.arange(points), (runs, 1)), loss=rows, held_out=rows, weights=rows[..., None])


def test_record_points_begin_with_every_epoch_and_end_at_the_last():
    points = record_points(0, 10_000)
    assert points[:31].tolist() == list(range(1, 32))
    assert points[-1] == 10_000
    assert (np.diff(points) > 0).all()
    assert len(points) < 300
    assert record_points(7, 7).tolist() == []


def test_points_are_appended():
    assert trace(3).then(trace(2)).epochs.tolist() == [[0, 1, 2, 0, 1]]


def test_runs_of_two_traces_stand_beside_each_other_the_shorter_repeating_its_end():
    both = trace(4).beside(trace(2, shift=5.0))
    assert both.loss.tolist() == [[0, 1, 2, 3], [5, 6, 6, 6]]


def test_the_last_point_of_some_runs_gets_other_weights():
    """Run 1 ended at epoch 2 and repeats that point; run 0 is left."""
    runs, new = trace(4, runs=2), np.array([7.0, 8.0])
    ended = runs.ending(np.array([False, True]), np.array([3, 2]), new[:, None], new, 10 * new)
    assert ended.loss.tolist() == [[0, 1, 2, 3], [0, 1, 8, 8]]
    assert ended.weights[..., 0].tolist() == [[0, 1, 2, 3], [0, 1, 8, 8]]
    assert ended.held_out.tolist() == [[0, 1, 2, 3], [0, 1, 80, 80]]
    assert ended.epochs.tolist() == runs.epochs.tolist()


def test_until_an_epoch_of_one_run():
    assert trace(5, runs=2).until(1, 2).loss.tolist() == [[0, 1, 2]]
