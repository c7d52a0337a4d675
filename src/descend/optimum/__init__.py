"""optimum: what is known of an objective before training: its curvature, stability limits and exact minimum."""

from descend.optimum.baseline import baseline
from descend.optimum.bound import bound
from descend.optimum.curvature import Curvature, curvature
from descend.optimum.limits import batch_limit, frozen_limit, limit, mean_square_limit, stability_limit
from descend.optimum.sharpness import sharpness
from descend.optimum.solve import Optimum, gap, optimum
from descend.optimum.status import OptimumStatus

__all__ = [
    "Curvature", "Optimum", "OptimumStatus", "baseline", "batch_limit", "bound", "curvature", "frozen_limit", "gap", "limit",
    "mean_square_limit", "optimum", "sharpness", "stability_limit",
]  # fmt: skip
