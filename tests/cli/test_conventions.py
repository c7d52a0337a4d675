"""How other frameworks define the rules of the same name."""

import pytest

from descend.cli.conventions import CONVENTIONS
from descend.plan.rule import RULES


def test_only_rules_that_exist_are_explained():
    assert set(CONVENTIONS) <= set(RULES)


@pytest.mark.parametrize("rule", CONVENTIONS)
def test_each_takes_two_lines_that_fit_a_terminal(rule):
    assert len(CONVENTIONS[rule]) == 2
    assert all(len(line) <= 110 and line.endswith(".") for line in CONVENTIONS[rule])


@pytest.mark.parametrize(("rule", "other"), [("momentum", "momentum_keras"), ("adagrad", "adagrad_keras"),
                                             ("rmsprop", "rmsprop_keras"), ("adam", "adam_keras")])  # fmt: skip
def test_the_rule_in_another_frameworks_form_is_named_and_exists(rule, other):
    assert other in RULES
    assert f"(rule {other})" in " ".join(CONVENTIONS[rule])
