"""The step that failed is taken again, and the first value that is not finite has a place."""

import dataclasses

import numpy as np
from tests.diagnosis.made import evidence_of

from descend.diagnosis.postmortem import postmortem
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import setting
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data


def linear(batch):
    X = np.random.default_rng(0).normal(size=(20, 3))
    X[13, 1] = 1e200
    return evidence_of(
        Problem(Data(X, X[:, 0], names=("a", "b", "c")), loss("squared")), setting("adam", lr=0.1, batch_size=batch)
    )


def test_the_row_and_the_column_are_named():
    evidence = linear(5)
    found = postmortem(evidence)

    assert evidence.outcome == Outcome.NONFINITE
    assert (found.rows.tolist(), found.place) == ([13], "column 'b'")
    assert found.step == evidence.steps + 1


def test_the_state_of_a_failed_step_is_the_one_before_it():
    evidence = linear(5)
    assert 13 in evidence.batch_after(int(evidence.state.seen[0]))
    assert np.isfinite(evidence.state.weights).all()


def test_a_network_names_the_layer():
    X = np.random.default_rng(0).normal(size=(20, 3))
    problem = Problem(Data(X, X[:, 0]), loss("squared"), network=Network((3, 8, 8, 8, 1), "identity"))
    evidence = evidence_of(problem, dataclasses.replace(setting("sgd", lr=1.0), init="normal:1e60"))
    found = postmortem(evidence)

    assert evidence.outcome == Outcome.NONFINITE
    assert found.place.startswith("the ")
    assert "layer" in found.place or "prediction" in found.place


def test_a_run_without_its_state_has_no_postmortem():
    assert postmortem(dataclasses.replace(linear(5), state=None)) is None
