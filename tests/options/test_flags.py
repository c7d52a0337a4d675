"""Flags stand for options, in both directions."""

import pickle
import shlex

import numpy as np
import pytest

import descend as ds
from descend.cli.errors import failure
from descend.errors import UsageError
from descend.options import flags_of_options, options_of_flags, read_options
from descend.options.flags import keywords_of

GIVEN = {
    "names": {"drop": ("a", "b c"), "features": ("x",)},
    "switches": {"scale": False, "batch_norm": True, "hidden_layer_sizes": (8, 4)},
    "numbers": {"lr": 0.1, "betas": (0.8, 0.9), "batch_size": 32, "time_budget": 2.5},
    "rows": {"test": 0.0, "validation": 0.3},
    "nothing": {},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_options_come_back_from_their_flags(given):
    options = read_options(given)
    line = shlex.join(flags_of_options(options))

    if "drop" in given:  # a flag that may be repeated keeps its last value here; the command line collects them
        assert flags_of_options(options) == ["--drop", "a", "--drop", "b c", "--features", "x"]
    else:
        assert read_options(options_of_flags(line)) == options


@pytest.mark.parametrize("line", ["more rows", "--lr", "--no-such-flag 3", "lr 0.1"])
def test_what_is_no_line_of_flags_stands_for_no_option(line):
    assert options_of_flags(line) == {}


@pytest.mark.parametrize(
    ("flags", "keywords"),
    [
        ("use --optimizer minibatch for that", 'use optimizer="minibatch" for that'),
        ("leave out --patience or --val none", 'leave out patience or validation="none"'),
        ("add --hidden, such as --hidden 64,64", "add hidden_layer_sizes, such as hidden_layer_sizes=(64, 64)"),
        ("add --epochs, such as --epochs 100", "add max_epochs, such as max_epochs=100"),
        ("use another --loss", "use another loss"),
        ("name another --target", "name another target"),
        ("try --lr auto, which finds it", 'try lr="auto", which finds it'),
        ("--no-scale --lr 1e-3", "scale=False, lr=1e-3"),
        ("--scale or --lr auto", 'scale=True or lr="auto"'),
        ("use --test none, another --seed or more rows", 'use test="none", another random_state or more rows'),
        ("name another --group, or leave it out", "name another group, or leave it out"),
        ("use X.reshape(-1, 1) for one feature", "use X.reshape(-1, 1) for one feature"),
    ],
)
def test_sentences_with_flags_become_sentences_with_keywords(flags, keywords):
    assert keywords_of(flags) == keywords
    assert keywords_of(keywords) == keywords


def test_an_error_of_the_python_api_speaks_of_keywords_and_the_command_of_flags():
    with pytest.raises(UsageError) as caught:
        ds.train(np.ones((4, 1)), np.arange(4.0), optimizer="sgd", batch_size=8, progress=False)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert str(error) == 'sgd takes one row a step, but batch_size is 8; use optimizer="minibatch" for that'
        assert error.fix == 'use optimizer="minibatch" for that'
        assert error.in_flags == ("sgd takes one row a step, but batch_size is 8", "use --optimizer minibatch for that")
        assert failure(error).fix == "use --optimizer minibatch for that"
