"""A run folder predicts without the record of its training."""

import json

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError
from descend.run.predictor import load_predictor
from descend.table.prepare import load as load_table

X = np.random.default_rng(0).normal(size=(80, 2))


@pytest.fixture
def saved(tmp_path):
    run = ds.train(X, X @ [1.0, -2.0], optimizer="gd", max_epochs=5, test=0.3, progress=False)
    run.save(tmp_path / "run")
    return run, tmp_path / "run"


def changed(folder, **parts):
    """The folder, with parts of its run.json changed, or left out where they are None."""
    path = folder / "run.json"
    document = {**json.loads(path.read_text()), **parts}
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))
    return folder


def test_it_has_the_model_and_the_options_of_the_run(saved):
    run, folder = saved
    model, options = load_predictor(folder)

    assert options == run.options
    table = load_table(X, options, model.readings)
    np.testing.assert_array_equal(model.predict(table).values, run.predict(X).values)


def test_it_needs_nothing_of_what_training_found(saved):
    _, folder = saved
    (folder / "trace.jsonl").unlink()
    assert load_predictor(changed(folder, findings=None, verdict=None, trials=None)).options.test == 0.3


def test_a_document_without_options_is_damaged(saved):
    _, folder = saved
    with pytest.raises(ModelError) as caught:
        load_predictor(changed(folder, config=None))
    assert str(caught.value) == f"the run folder {str(folder)!r} is incomplete: KeyError 'config'; train again"
