"""plane: the loss of a module on the plane of a training's two main directions, and how much of the training it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import Module

from descend.arrays import Array
from descend.errors import UsageError
from descend.options.flags import in_keywords
from descend.options.readers import whole
from descend.plots import contours
from descend.plots.element import Element, tag
from descend.torch.batches import Batch
from descend.torch.fitted import Fitted
from descend.torch.objective import Loss, Objective
from descend.torch.preparation import prepare
from descend.torch.settings import checked
from descend.torch.side_by_side import losses_at, way_to_evaluate

SIZE = 25  # points a side of the grid
ROWS = 4_000  # on which the loss is computed, at most: the contours hardly depend on more
READ_SIZE = whole(3, "a whole number of at least 3", "try 25")
MARGIN = 0.2  # of the path's extent, beyond each of its ends
FLATTEST = 0.25  # of the extent along the first direction, that the second has at least: a path may be nearly a line
SKETCH = 0.1  # of the span of the losses: a plane that is off by more at a point of the path is a sketch


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """The loss on a plane.

    Args:
        x, y: along the two directions, in the length of the weights (size,); the end of the path is at 0, 0.
        losses: there (size, size), rows along y.
        path: the training in these coordinates (points, 2).
        path_losses: at the points of the training themselves (points,).
        plane_losses: at their shadows in the plane (points,).
        shown: the share of the movement (squares of distances from the end) that the plane holds.
        mismatch: the largest difference of the last two, as a part of the span of the losses of the training.
        way: whether the losses were computed side by side.
        directions: of the plane, orthonormal (2, weights).
    """

    x: Array
    y: Array
    losses: Array
    path: Array
    path_losses: Array
    plane_losses: Array
    shown: float
    mismatch: float
    way: str
    directions: Array

    @property
    def is_sketch(self) -> bool:
        """Whether the plane is off by more than a tenth at a point of the training."""
        return not self.mismatch <= SKETCH

    @property
    def text(self) -> str:
        """What the plane shows, in a sentence."""
        off = f"shows {self.shown:.0%} of the movement; at the points of the path its loss is off by at most {self.mismatch:.0%}"
        return f"a sketch: the plane {off}" if self.is_sketch else f"the plane {off}"

    def __repr__(self) -> str:
        return f"Surface: {self.text}, {self.losses.shape[1]} × {self.losses.shape[0]} losses\n.x  .y  .losses  .path  .svg()  .plot()"

    def _repr_html_(self) -> str:
        return str(tag("figure", self._chart(), tag("figcaption", f"{self.text[0].upper()}{self.text[1:]}.")))

    def svg(self) -> str:
        """Return the picture."""
        return str(self._chart())

    def _chart(self) -> Element:
        return contours.draw(contours.Plane(
            x=self.x, y=self.y, losses=self.losses, path=self.path, path_losses=self.path_losses, sketch=self.is_sketch,
            caption=f"{self.text[0].upper()}{self.text[1:]}.",
        ))  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """Draw the contours and the path with matplotlib and return its axes; those of a new figure when `ax` is None."""
        from descend.run.plot import new_axes

        ax = new_axes() if ax is None else ax
        plane = contours.Plane(
            x=self.x, y=self.y, losses=self.losses, path=self.path, path_losses=self.path_losses, sketch=self.is_sketch, caption="",
        )  # fmt: skip
        levels = contours.band_edges(plane)
        ax.contourf(
            self.x,
            self.y,
            np.clip(self.losses, levels[0], levels[-1]),
            levels,
            cmap="Greys" if self.is_sketch else "viridis",
        )
        ax.plot(*self.path.T, color=contours.STROKE)
        ax.plot(*self.path[-1], "o", color=contours.STROKE)
        ax.set_title(self.text)
        return ax


@in_keywords()
def surface(
    module: Module, data: Any, trace: Fitted | Sequence[Any], *, loss: str | Loss = "auto", size: int = SIZE, random_state: int = 0
) -> Surface:  # fmt: skip
    """Return the loss on the plane of a training's two main directions (Li et al. 2018).

    The plane goes through the end of the training, along the two directions that hold most of the distances from there. The
    rest of the movement is not in it: `.shown` is the share that is, and `.mismatch` says how far the loss in the plane is off
    at the points of the training; above a tenth it is called a sketch, and drawn in grey. The module is left as it is; its buffers,
    such as running means, are those that it has now.

    Args:
        module: that was trained.
        data, loss: as for `fit`; of many rows the first 4,000 are used.
        trace: what `fit` returned; or the weights along a training: state dicts, or parameters as one vector each
            (points, weights).
        size: points a side.
        random_state: decides the order of a loader, and a second direction where the path is a line.

    Raises UsageError for a path that does not belong to the module, or has fewer than two different points.

    >>> model = torch.nn.Linear(1, 1)
    >>> start = {name: w.clone() for name, w in model.state_dict().items()}
    >>> end = {name: torch.ones_like(w) for name, w in start.items()}
    >>> x = torch.linspace(-1, 1, 9)[:, None]
    >>> found = surface(model, (x, x + 1), [start, end], size=5)
    >>> found.losses.shape, round(found.shown, 6)
    ((5, 5), 1.0)
    """
    size, (random_state,) = READ_SIZE("size", size), checked(random_state=random_state)
    with prepare("surface", module, data, loss, 256, random_state) as job:
        points = _points(job.objective, trace)
        batches: list[Batch] = []
        for batch in job.source.epoch(random_state):
            batches.append(batch)
            if sum(b.rows for b in batches) >= ROWS:
                break
        directions, shown = main_directions(points - points[-1], random_state)
        path = (points - points[-1]) @ directions.T
        x, y = _grid(path, size)
        mesh = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        asked = np.concatenate([points, points[-1] + path @ directions, points[-1] + mesh @ directions])
        way = way_to_evaluate(job.objective, batches[0])
        found = losses_at(job.objective, way, asked, batches)
    count = len(points)
    path_losses, plane_losses = found[:count], found[count : 2 * count]
    span = float(np.ptp(path_losses)) or abs(float(path_losses[-1])) or 1.0
    return Surface(
        x=x, y=y, losses=found[2 * count :].reshape(size, size), path=path, path_losses=path_losses, plane_losses=plane_losses,
        shown=shown, mismatch=float(np.max(np.abs(plane_losses - path_losses))) / span, way=way.reason, directions=directions,
    )  # fmt: skip


def main_directions(moves: Array, seed: int) -> tuple[Array, float]:
    """Return the two directions that hold most of the squares of moves (points, weights), and the share that they hold."""
    _, sizes, rows = np.linalg.svd(moves, full_matrices=False)
    shown = float(np.sum(sizes[:2] ** 2) / np.sum(sizes**2))
    first = rows[0] * np.sign(rows[0] @ moves[0] or 1.0)  # the training comes from the right
    second = (
        rows[1] if len(rows) > 1 and sizes[1] > 1e-7 * sizes[0] else np.random.default_rng(seed).normal(size=len(first))
    )
    second = second - (second @ first) * first
    if len(first) == 1:
        return np.stack([first, np.zeros(1)]), shown
    return np.stack([first, second / np.linalg.norm(second)]), shown


def _grid(path: Array, size: int) -> tuple[Array, Array]:
    low, high = path.min(axis=0), path.max(axis=0)
    extent = np.maximum(high - low, FLATTEST * (high - low).max())
    middle = (low + high) / 2
    ends = middle - (0.5 + MARGIN) * extent, middle + (0.5 + MARGIN) * extent
    return np.linspace(ends[0][0], ends[1][0], size), np.linspace(ends[0][1], ends[1][1], size)


def _points(objective: Objective, trace: Fitted | Sequence[Any]) -> Array:
    """The trained parameters along the training, as vectors (points, weights)."""
    if any(p.is_complex() for p in objective.trained().values()):
        raise UsageError(
            f"the model {type(objective.module).__name__} has complex parameters, a plane is one of real numbers",
            fix="draw its losses along the training, which fit returns as history", code="complex-parameters",
        )  # fmt: skip
    names, count = list(objective.trained()), sum(p.numel() for p in objective.trained().values())
    given = trace.path if isinstance(trace, Fitted) else trace
    vectors = []
    for one in given:
        if isinstance(one, Mapping):
            missing = next((name for name in names if name not in one), None)
            if missing is not None:
                raise UsageError(
                    f"a state of the trace has no {missing}", fix="give state dicts of this module", code="other-module"
                )
            one = torch.cat([one[name].detach().reshape(-1) for name in names])
        vectors.append(one.detach().double().cpu().numpy().reshape(-1))
    if any(len(v) != count for v in vectors):
        raise UsageError(
            f"the trace has points of {', '.join(sorted({f'{len(v):,}' for v in vectors}))} weights, and the module has {count:,} that "
            f"are trained",
            fix="give the trace of this module", code="other-module",
        )  # fmt: skip
    points = np.array(vectors)
    if len(points) < 2 or not np.ptp(points, axis=0).any() or not np.isfinite(points).all():
        raise UsageError(
            f"the trace has {len(points)} points, it needs two different ones at least, all of them finite",
            fix="record weights along the training, as fit does", code="short-trace",
        )  # fmt: skip
    return points
