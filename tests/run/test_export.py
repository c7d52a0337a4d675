"""A run writes its model in other formats, whole or not at all."""

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError, OutputError, UsageError

QUICK = {"optimizer": "adam", "lr": 0.05, "max_epochs": 3, "seeds": 1, "progress": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    X = np.random.default_rng(0).normal(size=(60, 2))
    return ds.train(X, X @ [1.0, 2.0], **QUICK, run_dir=str(tmp_path_factory.mktemp("runs") / "r"))


def test_a_file_is_written_and_replaced_only_by_force(run, tmp_path):
    place = tmp_path / "model.json"
    run.export(place, "json")
    written = place.read_bytes()
    place.write_text("mine")
    with pytest.raises(OutputError) as caught:
        run.export(place, to="json")
    assert str(caught.value) == (
        f"the file {str(place)!r} cannot be written: it exists already; name another file, or add force"
    )
    assert place.read_text() == "mine"
    run.export(place, to="json", force=True)
    assert place.read_bytes() == written
    assert list(tmp_path.iterdir()) == [place]


def test_a_run_from_its_folder_writes_the_same(run, tmp_path):
    run.export(tmp_path / "a.json", "json")
    folder = run.save(tmp_path / "saved")["run"].rsplit("/", 1)[0]
    ds.load(folder).export(tmp_path / "b.json", "json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_model_of_the_run_is_never_replaced(run, tmp_path):
    run.save(tmp_path / "r")
    model = tmp_path / "r" / "model.safetensors"
    with pytest.raises(OutputError) as caught:
        ds.load(tmp_path / "r").export(model, "json", force=True)
    assert str(caught.value) == f"the file {str(model)!r} cannot be written: it is the input; name another file"


def test_names_of_a_query_are_keywords_here(run, tmp_path):
    with pytest.raises(UsageError) as caught:
        run.export(tmp_path / "x.json", "json", ids=["a"])
    assert str(caught.value) == ("a table or columns of a query were named, and json is no query; leave them out")


def test_a_model_that_is_not_finite_is_refused(run, tmp_path):
    from dataclasses import replace

    broken = replace(run, model=replace(run.model, weights=run.model.weights * np.nan))
    with pytest.raises(ModelError) as caught:
        broken.export(tmp_path / "x.json", "json")
    assert str(caught.value) == (
        "the weights of the model are not finite: its training failed; train again with a smaller lr"
    )
    assert list(tmp_path.iterdir()) == []
