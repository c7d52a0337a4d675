"""linear: 1000 rows of y = 1.3 x1 - x2 - 3.5, and a run on them that fails without an error.

linear.safetensors has what torch draws in float32 after manual_seed(42): x (1000 x 2 normal), then the three numbers
with which nn.Linear(2, 1) starts which are discarded, then weight (1 x 2 normal) and bias (1 uniform).
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from descend.arrays import Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """Data without noise, the weights at the start, and the true weights.

    Args:
        X: features (1000, 2), float32.
        y: target (1000,), float32.
        start_weight, true_weight: (2,), float32.
        start_bias, true_bias: exact in float32.
    """

    X: Array
    y: Array
    start_weight: Array
    start_bias: float
    true_weight: Array
    true_bias: float


@dataclass(frozen=True, eq=False)
class Line:
    """One line of the printed table.

    Args:
        epoch: epochs done; 0 is the start.
        weight: (2,), float32, after that epoch.
        bias: after that epoch.
        loss: of that epoch, before its step.
    """

    epoch: int
    weight: Array
    bias: float
    loss: float


def example() -> Example:
    """Return the example, as new arrays.

    >>> example().X.shape, example().true_weight.tolist(), example().true_bias
    ((1000, 2), [1.2999999523162842, -1.0], -3.5)
    """
    from safetensors.numpy import load

    stored = load((files("descend.demo_data") / "linear.safetensors").read_bytes())
    return Example(
        X=stored["X"], y=stored["y"], start_weight=stored["start_weight"], start_bias=float(stored["start_bias"]),
        true_weight=stored["true_weight"], true_bias=float(stored["true_bias"]),
    )  # fmt: skip


def faulty_run(example: Example, lr: float = 0.001, epochs: int = 1000, every: int = 100) -> tuple[Line, ...]:
    """Train as the tutorial does: predictions (n, 1) minus targets (n,) broadcast to n x n differences.

    The mean over all pairs of (p - y)^2 is var(p) + var(y) + (mean(p) - mean(y))^2, and its gradient compares each
    prediction with the mean of the targets, so the n x n array is never made. Weights are float32.

    Args:
        lr: learning rate.
        epochs: full-batch steps.
        every: epochs between two lines.

    Returns the line of the start, then one after every `every` epochs.
    """
    X, exact = example.X, example.X.astype(np.float64)
    w, b, rate = example.start_weight, np.float32(example.start_bias), np.float32(lr)
    mean_y, var_y = example.y.mean(dtype=np.float64), example.y.var(dtype=np.float64)
    lines = []
    for epoch in range(epochs + 1):
        error = (X @ w + b).astype(np.float64) - mean_y
        loss = var_y + np.mean(error * error)
        if epoch > 0:
            w = w - rate * (2 * error @ exact / len(X)).astype(np.float32)
            b = b - rate * np.float32(2 * error.mean())
        if epoch % every == 0:
            lines.append(Line(epoch, w, float(b), float(loss)))
    return tuple(lines)
