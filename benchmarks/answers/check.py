"""check: what a check is, its tolerances, and what checks share.

A check is a function of a generator and of `tamper`, through which every number passes that the product brought: the
identity in a search; a test puts an error there, to see that the check can fail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.answers.data import Rows, pick
from benchmarks.answers.product import SAID_GAP, Refusal

Tamper = Callable[[Any], Any]
EXACT = 0.0
ROUNDING = {8: 1e-7, 4: 2e-3}  # of the spread of predictions after tens of steps below the stability limit; by itemsize
TOL = 1e-4  # what the product promises by default


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came of one case.

    Args:
        apart: how far the answer is from the right one.
        allowed: how far it may be.
        detail: the problem and the options, in words.
        words: what the product said; empty for silence.
    """

    apart: float
    allowed: float
    detail: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A check: what it claims, and the tolerance with its reason."""

    name: str
    claim: str
    tolerance: str
    run: Callable[[np.random.Generator, Tamper], Compared]


CHECKS: dict[int, Check] = {}
SLOTS = {
    "invariances": 0,
    "solvers": 40,
    "tables": 70,
}  # first number of the checks of a module; a number stays once given
ROUND = 100  # numbers of a round: case k tries check k % 100
OPTIMUM = (
    f"{TOL:g} of the optimum, or of a thousandth of what can be gained, as `tol` says, and half as much again; beside the "
    f"gap that it states where it says that it stopped early, of at most {SAID_GAP:g} of what can be gained"
)
STEPS = "1e-7 of the spread of predictions (2e-3 in float32): rounding of tens of stable steps"
BITS = "none: the same numbers go through the same operations"


def check(claim: str, tolerance: str) -> Callable[[Any], Any]:
    """Enter a function into the checks, at the next number of its module."""

    def enter(function: Any) -> Any:
        number = SLOTS[function.__module__.rpartition(".")[2]]
        while number in CHECKS:
            number += 1
        CHECKS[number] = Check(function.__name__, claim, tolerance, function)
        return function

    return enter


def pair(
    one: Callable[[], np.ndarray], other: Callable[[], np.ndarray], case: Rows, detail: str, allowed: float
) -> Compared:
    """Compare two predictions; both may be refused, one alone may not, unless its training diverged."""
    results: list[Any] = []
    for work in (one, other):
        try:
            results.append(work())
        except Refusal as refusal:
            results.append(refusal)
    refused = [r for r in results if isinstance(r, Refusal)]
    if len(refused) == 2:
        raise refused[0]
    if refused:
        words = (str(refused[0]),) if "DivergenceError" in str(refused[0]) else ()
        return Compared(apart=np.inf, allowed=allowed, detail=f"{detail}; one of the two: {refused[0]}", words=words)
    return Compared(apart=apart_of(*results, case), allowed=allowed, detail=detail)


def penalties(rng: np.random.Generator, loss: str) -> tuple[float, float]:
    """Penalties that the oracle of the loss knows; without any, classes may be separable and weights infinite."""
    if loss in ("quantile", "hinge"):
        return pick(rng, (0.0, 0.0), (0.0, 0.01), (0.01, 0.0), (1e-4, 0.0))
    least = 1e-4 if loss != "squared" else 0.0
    return pick(rng, least, 1e-4, 1e-2, 1.0), pick(rng, 0.0, 0.0, 1e-3, 0.05)


def an_optimizer(rng: np.random.Generator) -> dict[str, Any]:
    """Mostly what the product finds by itself."""
    if rng.random() < 0.6:
        return {}
    return {"optimizer": pick(rng, "gd", "nesterov", "momentum", "adam", "adagrad", "rmsprop", "minibatch")}


def some_steps(rng: np.random.Generator, case: Rows, batches: bool = False) -> dict[str, Any]:
    """Some tens of steps of one rule at a rate well below the limit, which the trace of the moments bounds.

    With a smaller eps, a gradient of rounding alone would be blown up: an adaptive rule is gradient descent of rate lr/eps there.
    """
    rule = pick(
        rng, "gd", "momentum", "nesterov", "adam", "rmsprop", "adagrad", *(["minibatch", "adam/64"] if batches else [])
    )
    columns = case.X.shape[1] + 10 if case.X.ndim == 2 else 10
    rate = (0.4 if case.loss != "poisson" else 0.02) / columns
    options: dict[str, Any] = {"max_epochs": int(rng.integers(2, 25)), "tol": 0.0, "lr": rate, "eps": 0.5}
    if rule == "adam/64":
        return {**options, "optimizer": "adam", "batch_size": 64}
    if rule == "minibatch":
        return {**options, "optimizer": "minibatch", "batch_size": 16}
    return {**options, "optimizer": rule, **({} if rule == "gd" else {"batch_size": "full"})}


def apart_of(came: np.ndarray, right: np.ndarray, case: Rows) -> float:
    """The largest difference of predictions, in spreads of the target or, if larger, of the predictions."""
    if came.shape != right.shape:
        return np.inf
    if np.array_equal(came, right, equal_nan=True):
        return 0.0
    spread = float(np.std(right)) if case.classifies else float(max(np.std(case.y.astype(float)), np.std(right)))
    level = 1e-12 * float(np.abs(right).max(initial=0.0)) / 1e-7  # a target far from 0 has its last digits there
    gap = float(np.abs(came - right).max(initial=0.0))
    return gap / max(spread, level, 1e-300) if np.isfinite(gap) else np.inf


def brief(options: dict[str, Any]) -> str:
    return " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in options.items())


def sparse_word(X: Any) -> str:
    return ", sparse" if hasattr(X, "tocsr") else ""


def dtypes(table: pd.DataFrame) -> str:
    """How many columns there are of each dtype, and the words of the text."""
    counts = table.dtypes.astype(str).value_counts(sort=False)
    words = sorted({str(w) for w in table["word"].dropna()}) if "word" in table else ""
    return f"{', '.join(f'{n} {name}' for name, n in counts.items())} {words}"
