"""The table of options: defaults, contradictions, what the user set."""

import numpy as np
import pytest

from descend.errors import UsageError
from descend.options import OPTIONS, read_options


def test_defaults_are_the_published_ones():
    values = read_options({})
    assert values.l2 == 1e-4
    assert values.time_budget == 30
    assert values.patience == 10
    assert values.tol == 1e-4
    assert values.test == 0.2
    assert values.validation == "auto"
    assert values.seeds == 3
    assert values.optimizer == values.lr == values.batch_size == "auto"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: o.name)
def test_every_default_is_read_as_itself(option):
    assert option.read(option.name, option.default) == option.default


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"optimizer": "sgd", "batch_size": 64}, "sgd takes one row a step, but batch_size is 64; use --optimizer minibatch for that"),
        ({"optimizer": "gd", "batch_size": 64}, "gd takes all rows a step, but batch_size is 64; use --optimizer minibatch for that"),
        ({"drop": "a", "features": ["a", "b"]}, "the column 'a' is both in drop and in features; name it once"),
        ({"validation": "none", "patience": 3},
         "patience waits for the validation loss, but validation is none; leave out --patience or --val none"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(given, text):
    with pytest.raises(UsageError) as caught:
        read_options(given)
    assert str(caught.value) == text


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        read_options({"learning_rate": 1})
    assert caught.value.code == "unknown-option"


def test_an_option_is_user_set_when_its_value_is_not_the_default():
    assert read_options({"lr": 0.1, "l2": 1e-4, "scale": True}).user_set == {"lr"}


def test_a_value_of_another_type_than_the_default_is_user_set():
    options = read_options({}).replace(test=np.zeros((2, 2)))
    assert options.user_set == {"test"}


def test_replacing_a_value_checks_nothing_again():
    assert read_options({}).replace(optimizer="sgd", batch_size=64).batch_size == 64


def test_every_option_has_a_flag_of_its_own():
    flags = [flag for option in OPTIONS for flag in option.flag.split("/")]
    assert len(set(flags)) == len(flags)
