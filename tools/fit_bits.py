"""fit_bits: a digest of every weight and loss of a fixed set of fits, to show that a change of the code moves no bit.

    python tools/fit_bits.py before.json        # on the old code
    python tools/fit_bits.py after.json         # on the new code
    python tools/fit_bits.py before.json after.json   # says which fits differ; exit 1 if any

The set crosses every engine, loss, rule and batch size. Bits depend on the machine and its libraries, so digests are
compared on one machine and never committed.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from descend.losses import LOSSES, loss
from descend.plan import FULL, Plan, setting
from descend.plan.rule import RULES
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data
from descend.training import Limits, train

ROWS, FEATURES = 97, 5
BATCHES = (FULL, 1, 16)


@dataclass(frozen=True)
class Case:
    """One fit: a name, what is minimised, and how."""

    name: str
    problem: Problem
    plan: Plan


def problem(name: str, dtype: str, form: str) -> Problem:
    """A problem of that loss; form is dense, sparse, weighted, penalised or network."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(ROWS, FEATURES)) * (rng.uniform(size=(ROWS, FEATURES)) < 0.4 if form == "sparse" else 1.0)
    z = X @ rng.normal(size=(FEATURES, 3)) + 0.3 * rng.normal(size=(ROWS, 3))
    targets = {"logistic": z[:, 0] > 0, "hinge": z[:, 0] > 0, "poisson": np.floor(np.exp(np.minimum(z[:, 0], 2.0))),
               "softmax": z.argmax(axis=1)}  # fmt: skip
    y = np.ascontiguousarray(targets.get(name, z[:, 0]), dtype)
    weight = rng.uniform(0.5, 1.5, ROWS).astype(dtype) if form == "weighted" else None
    features = sparse.csr_array(X.astype(dtype)) if form == "sparse" else X.astype(dtype)
    outputs = 3 if name == "softmax" else 1
    network = Network((FEATURES, 6, 4, outputs), "tanh", batch_norm=True, dropout=0.1) if form == "network" else None
    l2, l1 = (0.01, 0.005) if form == "penalised" else (1e-3, 0.0)
    return Problem(Data(features, y, weight), loss(name), loss(name).constants, outputs, True, l2, l1, network)


def cases() -> Iterator[Case]:
    """Every fit of the set."""
    for name in LOSSES:
        for dtype in ("float64", "float32"):
            for form in ("dense", "sparse", "weighted", "penalised", "network"):
                for batch in BATCHES:
                    made = problem(name, dtype, form)
                    settings = tuple(setting(rule, lr=0.003, batch_size=batch, seed=3) for rule in RULES)
                    together = Plan(settings)
                    yield Case(f"{name} {dtype} {form} {batch} together", made, together)
                    if dtype == "float64":
                        for one in settings:
                            yield Case(f"{name} {dtype} {form} {batch} {one.label}", made, Plan((one,)))
    made = problem("squared", "float64", "dense")
    for lr in (0.001, 0.01):
        many = tuple(setting("momentum", lr=lr * (1 + k / 10), batch_size=16) for k in range(12))
        yield Case(f"side by side {lr}", made, Plan(many))


def digest(case: Case) -> str:
    """A digest of what training made, the engine's name before it.

    Losses are rounded to float32: NumPy evaluates them by matrix products whose last bit depends on where in memory
    their arguments lie.
    """
    with np.errstate(all="ignore"):
        fit = train(case.problem, case.plan, None, Limits(epochs=6, patience=100, tol=0.0))
    sha = hashlib.sha256()
    for array in (
        fit.state.weights,
        fit.state.memory,
        fit.steps,
        fit.epochs,
        np.float32(fit.loss),
        np.float32(fit.trace.loss),
    ):
        sha.update(np.ascontiguousarray(array).tobytes())
    sha.update(repr(fit.outcomes).encode())
    return f"{fit.engine} {sha.hexdigest()[:24]}"


def main(paths: list[str]) -> int:
    """Write the digests to one path, or compare those of two."""
    if len(paths) == 2:
        before, after = (json.loads(Path(p).read_text()) for p in paths)
        apart = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        sys.stdout.write("".join(f"{k}: {before.get(k)} -> {after.get(k)}\n" for k in apart))
        sys.stdout.write(f"{len(before)} fits before, {len(after)} after, {len(apart)} differ\n")
        return int(bool(apart))
    found = {case.name: digest(case) for case in cases()}
    Path(paths[0]).write_text(json.dumps(found, indent=1, sort_keys=True))
    engines = sorted({v.split()[0] for v in found.values()})
    sys.stdout.write(f"{len(found)} fits by {', '.join(engines)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
