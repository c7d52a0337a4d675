"""A cure is tried, and proposed only when it helps; before and after are what trainings of their own come to."""

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.diagnosis import Finding, Level
from descend.diagnosis.proof import brief, metric_of, outcome, prove, prove_within
from descend.errors import UsageError
from descend.options import Options, options_of_flags, read_options

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["a", "b", "c"])
FRAME["y"] = FRAME.a - 2 * FRAME.b + 0.3 * RNG.normal(size=200)
SLOW = {"optimizer": "gd", "lr": 0.001, "max_epochs": 20}


@pytest.mark.parametrize(
    ("fix", "change"),
    [
        ("--lr auto", {"lr": "auto"}), ("--no-scale", {"scale": False}), ("--scale", {"scale": True}),
        ("--activation relu --init he", {"activation": "relu", "init": "he"}), ("--drop 'a b'", {"drop": "a b"}),
        ("pass float64 data", {}), ("--lr", {}), ("--nothing 3", {}), ("compare with --cv 5", {}),
        ("--null=-999 --null=x", {"null": ("-999", "x")}), ("--scale=yes", {}), ("--lr=0.5", {"lr": "0.5"}),
    ],
)  # fmt: skip
def test_flags_become_options_and_words_do_not(fix, change):
    assert options_of_flags(fix) == change


def trained(options):
    if isinstance(options, Options):
        options = {name: getattr(options, name) for name in options.user_set}
    return ds.train(FRAME, "y", progress=False, **options)


def run_of(**options):
    values = read_options(options)
    return values, trained({**options, "seeds": 1})


def proof_of(*fixes, code="D201", **options):
    values, run = run_of(**options)
    return run, prove(Finding(code=code, level=Level.WARNING, text="text", fix=fixes), values, run, trained)


def test_what_helps_is_proposed_with_the_numbers_of_both_trainings():
    run, found = proof_of("--lr 0.002", "--lr auto", "more patience", **SLOW)

    assert found.fix[0] == "--lr auto"
    assert found.fix[-1] == "more patience"
    before = run.metrics["train"]["rmse"]
    assert [p.before for p in found.proof] == [before, before]
    again = trained({**SLOW, "lr": "auto", "max_epochs": 60, "seeds": 1})
    assert found.proof[1].after == pytest.approx(again.metrics["train"]["rmse"])


def test_more_time_is_proposed_and_not_tried():
    _, found = proof_of("--time 1000s", "--lr auto", **SLOW)

    assert [p.fix for p in found.proof] == ["--lr auto"]
    assert found.fix == ("--lr auto", "--time 1000s")


def test_what_does_not_help_is_not_proposed():
    _, found = proof_of("--lr 0.0001", "--lr 1e9", **SLOW)
    assert found.fix == ()
    assert [(p.helped, p.after is None) for p in found.proof] == [(False, False), (False, True)]


def test_a_change_that_contradicts_is_no_cure():
    _, found = proof_of("--batch 7", **SLOW)
    assert (found.fix, found.proof[0].after) == ((), None)


def test_a_cure_that_makes_a_score_honest_is_not_tried():
    _, found = proof_of("--drop a", code="D402", **SLOW)
    assert (found.fix, found.proof) == (("--drop a",), ())


def test_near_the_optimum_a_closed_gap_counts_where_the_loss_hardly_moves():
    near = {"optimizer": "gd", "lr": 0.05, "max_epochs": 60}
    run, found = proof_of("--lr auto", **near)
    (proof,) = found.proof
    assert proof.after > 0.99 * proof.before
    assert proof.helped
    assert run.gap > 0


def test_a_short_training_has_the_epochs_of_the_run_or_sixty():
    assert brief(read_options({"max_epochs": 500}), {}, 300).max_epochs == 300
    assert brief(read_options({"max_epochs": 500}), {}, 3).max_epochs == 60
    assert brief(read_options({"hidden_layer_sizes": (8,)}), {"restarts": "4"}, 3).restarts == 4
    with pytest.raises(UsageError):
        brief(read_options({}), {"lr": "-1"}, 3)


def test_a_loss_without_probabilities_is_judged_by_accuracy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=np.where(X @ [1.0, 1.0] > 0, "u", "v"))
    after = ds.train(frame, "y", loss="hinge", optimizer="gd", lr=0.5, max_epochs=60, seeds=1, progress=False)
    worse = {**after.metrics, "train": {**after.metrics["train"], "accuracy": 0.6}}
    before = dataclasses.replace(after, metrics=worse)

    assert metric_of(Finding(code="D201", level=Level.WARNING, text=""), before) == ("train", "accuracy")
    assert outcome(before, after, "train", "accuracy") == (after.metrics["train"]["accuracy"], True)
    assert outcome(after, before, "train", "accuracy")[1] is False


def test_cures_are_tried_until_the_time_is_over_and_what_follows_is_not():
    values, run = run_of(**SLOW)
    given = []

    def retrain(options):
        given.append(options.time_budget)
        return trained(options)

    codes = (("D101", ""), ("D305", "D101"), ("D204", ""), ("D402", ""))
    findings = tuple(
        Finding(code=c, level=Level.WARNING, text="", fix=("--lr auto",), cause=cause) for c, cause in codes
    )
    proved, left_out = prove_within(findings, values, run, retrain, time.monotonic() + 60)
    assert ([len(f.proof) for f in proved], left_out) == ([1, 0, 1, 0], ())
    assert given == [3.0, 3.0]
    assert prove_within(proved, values, run, retrain, time.monotonic() - 1) == (proved, ())
    assert prove_within(findings, values, run, retrain, time.monotonic() - 1) == (findings, ("D101", "D204"))
