"""Run folders are read back, whatever the options, and those of the first schema too."""

import json

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError
from descend.run.config import incomplete
from descend.run.document import intervals_of, load, metrics_of

X = np.random.default_rng(0).normal(size=(80, 2))
Y = X @ [1.0, -2.0] + 0.5
QUICK = {"max_epochs": 10, "progress": False}


@pytest.mark.parametrize(
    "options",
    [
        {"test": "none"},
        {"validation": "none"},
        {"test": 0.3, "validation": 0.2, "patience": 3},
        {"optimizer": "sgd", "l1": 0.01},
        {"hidden_layer_sizes": (4,), "optimizer": "adam", "test": "none", "dropout": 0.1},
        {"optimizer": "gd", "scale": False, "lr": 0.01, "seeds": 1, "clip_value": 5.0},
    ],
    ids=lambda options: "-".join(options),
)
def test_a_saved_run_can_be_loaded_whatever_its_options(options, tmp_path):
    run = ds.train(X, Y, **QUICK, **options)
    run.save(tmp_path / "run")
    loaded = load(tmp_path / "run")

    assert loaded.options == run.options
    assert loaded.metrics == run.metrics
    assert loaded.intervals == run.intervals
    np.testing.assert_array_equal(loaded.predict(X).values, run.predict(X).values)


def test_an_interval_without_ends_is_read_as_not_a_number():
    assert np.isnan(intervals_of({"intervals": {"test": {"auc": [None, None]}}})["test"]["auc"]).all()


FIRST = {"schema": "descend.run/1", "metrics": {"val": {"rmse": 2.0}}}


def test_in_the_first_schema_the_test_rows_were_called_validation():
    assert metrics_of(FIRST) == {"test": {"rmse": 2.0}}


def test_a_folder_of_the_first_schema_is_loaded(tmp_path):
    run = ds.train(X, Y, optimizer="gd", **QUICK)
    run.save(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    document = json.loads(path.read_text())
    config = {**document["config"], "validation": document["config"].pop("test")}
    config.pop("test", None)
    document |= {"schema": "descend.run/1", "config": config}
    document["metrics"]["val"] = document["metrics"].pop("test")
    del document["intervals"]
    path.write_text(json.dumps(document))

    loaded = load(tmp_path / "run")
    assert loaded.options == run.options
    assert loaded.metrics["test"] == pytest.approx(run.metrics["test"])
    assert loaded.intervals == {}


def test_a_document_that_lacks_something_is_said(tmp_path):
    run = ds.train(X, Y, optimizer="gd", **QUICK)
    run.save(tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    document = json.loads(path.read_text())
    del document["verdict"]
    path.write_text(json.dumps(document))

    with pytest.raises(ModelError) as caught:
        load(tmp_path / "run")
    assert str(caught.value) == str(incomplete(tmp_path / "run", KeyError("verdict")))
    assert (
        str(caught.value) == f"the run folder {str(tmp_path / 'run')!r} is incomplete: KeyError 'verdict'; train again"
    )
