"""A run as trackers keep it."""

from descend.export.record import Point, RunRecord, series_name


def a_record(**fields):
    given = {"name": "a", "params": {"lr": "0.1"}, "tags": {"status": "converged"}, "scores": {"test_rmse": 2.5},
             "trace": {"epoch": [0, 1, 2], "loss": [1.0, 0.5, None], "gradient:2": [float("nan"), 0.25, 0.5],
                       "seconds": [0.0, 0.5, 1.5], "w:age": [0.0, 1.0, 2.0]},
             "ended": 1000.0, "seconds": 10.0, "failed": False, "files": {"run.json": b"{}"}}  # fmt: skip
    return RunRecord(**(given | fields))


def test_every_finite_number_but_those_of_weights_is_a_point():
    assert list(a_record().points()) == [
        Point("train_loss", 0, 0.0, 1.0), Point("train_loss", 1, 0.5, 0.5),
        Point("gradient/layer 2", 1, 0.5, 0.25), Point("gradient/layer 2", 2, 1.5, 0.5),
    ]  # fmt: skip
    assert list(a_record().scored()) == [Point("test_rmse", 2, 10.0, 2.5)]
    assert (a_record().begun, a_record().steps) == (990.0, [0, 1, 2])


def test_a_loop_in_torch_counts_steps_and_has_no_seconds():
    record = a_record(trace={"step": [1, 2], "loss": [3.0, 2.0]})
    assert list(record.points()) == [Point("train_loss", 1, 0.0, 3.0), Point("train_loss", 2, 0.0, 2.0)]


def test_nothing_recorded_is_no_point():
    assert (list(a_record(trace={}).points()), a_record(trace={}).steps) == ([], [])


def test_names_say_which_rows_a_loss_is_of():
    assert [series_name(n) for n in ("loss", "val", "test", "lr")] == ["train_loss", "val_loss", "test_loss", "lr"]
