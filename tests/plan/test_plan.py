"""Names that users type, and plans of runs."""

import dataclasses

import numpy as np
import pytest

from descend.errors import UsageError
from descend.plan import FULL, THE_EIGHT, VARIANTS, Plan, setting, variant


def test_the_eight_have_the_published_rules_batches_and_letters():
    table = [(v.name, v.rule, v.batch, v.letter) for v in map(variant, THE_EIGHT)]
    assert table == [
        ("gd", "sgd", "full", "G"), ("sgd", "sgd", "one", "S"), ("minibatch", "sgd", "auto", "M"),
        ("momentum", "momentum", "auto", "H"), ("nesterov", "nesterov", "auto", "N"), ("adagrad", "adagrad", "auto", "A"),
        ("rmsprop", "rmsprop", "auto", "R"), ("adam", "adam", "auto", "D"),
    ]  # fmt: skip
    assert list(VARIANTS)[8:] == ["adamw", "amsgrad", "nadam", "adadelta", "lion"]


def test_the_forms_of_keras_are_variants_too():
    assert variant("adam_keras").rule == "adam_keras"


def test_an_unknown_variant_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        variant("nesterv")
    assert str(caught.value).endswith("; try 'nesterov'")
    assert caught.value.code == "unknown-optimizer"


def test_rows_a_step():
    assert setting("sgd", lr=1).rows_a_step(10) == 10
    assert setting("sgd", lr=1, batch_size=4).rows_a_step(10) == 4
    assert setting("sgd", lr=1, batch_size=40).rows_a_step(10) == 10
    assert FULL == 0


def test_a_plan_of_some_runs_keeps_their_starts():
    plan = Plan(tuple(setting("sgd", lr=lr) for lr in (1.0, 2.0, 3.0)), start=np.arange(6.0).reshape(3, 2))
    some = plan.take([2, 0])
    assert [s.lr for s in some.settings] == [3.0, 1.0]
    assert some.start.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert len(plan.beside(some)) == 5


def test_the_epochs_of_a_schedule_are_those_in_which_the_rate_changes():
    plain, batches = setting("sgd", lr=1), setting("sgd", lr=1, batch_size=4)

    def epochs(base, *factors):
        return dataclasses.replace(base, factors=np.array(factors)).epochs_of_schedule(10)

    assert plain.epochs_of_schedule(10) == 0
    assert epochs(plain, 1.0, 0.5, 0.1) == 2
    assert epochs(plain, 1.0, 0.5, 0.5, 0.5) == 1
    assert epochs(batches, 1.0, 0.5, 0.1) == 1  # three steps an epoch
    assert epochs(batches, *np.linspace(1, 0, 7)) == 2
