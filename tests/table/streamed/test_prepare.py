"""A table that is streamed is prepared, and trained on, as one that is read whole."""

import re

import numpy as np
import pytest

import descend as ds
from descend.errors import DataError, DescendError, UsageError
from descend.table.streamed import parts

SMALL = {"memory": 60_000, "progress": False, "time_budget": 20, "seeds": 1}


def both(path, target, **options):
    """The run on the table that is read whole, and that on the streamed one."""
    whole = ds.train(path, target, **{**SMALL, "memory": None, **options})
    return whole, ds.train(path, target, **{**SMALL, **options})


def assert_same(whole, streamed):
    assert any(note.text.startswith("streamed: ") for note in streamed.notes)
    assert streamed.model.schema == whole.model.schema
    assert np.allclose(streamed.model.weights, whole.model.weights, rtol=1e-9, atol=1e-9)
    assert np.allclose(streamed.model.scale.center, whole.model.scale.center, rtol=1e-12)
    for part, metrics in whole.metrics.items():
        assert streamed.metrics[part] == pytest.approx(metrics, rel=1e-9, abs=1e-12), part
    assert streamed.gap == pytest.approx(whole.gap, rel=1e-6, abs=1e-9)
    assert streamed.data["train_rows"] == whole.data["train_rows"]
    assert streamed.data["rows"] == whole.data["rows"]
    assert streamed.data["imputed"] == whole.data["imputed"]


def test_numbers_categories_dates_and_missing_cells_give_the_same_model(table_file):
    assert_same(*both(table_file, "y", drop=("kind", "level"), optimizer="nesterov"))


def test_two_classes_give_the_same_model(table_file):
    assert_same(*both(table_file, "kind", drop=("y", "level"), optimizer="gd", max_epochs=200))


def test_classes_give_the_same_model(tmp_path, frame):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    assert_same(*both(tmp_path / "table.parquet", "level", drop=("y", "kind"), optimizer="momentum", max_epochs=100))


def test_mini_batches_give_the_same_model(tmp_path, frame):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    assert_same(
        *both(
            tmp_path / "table.parquet",
            "y",
            drop=("kind", "level"),
            optimizer="adam",
            batch_size=32,
            lr=0.01,
            max_epochs=20,
        )
    )


@pytest.mark.parametrize(
    "options",
    [{"loss": "huber", "optimizer": "gd"}, {"l1": 0.01, "optimizer": "gd"}, {"weight": "b", "optimizer": "gd"},
     {"time": "day", "optimizer": "gd"}, {"group": "colour", "optimizer": "gd"}, {"scale": False, "optimizer": "gd"},
     {"test": "none", "optimizer": "gd"}, {"max_levels": 2, "optimizer": "gd"}, {"features": ("row", "a"), "optimizer": "gd"}],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_options_mean_the_same(tmp_path, frame, options):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    assert_same(*both(tmp_path / "table.parquet", "y", drop=("kind", "level"), max_epochs=60, **options))


def test_weights_of_classes_mean_the_same(tmp_path, frame):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    options = {"class_weight": "balanced", "threshold": "auto", "optimizer": "gd", "max_epochs": 60}
    assert_same(*both(tmp_path / "table.parquet", "kind", drop=("y", "level"), **options))


def test_the_tidy_penguins_give_the_same_model(penguins):
    assert_same(*both(penguins, "body_mass_g", memory=20_000, optimizer="nesterov"))


def test_a_cell_that_is_missing_far_below_the_first_rows_is_filled(tmp_path, frame):
    frame.loc[390:395, "a"] = np.nan  # the first piece has none
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=20)
    whole, streamed = both(tmp_path / "table.parquet", "y", drop=("kind", "level"), optimizer="gd", max_epochs=60)
    assert_same(whole, streamed)
    assert "a is missing" in streamed.model.schema.names


def test_what_needs_rows_at_hand_names_the_rows_of_the_file(tmp_path, frame):
    frame.loc[322, "y"] = 1e6
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    _, streamed = both(tmp_path / "table.parquet", "y", drop=("kind", "level"), optimizer="gd", max_epochs=60)
    assert any(finding.evidence.get("row") == 323 for finding in streamed.findings)


def test_intervals_of_coefficients_are_of_all_rows(tmp_path, frame, monkeypatch):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    monkeypatch.setattr(parts, "SAMPLED_ROWS", 80)
    whole, streamed = both(
        tmp_path / "table.parquet", "y", drop=("kind", "level", "day", "colour"), optimizer="nesterov"
    )
    assert streamed.prepared.train.rows == 80
    assert [one.feature for one in streamed.coefficients] == [one.feature for one in whole.coefficients]
    for mine, other in zip(streamed.coefficients, whole.coefficients, strict=True):
        assert mine.high - mine.low == pytest.approx(
            other.high - other.low, rel=0.6
        )  # a fourth of the rows would be twice as wide


