"""A search leaves where it stands in one file while it goes on, and nothing once it is over."""

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError
from descend.options import read_options
from descend.plan import Plan, setting
from descend.run import job as run
from descend.search.search import search
from descend.training import Limits, checkpoint, train


def fitted(problem):
    return train(
        problem, Plan((setting("sgd", lr=0.1, label="gd"), setting("adam", lr=0.1, seed=3))), limits=Limits(epochs=10)
    )


def test_what_is_read_is_what_was_written(small, tmp_path):
    fit = fitted(small("squared"))
    checkpoint.save(fit, tmp_path / "a.search")
    found = checkpoint.load(tmp_path / "a.search")

    for name in checkpoint.STATE:
        np.testing.assert_array_equal(getattr(found.state, name), getattr(fit.state, name))
    np.testing.assert_array_equal(found.weights, fit.weights)
    np.testing.assert_array_equal(found.score, fit.score)
    assert [(s["label"], s["rule"], s["constants"]["lr"], s["seed"]) for s in found.settings] == [
        ("gd", "sgd", 0.1, 0), ("adam", "adam", 0.1, 3),
    ]  # fmt: skip


def test_a_later_checkpoint_replaces_an_earlier_one_and_may_hold_what_is_not_finite(small, tmp_path):
    problem = small("squared")
    checkpoint.save(fitted(problem), tmp_path / "a.search")
    failed = train(problem, Plan((setting("sgd", lr=1e6),)), limits=Limits(epochs=2000))
    checkpoint.save(failed, tmp_path / "a.search")
    assert len(checkpoint.load(tmp_path / "a.search").settings) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.search"]


@pytest.mark.parametrize("data", [b"", b"nothing of the kind", None])
def test_another_file_is_refused(tmp_path, data):
    if data is not None:
        (tmp_path / "a").write_bytes(data)
    with pytest.raises(ModelError) as caught:
        checkpoint.load(tmp_path / "a")
    assert "is no checkpoint of a search, or is damaged" in str(caught.value)


def test_a_search_tells_where_it_stands_after_each_group(small):
    seen = []
    options = read_options({"optimizer": "gd,minibatch,sgd", "max_epochs": 20, "seeds": 1, "threads": 1})
    found = search(small("squared", rows=60), None, options, keep=lambda fit: seen.append(len(fit.plan)))
    assert seen == sorted(seen)
    assert len(seen) >= 3
    assert seen[-1] == len(found.fit.plan)


def test_the_file_is_there_while_training_goes_on_and_gone_at_its_end(monkeypatch, tmp_path, penguins):
    monkeypatch.setattr(run, "CHECKPOINT_AFTER", 0.0)
    place, seen = tmp_path / "new" / "one.search", []

    def on_event(heard):
        if place.exists():
            seen.append(len(checkpoint.load(place).settings))

    options = {"optimizer": "gd,minibatch,sgd", "max_epochs": 50, "seeds": 2}
    ds.train(penguins, "body_mass_g", on_event=on_event, checkpoint=place, **options)
    assert seen
    assert not place.exists()


def test_beside_a_run_folder_nothing_is_left(monkeypatch, tmp_path, penguins):
    monkeypatch.setattr(run, "CHECKPOINT_AFTER", 0.0)
    ds.train(penguins, "body_mass_g", optimizer="gd", run_dir=tmp_path / "run", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
