"""problem: what is minimised: data, a loss, the shape of a model and a penalty."""

from descend.problem.problem import (
    Problem,
    flat,
    gradient,
    losses_and_slopes,
    mean_losses,
    network_gradient,
    objectives,
    penalty,
    scores,
)

__all__ = [
    "Problem",
    "flat",
    "gradient",
    "losses_and_slopes",
    "mean_losses",
    "network_gradient",
    "objectives",
    "penalty",
    "scores",
]
