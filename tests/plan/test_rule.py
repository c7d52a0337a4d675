"""A rule is what its signature says."""

import pytest

from descend import rules
from descend.errors import UsageError
from descend.plan.rule import RULES, Rule, fingerprint, rule


def test_memory_and_constants_are_read_from_the_signature():
    read = Rule.of(rules.adam)
    assert read.memory == {"m": 0.0, "v": 0.0}
    assert read.constants == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert read.name == "adam"
    assert read.summary.startswith("Adam (Kingma and Ba 2015")


def test_a_memory_starts_at_its_default():
    assert RULES["adagrad_keras"].memory == {"s": 0.1}
    assert RULES["nadam"].memory == {"m": 0.0, "v": 0.0, "product": 1.0}


def test_all_rules_of_the_module_are_known_in_order():
    assert list(RULES) == [
        "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "amsgrad", "nadam", "adadelta", "lion",
        "momentum_keras", "adagrad_keras", "rmsprop_keras", "adam_keras",
    ]  # fmt: skip


def test_a_function_of_the_users_own_is_a_rule():
    def mine(g, v, t, lr=0.1, pull=0.5):
        return lr * (g + pull * v), g

    assert rule(mine).memory == {"v": 0.0}
    assert rule(mine).with_constants(lr=1.0) == {"lr": 1.0, "pull": 0.5}


def no_gradient(x, t, lr=0.1):
    return (x,)


def no_time(g, lr=0.1):
    return (g,)


def no_default(g, t, lr):
    return (g,)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (no_gradient, "no_gradient(x, t, lr=0.1) is not a rule: a rule reads (g, memory..., t, lr=..., constants=...); "
                      "compare descend.rules.adam"),
        (no_time, "no_time(g, lr=0.1) is not a rule: a rule reads (g, memory..., t, lr=..., constants=...); "
                  "compare descend.rules.adam"),
        (no_default, "no_default(g, t, lr) is not a rule: its constant 'lr' needs a number as default; "
                     "compare descend.rules.adam"),
    ],
)  # fmt: skip
def test_other_signatures_are_refused(function, text):
    with pytest.raises(UsageError) as caught:
        Rule.of(function)
    assert str(caught.value) == text
    assert caught.value.code == "not-a-rule"


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        rule("adamm")
    assert (
        str(caught.value) == f"there is no rule 'adamm', there are {', '.join(RULES)}; try 'adam' or 'nadam' or 'adamw'"
    )


def test_an_unknown_constant_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        rule("adam").with_constants(beta3=0.5)
    assert str(caught.value) == "the rule adam has no constant 'beta3', it has lr, beta1, beta2, eps; try 'beta2'"


def made(source, **names):
    """A function from source text, as a module would define it."""
    scope = dict(names)
    exec(source, scope)  # noqa: S102
    return scope["f"]


def test_a_fingerprint_ignores_place_and_docstring():
    plain = made("def f(g, t, lr=0.1):\n    return (lr * g,)")
    told = made("\n\n# a comment\ndef f(g, t, lr=0.1):\n    'What it does.'\n    return (lr * g,)")
    assert fingerprint(plain) == fingerprint(told)


@pytest.mark.parametrize(
    "source",
    ["def f(g, t, lr=0.1):\n    return (lr * g * 2,)", "def f(g, t, lr=0.2):\n    return (lr * g,)",
     "def f(g, t, lr=0.1):\n    return (lr + g,)"],
)  # fmt: skip
def test_a_fingerprint_changes_with_the_arithmetic(source):
    assert fingerprint(made(source)) != fingerprint(made("def f(g, t, lr=0.1):\n    return (lr * g,)"))


def test_a_fingerprint_changes_with_a_helper():
    source = "def f(g, t, lr=0.1):\n    return (lr * help(g),)"
    one, two = made("def f(x):\n    return x * 2"), made("def f(x):\n    return x * 3")
    assert fingerprint(made(source, help=one)) != fingerprint(made(source, help=two))
