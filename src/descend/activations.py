"""Activations of one unit's input z: (value, slope in z), safe at any finite z.

Each is written once, for a float, an array and compiled code. At a kink the slope is torch's: that of the left side.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from descend.errors import UsageError, nearest
from descend.ops import erf, exp, log1p, maximum, tanh, where

Number = Any
LEAK = 0.01  # slope of the leaky rectifier below 0
ROOT_HALF = 0.7071067811865476  # 1 / sqrt(2)
ROOT_TURN = 0.3989422804014327  # 1 / sqrt(2 pi)


def identity(z: Number) -> tuple[Number, Number]:
    """The input itself."""
    return z, 0.0 * z + 1.0


def sigmoid(z: Number) -> tuple[Number, Number]:
    """Logistic function 1 / (1 + e^-z); its slope is at most 1/4."""
    small = exp(-abs(z))
    return where(z >= 0, 1.0, small) / (1 + small), small / ((1 + small) * (1 + small))


def hyperbolic(z: Number) -> tuple[Number, Number]:
    """Hyperbolic tangent; its slope is 1 - tanh(z)^2, computed without cancellation."""
    small = exp(-2 * abs(z))
    return tanh(z), 4 * small / ((1 + small) * (1 + small))


def relu(z: Number) -> tuple[Number, Number]:
    """Rectifier max(z, 0) (Nair and Hinton 2010)."""
    return maximum(z, 0.0), where(z > 0, 1.0, 0.0 * z)


def leaky_relu(z: Number) -> tuple[Number, Number]:
    """Rectifier with a slope of 0.01 below 0 (Maas, Hannun and Ng 2013)."""
    return where(z > 0, z, LEAK * z), where(z > 0, 1.0, 0.0 * z + LEAK)


def elu(z: Number) -> tuple[Number, Number]:
    """Exponential linear unit: z above 0, e^z - 1 below (Clevert, Unterthiner and Hochreiter 2016)."""
    below = -maximum(-z, 0.0)
    grown = exp(below)
    return where(z > 0, z, tanh(0.5 * below) * (grown + 1)), where(z > 0, 1.0, grown)


def gelu(z: Number) -> tuple[Number, Number]:
    """Gaussian error linear unit z Phi(z), with the exact Phi (Hendrycks and Gimpel 2016)."""
    share = 0.5 * (1 + erf(ROOT_HALF * z))
    size = abs(z)
    density = ROOT_TURN * exp(-0.5 * size * (size - maximum(size - 100.0, 0.0)))
    return z * share, share + z * density


def softplus(z: Number) -> tuple[Number, Number]:
    """Smooth rectifier log(1 + e^z)."""
    small = exp(-abs(z))
    return maximum(z, 0.0) + log1p(small), where(z >= 0, 1.0, small) / (1 + small)


@dataclass(frozen=True)
class Activation:
    """An activation and what training must know about it.

    Args:
        name: as users type it.
        evaluate: maps z to (value, slope).
        init: the initialisation that suits it, see `initialise`.
        peak: the largest slope of one that saturates on both sides; 0 for the others.
    """

    name: str
    evaluate: Callable[[Any], tuple[Any, Any]]
    init: str
    peak: float = 0.0


ACTIVATIONS = {
    a.name: a
    for a in (
        Activation("identity", identity, "xavier"),
        Activation("sigmoid", sigmoid, "xavier", 0.25),
        Activation("tanh", hyperbolic, "xavier", 1.0),
        Activation("relu", relu, "he"),
        Activation("leaky_relu", leaky_relu, "he"),
        Activation("elu", elu, "he"),
        Activation("gelu", gelu, "he"),
        Activation("softplus", softplus, "he"),
    )
}
ALIASES = {"logistic": "sigmoid", "linear": "identity", "leaky-relu": "leaky_relu"}


def activation(given: str) -> Activation:
    """Return the activation of that name; raises UsageError for an unknown one.

    >>> activation("relu").init
    'he'
    """
    name = ALIASES.get(given, given)
    if name not in ACTIVATIONS:
        known = list(ACTIVATIONS)
        raise UsageError(
            f"there is no activation {given!r}, there are {', '.join(known)}",
            fix=f"try {(nearest(str(given), known) or ['relu'])[0]!r}",
            code="unknown-activation",
        )
    return ACTIVATIONS[name]
