"""Readers: good values, and bad values with their whole sentence."""

import numpy as np
import pytest

from descend.errors import UsageError
from descend.options import BY_NAME, read_options


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [("time_budget", "500ms", 0.5), ("time_budget", "5m", 300.0), ("time_budget", 2, 2.0), ("test", "none", 0.0),
     ("validation", "0.3", 0.3), ("validation", "auto", "auto"), ("test", "held.csv", "held.csv"), ("betas", "0.8,0.9", (0.8, 0.9)), ("lr", "1e-3", 1e-3),
     ("batch_size", "32", 32), ("batch_size", "full", "full"), ("drop", "a", ("a",)), ("optimizer", "gd, adam", "gd,adam"),
     ("max_epochs", 0, 0), ("memory", "800MB", 800_000_000), ("memory", "1.5 gb", 1_500_000_000), ("memory", "2GiB", 2**31),
     ("memory", 4096, 4096), ("memory", None, None)],
)  # fmt: skip
def test_values_that_are_read(name, given, value):
    assert BY_NAME[name].read(name, given) == value


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("memory", "much", "memory is 'much', it must be a size of at least one byte, such as 800MB or 2GB; try 2GB"),
        ("memory", 0, "memory is 0, it must be a size of at least one byte, such as 800MB or 2GB; try 2GB"),
        (
            "memory",
            "5 parsecs",
            "memory is '5 parsecs', it must be a size of at least one byte, such as 800MB or 2GB; try 2GB",
        ),
        ("lr", 0, "lr is 0, it must be a finite number above 0; try --lr auto, which finds it"),
        ("lr", "nan", "lr is 'nan', it must be a finite number above 0; try --lr auto, which finds it"),
        ("lr", True, "lr is True, it must be a finite number above 0; try --lr auto, which finds it"),
        ("batch_size", 0, "batch_size is 0, it must be a whole number of at least 1, full or auto; try --batch auto"),
        (
            "batch_size",
            2.5,
            "batch_size is 2.5, it must be a whole number of at least 1, full or auto; try --batch auto",
        ),
        ("momentum", 1, "momentum is 1, it must be a number of at least 0 and below 1; try 0.9"),
        ("betas", "0.9", "betas is '0.9', it must be two numbers of at least 0 and below 1; try 0.9,0.999"),
        ("eps", 0, "eps is 0, it must be a finite number above 0; try 1e-8"),
        ("l2", -1, "l2 is -1, it must be a finite number of at least 0; try 1e-4"),
        ("clip", 0, "clip is 0, it must be a finite number above 0; try 1.0"),
        (
            "time_budget",
            "5 parsecs",
            "time_budget is '5 parsecs', it must be a time above 0, such as 30s, 5m or 1h; try 30s",
        ),
        ("time_budget", 0, "time_budget is 0, it must be a time above 0, such as 30s, 5m or 1h; try 30s"),
        ("max_epochs", -1, "max_epochs is -1, it must be a whole number of at least 0; try 1000"),
        ("patience", 0, "patience is 0, it must be a whole number of at least 1; try 10"),
        ("seeds", 0, "seeds is 0, it must be a whole number from 1 to 1000; try 3"),
        (
            "test",
            1.5,
            "test is 1.5, it must be a share of at least 0 and below 1, a file, or none; try 0.2",
        ),
        ("missing", "mean", "missing is 'mean', it must be one of median, drop, error; try 'median'"),
        ("scale", "yes", "scale is 'yes', it must be True or False; try True"),
        ("random_state", -1, "random_state is -1, it must be a whole number from 0 to 2^63 - 1; try 0"),
    ],
)
def test_values_that_are_refused_with_a_sentence(name, given, text):
    with pytest.raises(UsageError) as caught:
        read_options({name: given})
    assert str(caught.value) == text
    assert caught.value.code == f"bad-{name.replace('_', '-')}"


@pytest.mark.parametrize("given", [[4, 3], np.array([4, 3]), "4,3"], ids=["list", "array", "text"])
def test_widths_of_hidden_layers_may_be_any_sequence(given):
    assert read_options({"hidden_layer_sizes": given}).hidden_layer_sizes == (4, 3)