def test_other_models_are_compared_on_the_rows_at_hand(tmp_path, frame, monkeypatch):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    monkeypatch.setattr(parts, "SAMPLED_ROWS", 100)
    _, streamed = both(tmp_path / "table.parquet", "y", drop=("kind", "level", "day"), optimizer="gd", max_epochs=60)
    assert {one.model.value for one in streamed.references} == {"constant prediction", "exact linear model"}
    assert len(streamed.held_out.y) == 80
    assert streamed.prepared.test.rows == 40


def refusal(tmp_path, frame, target="y", **options):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    with pytest.raises(DescendError) as error:
        ds.train(tmp_path / "table.parquet", target, **{**SMALL, **options})
    return str(error.value)


NEEDS = (
    "needs the whole table in memory, about 96 kB, and 60 kB are allowed; raise memory, or train on a part of the rows"
)


@pytest.mark.parametrize(
    ("options", "what"),
    [({"hidden_layer_sizes": (8,)}, "hidden layers (hidden_layer_sizes)"), ({"validation": 0.2}, "validation rows (validation, patience)"),
     ({"patience": 3}, "validation rows (validation, patience)"), ({"cv": 3}, "folds (cv)"), ({"missing": "drop"}, 'missing="drop"'),
     ({"loss": "quantile:0.9"}, "the loss quantile")],
    ids=["hidden", "validation", "patience", "cv", "missing", "quantile"],
)  # fmt: skip
def test_what_needs_the_whole_table_is_refused(tmp_path, frame, options, what):
    assert refusal(tmp_path, frame, **options) == f"{what} {NEEDS}"


def test_a_target_that_is_not_there_is_refused(tmp_path, frame):
    assert refusal(tmp_path, frame, "z") == "there is no column 'z' in 'table.parquet'; the nearest are 'row', 'a', 'b'"


def test_rows_alone_may_be_too_many(tmp_path, frame):
    assert refusal(tmp_path, frame, memory=10_000) == (
        "the table has 400 rows, of which targets and predictions alone take 19.2 kB, and 10 kB are allowed; raise memory, or "
        "train on fewer rows"
    )


def test_a_column_of_too_many_levels_is_refused(tmp_path, frame, monkeypatch):
    monkeypatch.setattr(parts, "FEW_LEVELS", 300)
    frame["name"] = [f"name {k}" for k in range(400)]
    text = refusal(tmp_path, frame, drop=("day", "colour", "kind", "level"))
    assert re.sub("about [0-9]+", "about N", re.sub("take [0-9]+", "take N", text)) == (
        "the column 'name' has about N different texts, which take N kB, and 60 kB are allowed; leave it out with drop, or raise "
        "memory"
    )


def test_an_infinite_cell_is_refused_with_its_row(tmp_path, frame):
    frame.loc[321, "a"] = np.inf
    assert refusal(tmp_path, frame) == (
        "the column 'a' is infinite in row 322 (1 cells in all); correct these cells or leave the column out with drop"
    )


def test_missing_cells_may_be_refused(tmp_path, frame):
    assert "cells are missing in 'gap'" in refusal(tmp_path, frame, missing="error", drop=("colour",))


def test_a_time_smaller_than_reading_is_said_and_the_model_is_kept(tmp_path, frame):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    run = ds.train(tmp_path / "table.parquet", "y", drop=("kind", "level"), **{**SMALL, "time_budget": 1e-6})
    said = [note.text for note in run.notes if note.topic == "budget"]
    assert "gd, sgd, minibatch, momentum, nesterov, adagrad, rmsprop left out: 1e-06 s were not enough" in said
    assert not run.failed


def test_nothing_is_left_beside_the_run(tmp_path, frame):
    frame.to_csv(tmp_path / "table.csv", index=False)
    ds.train(
        tmp_path / "table.csv", "kind", run_dir=tmp_path / "runs" / "one", drop=("y", "level"), max_epochs=5, **SMALL
    )
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["one"]


def test_no_disk_is_said_in_one_sentence_and_nothing_is_left(tmp_path, frame, monkeypatch):
    import shutil

    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(UsageError) as error:
        ds.train(tmp_path / "table.parquet", "kind", run_dir=tmp_path / "runs" / "one", drop=("y", "level"), **SMALL)
    assert "rows of 9 features that are read more than once takes" in str(error.value)
    assert list((tmp_path / "runs").iterdir()) == []
    assert isinstance(error.value, DescendError)
    assert not isinstance(error.value, DataError)
