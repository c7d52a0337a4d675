"""A search that is killed goes on from its files, to the end of one that was never interrupted, and leaves nothing."""

import numpy as np
import pytest

import descend as ds
from descend.options import read_options
from descend.plan import Plan, setting
from descend.search.search import search
from descend.training import Limits, checkpoint, loop, train
from descend.training.checkpoint import Checkpoints


class Killed(BaseException):
    """Ends a process as SIGKILL does: nothing that follows is done."""


@pytest.fixture
def killed_at(monkeypatch, tmp_path):
    """Return what is written by a job that is killed at so many calls of an engine: a folder whose files are written at once."""
    monkeypatch.setattr(checkpoint, "INTERVAL", -1.0)

    def run(call, job):
        calls, offer = [], checkpoint.Checkpoint.offer

        def counted(self, state, ended=False):
            offer(self, state, ended)
            calls.append(ended)
            if len(calls) == call:
                raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(checkpoint.Checkpoint, "offer", counted)
            with pytest.raises(Killed):
                job(Checkpoints(tmp_path / "state"))
        return Checkpoints(tmp_path / "state", resume=True)

    return run


def bits(fit):
    parts = [fit.weights, fit.loss, fit.held_out, fit.score, fit.epoch, fit.epochs, fit.steps]
    trace = [array for name, array in vars(fit.trace).items() if name != "seconds"]  # which a clock has measured
    return [a.tobytes() for a in (*parts, *trace, *vars(fit.state).values())], fit.outcomes


SETTINGS = [
    setting("sgd", lr=0.1, label="gd"),
    setting("adam", lr=0.1, batch_size=7, seed=3),
    setting("momentum", lr=0.3, batch_size=5),
]


@pytest.mark.parametrize("call", [1, 3, 5])
@pytest.mark.parametrize("schedule", ["none", "plateau"])
def test_a_training_that_is_killed_ends_with_the_bits_of_one_that_was_not(small, killed_at, call, schedule):
    problem, judges = small("logistic", l2=0.01), small("logistic", seed=1).data
    from dataclasses import replace

    plan = Plan(tuple(replace(s, schedule=schedule) for s in SETTINGS))
    expected = train(problem, plan, judges, Limits(epochs=200))
    found = killed_at(call, lambda files: train(problem, plan, judges, Limits(epochs=200), checkpoints=files))

    again = train(problem, plan, judges, Limits(epochs=200), checkpoints=found)

    assert bits(again) == bits(expected)
    assert found.resumed > 0


@pytest.mark.parametrize("call", [2, 9, 14])
def test_a_search_goes_on_with_the_training_that_was_killed(small, killed_at, call, monkeypatch):
    problem = small("squared", rows=60)
    options = read_options(
        {"optimizer": "gd,minibatch,sgd", "max_epochs": 20, "seeds": 2, "threads": 1, "time_budget": None}
    )
    expected = search(problem, None, options)
    found = killed_at(call, lambda files: search(problem, None, options, checkpoints=files))

    again, advanced = search(problem, None, options, checkpoints=found), []

    assert bits(again.fit) == bits(expected.fit)
    assert (again.best, again.best_per_variant) == (expected.best, expected.best_per_variant)
    whole = Checkpoints(found.folder, resume=True)
    monkeypatch.setattr(loop._Loop, "_advance", lambda *a: advanced.append(a))
    assert bits(search(problem, None, options, checkpoints=whole).fit) == bits(expected.fit)
    assert advanced == []  # every training had its file, that of its end


def test_the_oracle_can_fail_since_another_state_has_another_end(small, killed_at):
    problem, plan = small("logistic"), Plan(tuple(SETTINGS))
    expected = train(problem, plan, limits=Limits(epochs=50))
    found = killed_at(3, lambda files: train(problem, plan, limits=Limits(epochs=50), checkpoints=files))
    name = "1.safetensors"
    settings = found.next(plan)._settings
    found.write(
        name, settings, {n: a * 1.5 if n == "state.weights" else a for n, a in found.read(name, settings).items()}
    )
    found._count = 0
    assert bits(train(problem, plan, limits=Limits(epochs=50), checkpoints=found)) != bits(expected)


@pytest.mark.parametrize("change", ["identity", "settings", "start", "damage", "no resume"])
def test_files_of_another_search_are_not_used(small, killed_at, change):
    problem, plan = small("logistic"), Plan(tuple(SETTINGS))
    found = killed_at(3, lambda files: train(problem, plan, limits=Limits(epochs=50), checkpoints=files))
    if change == "identity":
        found.identify = lambda: "other data"
    elif change == "settings":
        plan = Plan(tuple(s.at(lr=0.05) for s in SETTINGS))
    elif change == "start":
        plan = Plan(tuple(SETTINGS), np.full((3, 4), 0.1))
    elif change == "damage":
        (found.folder / "1.safetensors").write_bytes(b"nothing of the kind")
    else:
        found.resume = False
    expected = train(problem, plan, limits=Limits(epochs=50))

    again = train(problem, plan, limits=Limits(epochs=50), checkpoints=found)

    assert bits(again) == bits(expected)
    assert found.resumed == 0


def test_a_new_search_removes_what_an_earlier_one_left(small, killed_at):
    problem, plan = small("logistic"), Plan(tuple(SETTINGS))
    found = killed_at(
        3, lambda files: [train(problem, plan, limits=Limits(epochs=1), checkpoints=files) for _ in range(9)]
    )
    assert len(list(found.folder.iterdir())) == 2
    train(problem, plan, limits=Limits(epochs=5), checkpoints=Checkpoints(found.folder))
    assert [p.name for p in found.folder.iterdir()] == ["1.safetensors"]


def test_the_clock_counts_seconds_that_are_not_repeated(small, killed_at):
    files = Checkpoints()
    before = files.clock()
    files.next(Plan(tuple(SETTINGS))).goes_on(1000.0)
    assert 1000 <= files.clock() - before < 1100


def test_files_are_there_while_training_goes_on_and_gone_at_its_end(monkeypatch, tmp_path, penguins):
    monkeypatch.setattr(checkpoint, "INTERVAL", -1.0)
    place, seen = tmp_path / "new" / "one.search", []
    options = {"optimizer": "gd,minibatch,sgd", "max_epochs": 50, "seeds": 2}
    ds.train(penguins, "body_mass_g", on_event=lambda heard: seen.append(place.exists()), checkpoint=place, **options)
    assert any(seen)
    assert not place.exists()


def test_beside_a_run_folder_nothing_is_left(monkeypatch, tmp_path, penguins):
    monkeypatch.setattr(checkpoint, "INTERVAL", -1.0)
    ds.train(penguins, "body_mass_g", optimizer="gd", run_dir=tmp_path / "run", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_run_that_was_killed_goes_on_and_says_so(killed_at, tmp_path, penguins):
    given = {"optimizer": "gd", "max_epochs": 30, "progress": False}
    alone = ds.train(penguins, "body_mass_g", **given)
    killed_at(3, lambda files: ds.train(penguins, "body_mass_g", checkpoint=tmp_path / "state", **given))

    again = ds.train(penguins, "body_mass_g", checkpoint=tmp_path / "state", resume=True, **given)

    assert again.model.weights.tobytes() == alone.model.weights.tobytes()
    assert [n.topic for n in again.notes if n.topic == "resume"] == ["resume"]
    assert not (tmp_path / "state").exists()
