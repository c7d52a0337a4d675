"""A run that failed, or was not finished, has the code that the diagnosis gives it; any other has none."""

import warnings

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.diagnosis.outcome_code import code_of_outcome
from descend.diagnosis.verdict import evidence_of


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"optimizer": "gd", "lr": 9.0}, "D101"),
        ({"optimizer": "adam", "lr": 1e300, "max_epochs": 50}, "D103"),
        ({"optimizer": "gd", "lr": 1e-6, "max_epochs": 3}, "D201"),
        ({"optimizer": "nesterov"}, None),
    ],
)
def test_the_code_says_why_a_run_ended_early(penguins, options, code):
    run = ds.train(penguins, "body_mass_g", progress=False, **options)
    assert code_of_outcome(evidence_of(run.search_result, None, run.options)) == code


def test_each_run_of_a_search_can_be_asked(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd,momentum", lr=1.0, progress=False)
    result = run.search_result
    codes = {t.variant: code_of_outcome(evidence_of(result, None, run.options, r)) for r, t in enumerate(run.tried)}
    assert codes["gd"] == "D101"


def test_numbers_whose_squares_overflow_are_no_warning():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=40), "y": 1e200 * rng.normal(size=40)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        how = {"hidden_layer_sizes": (4,), "optimizer": "gd", "lr": 1e3, "max_epochs": 3, "scale": False, "seeds": 1}
        run = ds.train(table, "y", progress=False, **how)
        assert code_of_outcome(evidence_of(run.search_result, None, run.options)) in ("D101", "D103")
