"""Rules as machine code: the numbers of the plain function, a guard against NaN, and a cache that notices edits."""

import importlib.util
import sys

import numba
import numpy as np
import pytest
from tests.oracles import GRADIENTS, WORKED

from descend.engines.kernels import compiled, records
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.plan.rule import Rule
from descend.training import train

FLOAT = np.dtype(np.float64)


def swept(rule, constants, gradients, dtype=np.float64):
    """The weights after each step of a compiled rule, of two coordinates that start at 1, the second unpenalised."""
    step, w = compiled.compile_rule(rule, np.dtype(dtype)), np.ones(2, dtype)
    memory = np.array([[m, m] for m in rule.memory.values()], dtype).reshape(len(rule.memory), 2)
    values, path = np.array(list(rule.with_constants(**constants).values())), []
    for t, g in enumerate(gradients, 1):
        step(w, np.full(2, g, dtype), memory, values, np.array([1.0, 0.0]), float(t))
        path.append(w.copy())
    return np.array(path)


@pytest.mark.parametrize("worked", WORKED, ids=lambda w: w.rule)
def test_three_compiled_steps_are_the_ones_worked_by_hand(worked):
    path = swept(setting(worked.rule, lr=1).rule, worked.constants, GRADIENTS)
    np.testing.assert_allclose(path[:, 0], worked.weights, rtol=0, atol=1e-14)


def test_decay_spares_what_is_not_penalised():
    rule = setting("adamw", lr=1).rule
    decayed, bare = (swept(rule, {"lr": 0.1, "decay": d}, GRADIENTS) for d in (0.5, 0.0))
    assert (decayed[:, 0] < bare[:, 0]).all()
    np.testing.assert_array_equal(decayed[:, 1], bare[:, 1])


def test_a_rule_that_returns_nan_ends_as_an_outcome_and_leaves_the_start(small):
    def lost(g, t, lr=0.1):
        return (g * float("nan"),)

    done = train(small("squared"), Plan((setting(lost, lr=0.1, batch_size=7), setting("adam", lr=0.1, batch_size=7))))
    assert done.outcomes[0] == Outcome.NONFINITE
    assert done.weights[0].tolist() == [0, 0, 0, 0]
    assert not done.outcomes[1].failed


ONCE = "def scale(g):\n    return 2 * g\n\n\ndef mine(g, t, lr=0.1):\n    return (lr * scale(g),)\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Returns a function that writes a module, imports it anew and returns its rule; machine code is cached apart."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    def load(source):
        path = tmp_path / "module_of_the_user.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, found)
        exec(compile(source, path, "exec"), found.__dict__)  # noqa: S102
        return Rule.of(found.mine)

    return load


def found_in_cache(rule):
    return bool(compiled.compile_rule(rule, FLOAT).stats.cache_hits)


@pytest.mark.parametrize(
    ("old", "new", "step"), [("lr * scale", "3 * lr * scale", 6.0), ("2 * g", "5 * g", 5.0)], ids=["rule", "helper"]
)
def test_an_edited_rule_is_compiled_anew_and_computes_the_new_thing(module, old, new, step):
    first, again, edited = module(ONCE), module(ONCE), module(ONCE.replace(old, new))
    assert swept(first, {"lr": 1.0}, [1.0])[0, 0] == 1 - 2.0
    assert [found_in_cache(rule) for rule in (first, again)] == [False, True]
    assert swept(edited, {"lr": 1.0}, [1.0])[0, 0] == 1 - step
    assert not found_in_cache(edited)


def test_every_rule_has_a_cache_file_of_its_own(module, tmp_path):
    for name in ("sgd", "momentum", "adam"):
        compiled.compile_rule(Rule.of(setting(name, lr=1).rule.update), FLOAT)
    index = [p.name for p in (tmp_path / "cache").rglob("*.nbi")]
    assert len(index) == 3
    assert all(sum(f"move_{name}" in file for file in index) == 1 for name in ("sgd", "momentum", "adam"))


@pytest.mark.parametrize("name", ["squared", "logistic", "hinge"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_numbers_of_a_loss_take_the_dtype_of_its_scores(name, dtype):
    """As in NumPy; Numba alone would make float64 of a float32 and a 2."""
    evaluate = compiled.evaluator(loss(name), np.dtype(dtype))
    run = numba.njit(lambda z, y: evaluate(z, y))

    found = run(dtype(0.3), dtype(1))

    (kinds,) = (result.signature.return_type for result in run.overloads.values())
    assert set(kinds) == {records.real(np.dtype(dtype))}
    np.testing.assert_allclose(found, loss(name).evaluate(dtype(0.3), dtype(1)), rtol=4 * np.finfo(dtype).eps)
