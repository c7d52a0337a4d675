"""Formulas that are written down are those that are computed."""

import math

import numpy as np
import pytest

from descend.activations import ACTIVATIONS
from descend.export.expression import Expression, Op, folded, written
from descend.losses import LOSSES
from descend.ops import erf

COMPUTED = {
    Op.ADD: lambda a, b: a + b, Op.SUB: lambda a, b: a - b, Op.MUL: lambda a, b: a * b, Op.DIV: lambda a, b: a / b,
    Op.NEG: lambda a: -a, Op.ABS: abs, Op.EXP: math.exp, Op.LN: math.log, Op.TANH: math.tanh, Op.MAX: max,
    Op.GREATER: lambda a, b: a > b, Op.AT_LEAST: lambda a, b: a >= b, Op.WHERE: lambda c, a, b: a if c else b,
}  # fmt: skip


def value(expression, z):
    return folded(expression, lambda leaf: z if leaf == "z" else leaf, lambda op, parts: COMPUTED[op](*parts))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name):
    expression = ACTIVATIONS[name].evaluate(Expression("z"))[0]
    for z in np.linspace(-12, 12, 97).tolist():
        assert value(expression, z) == pytest.approx(ACTIVATIONS[name].evaluate(z)[0], abs=1e-11)


@pytest.mark.parametrize("name", ["squared", "poisson", "logistic", "hinge"])
def test_every_link_of_one_score(name):
    expression = LOSSES[name].mean(Expression("z"))
    for z in (-30.0, -0.5, 0.0, 0.5, 30.0):
        assert value(expression, z) == pytest.approx(float(LOSSES[name].mean(np.array(z))), rel=1e-12)


def test_the_error_function_is_that_of_scipy():
    z = np.linspace(-8, 8, 801)
    np.testing.assert_allclose([value(Expression("z").erf(), x) for x in z.tolist()], erf(z), rtol=0, atol=2e-12)


def test_it_is_written_by_templates():
    z = Expression("z")
    words = {Op.ADD: "({0} + {1})", Op.SUB: "({0} - {1})", Op.DIV: "({0} / {1})", Op.MUL: "{0} * {1}"}
    assert written((1 - z) / (z + 2) * 0.5, words) == "((1.0 - z) / (z + 2.0)) * 0.5"


def test_a_shared_part_is_made_once():
    z, made = Expression("z"), []
    shared = z.exp()
    folded(shared + shared, str, lambda op, parts: made.append(op))
    assert made == [Op.EXP, Op.ADD]
