"""Gradients that vanish and gradients that explode on their way back through a deep network, and what cures each.

    python examples/deep_networks.py

Images of handwritten digits (8 x 8 pixels, scikit-learn's `load_digits`) are told apart by networks of 20 and 30 hidden
layers of 64 units. The table shows the gradient norm of the first hidden layer as a part of the last one's, as the first
epoch ends, and the share of held-out digits that are told rightly.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import load_digits

from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.problem.network import Network, scores
from descend.table.data import Data
from descend.training import Fit, Limits, train

HELD_OUT = 360


@dataclass(frozen=True)
class Case:
    """One network and how it is trained."""

    name: str
    layers: int
    activation: str
    init: str
    optimizer: str
    lr: float
    epochs: int = 30
    batch_norm: bool = False
    residual: bool = False
    clip: float = np.inf


CASES = (
    Case("sigmoid, small weights", 20, "sigmoid", "normal:0.1", "adam", 0.01),
    Case("  relu with he", 20, "relu", "he", "adam", 0.001),
    Case("  batch normalisation", 20, "sigmoid", "normal:0.1", "adam", 0.003, batch_norm=True),
    Case("  residual connections", 20, "sigmoid", "normal:0.1", "adam", 0.003, residual=True),
    Case("elu, large weights", 30, "elu", "normal:0.2", "sgd", 0.05),
    Case("  clipping at norm 1", 30, "elu", "normal:0.2", "sgd", 0.05, 60, clip=1.0),
    Case("  xavier", 30, "elu", "xavier", "sgd", 0.05),
)


@dataclass(frozen=True, eq=False)
class Shown:
    """What became of a case: the fit, the share told rightly, and first over last hidden layer's gradient norm."""

    fit: Fit
    accuracy: float
    ratio: float


def digits() -> tuple[Data, Data]:
    """Training and held-out digits; pixels centred and scaled by the training digits."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    own, held = order[HELD_OUT:], order[:HELD_OUT]
    spread = X[own].std(axis=0)
    X = (X - X[own].mean(axis=0)) / np.where(spread > 0, spread, 1)
    return Data(X[own], y[own]), Data(X[held], y[held])


def run(case: Case) -> Shown:
    """Train one case."""
    data, held_out = digits()
    network = Network((64, *[64] * case.layers, 10), case.activation, case.batch_norm, case.residual)
    problem = Problem(data, loss("softmax"), outputs=10, network=network)
    how = replace(setting(case.optimizer, lr=case.lr, batch_size=32), init=case.init, clip=case.clip)
    fit = train(problem, Plan((how,)), held_out, Limits(epochs=case.epochs, patience=case.epochs))
    told = scores(network, fit.weights[0], held_out.X).argmax(axis=1)
    norms = fit.trace.layer_stats[0, 1, :, 0]
    return Shown(fit, float((told == held_out.y).mean()), float(norms[0] / norms[-2]))


def main() -> None:
    """Print a line a case."""
    print(f"{'':26}{'layers':>7}{'first/last':>12}{'held out':>10}   ended")
    for case in CASES:
        shown = run(case)
        steps = int(shown.fit.steps[0])
        print(f"{case.name:26}{case.layers:>7}{shown.ratio:>12.1e}{shown.accuracy:>10.1%}   "
              f"{shown.fit.outcomes[0].word} at step {steps:,}")  # fmt: skip


if __name__ == "__main__":
    main()
