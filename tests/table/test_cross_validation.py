"""Cross-validation trains K times on other rows, and no row of a fold is seen before it is scored."""

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.errors import DataError
from descend.options import read_options
from descend.table.cross_validation import folds
from descend.table.prepare import prepare

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RNG.normal(size=60), "g": np.repeat(list("uvwxyz"), 10), "t": RNG.permutation(60)})
FRAME["y"] = 2 * FRAME.a + RNG.normal(size=60)
FRAME["k"] = np.where(FRAME.a > 0.5, "yes", "no")


def cut(target, **given):
    options = read_options({"cv": 3, **given})
    return folds(prepare(FRAME, target, options), target, options)


def test_every_row_is_in_one_fold_and_never_in_its_own_training_rows():
    made = cut("y")
    assert sorted(np.concatenate([fold for _, fold in made.cuts])) == list(range(60))
    assert all(len(np.intersect1d(rows, fold)) == 0 for rows, fold in made.cuts)


def test_classes_have_the_same_share_in_every_fold():
    made = cut("k")
    shares = [np.mean([v == "yes" for v in made.table["k"].values[fold]]) for _, fold in made.cuts]
    assert np.ptp(shares) < 0.06


def test_groups_stay_together():
    made = cut("y", group="g")
    of = made.table["g"].values
    assert all(not set(of[rows]) & set(of[fold]) for rows, fold in made.cuts)


def test_in_time_no_fold_comes_before_what_it_was_trained_on():
    made = cut("y", time="t")
    when = made.table["t"].values
    assert all(when[rows].max() < when[fold].min() for rows, fold in made.cuts)


def test_a_target_given_apart_and_rows_without_one():
    target = FRAME.y.to_numpy().copy()
    target[3] = np.nan
    options = read_options({"cv": 3})
    made = folds(prepare(FRAME.drop(columns=["y", "k"]), target, options), target, options)
    assert (made.table.rows, made.name in made.table.names) == (59, True)


def test_too_many_folds_are_refused_before_anything_is_trained():
    with pytest.raises(DataError) as caught:
        cut("y", cv=61)
    assert str(caught.value) == (
        "60 rows cannot be cut into 61 folds: Cannot have number of splits n_splits=61 greater than the number of "
        "samples: n_samples=60; use a smaller --cv"
    )


def test_the_score_is_the_mean_over_folds_of_models_that_never_saw_them():
    run = ds.train(FRAME[["a", "y"]], "y", cv=5, progress=False)

    assert set(run.metrics["cv"]) == set(run.metrics["test"])
    assert run.metrics["cv"]["rmse"] == pytest.approx(run.metrics["test"]["rmse"], rel=0.5)
    assert run.metrics["cv_std"]["rmse"] > 0
    expected = []
    for rows, fold in cut("y", cv=5).cuts:
        w = np.polyfit(FRAME.a[rows], FRAME.y[rows], 1)
        expected.append(np.sqrt(np.mean(np.square(np.polyval(w, FRAME.a[fold]) - FRAME.y[fold]))))
    assert run.metrics["cv"]["rmse"] == pytest.approx(np.mean(expected), rel=1e-3)
