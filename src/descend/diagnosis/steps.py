"""steps: D1, D2 and D5 of a training loop of any kind, read from what some of its steps recorded."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.diagnosis.divergence import EXPLODING, RISE, ROWS_IN_EVIDENCE, ROWS_IN_TEXT
from descend.diagnosis.evidence import LEARNED
from descend.diagnosis.finding import Finding, Level
from descend.diagnosis.layers import mean_factor
from descend.diagnosis.slow import DEAD, SATURATED, VANISHED
from descend.diagnosis.stagnation import MOST_GRADIENT

MANY_STEPS = 20  # from which a loop can be said not to learn (arbitrary)
INPUT = "the input"  # the place of a NaN or inf that came with the data
ENDS = 5  # losses at either end of a loop whose median stands for it: single batches are noisy (arbitrary)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Where the first NaN or inf was.

    Args:
        step: of the loop, counted from 1.
        place: such as "the output of blocks.3.norm".
        rows: of the batch where it was, counted from 1; none where it was not in rows.
    """

    step: int
    place: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Steps:
    """What some steps of a training loop recorded.

    Args:
        loss: of every step (steps,).
        lr: the learning rate of the last step; NaN where it is not known.
        failure: the first NaN or inf; None for none.
        layers: the layers with weights, in the order in which the batch passed them, the output layer last.
        signal: root mean square of their outputs (samples, layers).
        gradient: norm of the gradient of their weights (samples, layers); NaN where there was none.
        symmetric: whether all units of a layer started with equal weights other than 0 (layers,).
        activations: the places of activations, in that order.
        units: how many units each has (activations,).
        dead: how many of them had slope 0 for all rows of all samples (activations,).
        bounded: the places of activations that have two ends.
        saturated: share of their outputs at the ends (samples, bounded).
        lost: share of the squared gradient in weights that the step left unchanged (samples,); NaN in float32 and above.
        dtype: of the weights.
        least: the smallest number whose square that dtype holds.
        eps: of the optimizer; None where it has none.
    """

    loss: Array
    lr: float = float("nan")
    failure: Failure | None = None
    layers: tuple[str, ...] = ()
    signal: Array
    gradient: Array
    symmetric: Array
    activations: tuple[str, ...] = ()
    units: Array
    dead: Array
    bounded: tuple[str, ...] = ()
    saturated: Array
    lost: Array
    dtype: str = "float32"
    least: float = 0.0
    eps: float | None = None

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The loss at the start and at the end."""
        finite = self.loss[np.isfinite(self.loss)]
        if not len(finite):
            return float("nan"), float("nan")
        count = min(ENDS, max(len(finite) // 4, 1))
        return float(np.median(finite[:count])), float(np.median(finite[-count:]))

    @property
    def learned(self) -> bool:
        """Whether the loss has fallen by LEARNED of what it was."""
        before, after = self.ends
        return before - after >= LEARNED * abs(before)

    @property
    def rate(self) -> str:
        """The learning rate in words, where it is known."""
        return "" if np.isnan(self.lr) else f", at learning rate {self.lr:.3g}"

    @property
    def stands(self) -> bool:
        """Whether the loop failed, or has not learned in MANY_STEPS."""
        return self.failure is not None or (len(self.loss) >= MANY_STEPS and not self.learned)


def rising(s: Steps) -> Finding | None:
    """D101."""
    before, after = s.ends
    before = min(before, float(s.loss[0])) if len(s.loss) else before  # a rate far too high has raised the next ones
    if s.failure is not None or len(s.loss) < MANY_STEPS or not before > 0 or not after > RISE * before:
        return None
    rate = "the learning rate" if np.isnan(s.lr) else f"learning rate {s.lr:.3g}"
    text = f"{rate} is too high: the training loss rose from {before:.3g} to {after:.3g}"
    evidence = {"lr": s.lr, "before": before, "peak": after, "step": len(s.loss)}
    fix = ("a tenth of it",) if np.isnan(s.lr) else (f"lr={s.lr / 10:.3g}",)
    return Finding(code="D101", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def exploding(s: Steps) -> Finding | None:
    """D102."""
    if not s.stands or len(s.signal) == 0 or len(s.layers) < 4:
        return None
    signal, gradient = s.signal[0, :-1], s.gradient[0, :-1]
    growth = max(mean_factor(signal), mean_factor(gradient[::-1]))
    if not growth ** (len(signal) - 1) >= EXPLODING:
        return None
    at = int(np.argmax(np.nan_to_num(gradient, nan=np.inf)))
    text = (
        f"exploding gradients: signals or gradients grow by a factor of {growth:.3g} per layer, the gradient of "
        f"{s.layers[at]} has norm {gradient[at]:.3g} at the first step; "
        f"{f'training diverged by step {s.failure.step:,}' if s.failure else 'training has not recovered from it'}"
    )
    fix = ("initial weights that keep the size of signals: kaiming_normal_ for relu, xavier_normal_ for others",
           "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)", "normalisation between layers")  # fmt: skip
    evidence = {"layer": s.layers[at], "growth": growth, "norm": float(gradient[at]), "norms": gradient.tolist()}
    level = Level.ERROR if s.failure else Level.WARNING
    return Finding(code="D102", level=level, text=text, evidence=evidence, fix=fix)


def nonfinite(s: Steps) -> Finding | None:
    """D103."""
    if s.failure is None:
        return None
    rows = s.failure.rows
    listed = ", ".join(map(str, rows[:ROWS_IN_TEXT])) + (", …" if len(rows) > ROWS_IN_TEXT else "")
    where = f", rows {listed} of the batch ({len(rows):,} in all)" if rows else ""
    text = f"the first NaN or inf is in {s.failure.place} at step {s.failure.step:,}{where}{s.rate}"
    evidence = {
        "lr": s.lr, "step": s.failure.step, "place": s.failure.place, "rows": list(rows[:ROWS_IN_EVIDENCE]),
    }  # fmt: skip
    clip = "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
    fix: tuple[str, ...] = (clip,) if np.isnan(s.lr) else (f"lr={s.lr / 10:.3g}", clip)
    if s.failure.place == INPUT:
        fix = ("look at these rows of the data",)
    return Finding(code="D103", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


def vanishing(s: Steps) -> Finding | None:
    """D202; a gradient of exactly 0 is that of a layer behind weights of 0, or of dead units."""
    if not s.stands or len(s.layers) < 4 or len(s.gradient) == 0 or s.symmetric.any():
        return None
    norms = s.gradient[:, :-1]
    usable = (norms[:, 0] > 0) & (norms[:, -1] > 0)
    if not usable.any():
        return None
    ratios = norms[usable, 0] / norms[usable, -1]
    ratio = float(np.median(ratios))
    if not ratio < VANISHED:
        return None
    decay = ratio ** (1 / (norms.shape[1] - 1))
    text = (
        f"vanishing gradients: the gradient of {s.layers[0]} is {ratio:.1e} times that of {s.layers[-2]}, a factor of "
        f"{decay:.2g} per layer; the first layers hardly change"
    )
    fix = ("relu and kaiming_normal_ in place of a saturating activation", "normalisation between layers",
           "residual connections")  # fmt: skip
    evidence = {"layer": s.layers[0], "decay": decay, "ratio": ratio, "norms": norms[usable][-1].tolist()}
    return Finding(code="D202", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def dead(s: Steps) -> Finding | None:
    """D206."""
    if not s.stands or not len(s.activations):
        return None
    shares = s.dead / np.maximum(s.units, 1)
    at = int(np.argmax(shares))
    if not shares[at] > DEAD:
        return None
    text = (
        f"dead units: {int(s.dead[at])} of {int(s.units[at])} units of {s.activations[at]} had slope 0 for all rows of "
        f"{len(s.signal)} sampled batches, so that no gradient passes them"
    )
    fix = ("leaky_relu in place of relu", "a smaller learning rate", "kaiming_normal_ weights and biases of 0")
    evidence = {"layer": s.activations[at], "dead": int(s.dead[at]), "units": int(s.units[at])}
    return Finding(code="D206", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def saturated(s: Steps) -> Finding | None:
    """D207."""
    if not s.stands or s.saturated.size == 0:
        return None
    shares = np.nan_to_num(s.saturated[[0, -1]].max(axis=0))
    at = int(np.argmax(shares))
    if not shares[at] >= SATURATED:
        return None
    text = (
        f"saturated units: {shares[at]:.0%} of the outputs of {s.bounded[at]} are at the ends of the activation, where "
        f"its slope is below a twentieth of its peak"
    )
    fix = ("xavier_normal_ weights and scaled inputs", "normalisation between layers", "relu and kaiming_normal_")
    evidence = {"layer": s.bounded[at], "share": float(shares[at]), "shares": shares.tolist()}
    return Finding(code="D207", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def symmetric(s: Steps) -> Finding | None:
    """D208."""
    if not s.stands or not s.symmetric[:-1].any():
        return None
    name = s.layers[int(np.argmax(s.symmetric))]
    text = f"symmetric start: all units of {name} start with equal weights and stay equal, as if they were one unit"
    fix = ("random initial weights, as torch draws them",)
    return Finding(code="D208", level=Level.WARNING, text=text, evidence={"layer": name}, fix=fix)


def stagnated(s: Steps) -> Finding | None:
    """D501."""
    lost = s.lost[np.isfinite(s.lost)]
    if len(lost) < 3 or not np.median(lost) > MOST_GRADIENT:
        return None
    share = float(np.median(lost))
    text = (
        f"{s.dtype} stagnation: steps leave the weights unchanged that have {share:.0%} of the squared gradient, since they "
        f"are smaller than half a unit in the last place; this is not convergence"
    )
    fix = ("keep the weights in float32 and compute in half precision by torch.autocast",)
    return Finding(code="D501", level=Level.WARNING, text=text, evidence={"share": share}, fix=fix)


def small_epsilon(s: Steps) -> Finding | None:
    """D502."""
    if s.eps is None or not s.eps < s.least:
        return None
    text = (
        f"epsilon {s.eps:.2g} is too small for {s.dtype}: the square of a gradient below {s.least:.1g} underflows to 0, "
        f"and the step then divides by epsilon alone"
    )
    fix = ("keep the weights in float32 and compute in half precision by torch.autocast", f"eps={s.least:.1g}")
    return Finding(code="D502", level=Level.WARNING, text=text, evidence={"eps": s.eps, "least": s.least}, fix=fix)


CHECKS = (
    rising, exploding, nonfinite, vanishing, dead, saturated, symmetric, stagnated, small_epsilon,
)  # fmt: skip
