"""D2, of what changes a step: clipping, warm-up and schedules that keep training from getting anywhere."""

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import FAR, Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.outcome import Outcome
from descend.problem import gradient

CLIPPED = 3.0  # gradient norm over the clip norm, at the start and at the end: no step of the run was whole (arbitrary)
RISING = 0.5  # of the full rate, that a warm-up has reached at most at the end (arbitrary)
LOWERED = 0.25  # of the highest rate, to which a schedule has fallen at most (arbitrary)


def _short(e: Evidence, budget: bool = False) -> bool:
    """Whether the run ended before it was where it could get.

    Args:
        budget: whether a network that ran out of its budget counts as one, whatever it has learned.
    """
    if e.outcome.failed or e.outcome == Outcome.CONVERGED:
        return False
    if e.gap is not None:
        return e.gap > FAR
    return not e.learned or (budget and e.outcome == Outcome.BUDGET)


def clipped(e: Evidence) -> Finding | None:
    """D212."""
    clip = e.setting.clip
    if not np.isfinite(clip) or e.limit is None or not _short(e, budget=True):
        return None
    first, last = (float(np.linalg.norm(_gradient(e, w))) for w in (_start(e), e.weights))
    if not min(first, last) > CLIPPED * clip or not clip * e.setting.lr * e.steps < _far(e):
        return None
    text = (
        f"clipping shortens every step: the gradient has norm {first:.3g} at the start and {last:.3g} at the end, and --clip {clip:g} cuts "
        f"it to {clip:g}, so that a step is at most {clip * e.setting.lr:.2g} long"
    )
    evidence = {"clip": clip, "first": first, "last": last, "lr": e.setting.lr}
    fix = ("--clip none --lr auto", "--clip none", f"--clip {first:.2g}")
    return Finding(code="D212", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _far(e: Evidence) -> float:
    """How far the weights must come: to the optimum, or for a network about as far as they are from 0; momentum adds up steps."""
    target = e.landscape.optimum.weights if e.problem.network is None else None
    distance = float(np.linalg.norm(_start(e) if target is None else target - _start(e)))
    return distance * (1 - e.setting.constants.get("beta", 0.0)) if e.setting.rule.memory else distance


def _start(e: Evidence) -> Array:
    """The weights before the first step."""
    if e.problem.network is None:
        return np.zeros(e.problem.params, e.problem.dtype)
    from descend.problem.initialise import initial

    return initial(e.problem.network, e.setting.init, e.setting.seed).astype(e.problem.dtype)


def _gradient(e: Evidence, weights: Array) -> Array:
    rows = e.batch_after(0)
    with np.errstate(all="ignore"):
        return gradient(e.problem, weights.astype(e.problem.dtype), rows)[1]


def lowered(e: Evidence) -> Finding | None:
    """D213."""
    rates = e.trace.lr[0][np.isfinite(e.trace.lr[0])]
    if len(rates) < 2 or len(e.setting.factors) < 2 or not _short(e, budget=True):
        return None
    full, last, highest = e.setting.lr, float(rates[-1]), float(rates.max())
    if last < RISING * full and last >= highest:
        steps = len(e.setting.factors)
        text = (
            f"warm-up too long: at step {e.steps:,}, the last one, the learning rate was {last:.2g}, {last / full:.1%} of {full:.3g}; "
            f"the warm-up takes {max(e.options.warmup, 1):,} steps"
        )
        fix = ("--warmup 0", "--warmup 0 --lr auto", f"--warmup {max(e.steps // 20, 1)}")
        evidence: dict[str, object] = {
            "lr": last,
            "full": full,
            "step": e.steps,
            "warmup": e.options.warmup,
            "schedule_steps": steps,
        }
        return Finding(code="D213", level=Level.WARNING, text=text, evidence=evidence, fix=fix)
    if e.setting.schedule in ("none", "plateau") or not last < LOWERED * highest or not _short(e):
        return None
    text = (
        f"the rate was lowered too early: the schedule {e.setting.schedule} had brought it from {highest:.2g} to {last:.2g} by step "
        f"{e.steps:,}, and the model was not yet where it could get"
    )
    fix = ("--schedule none", "--schedule none --lr auto", "--lr auto")
    evidence = {"lr": last, "full": highest, "step": e.steps, "schedule": e.setting.schedule}
    return Finding(code="D213", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


CHECKS = (clipped, lowered)

ENTRIES = (
    Entry(
        code="D212",
        title="clipping shortens every step",
        meaning="Clipping is meant for single huge gradients. With a norm below that of usual gradients every step has the same small "
        "length, and training crawls whatever the learning rate promises.",
        detected=f"The gradient norm is above {CLIPPED:g} times the clip norm at the start and at the end, the rule's steps are "
        "proportional to the gradient, and the run ended short of what it could learn.",
        fixes="No clipping, or a norm as large as that of the first gradient.",
        reference="Pascanu, Mikolov and Bengio 2013",
    ),
    Entry(
        code="D213",
        title="rate lowered too early, or raised too late",
        meaning="A warm-up that outlasts the training never reaches the rate that was asked for; a schedule that is shorter than the "
        "training needs takes the rate away before the model is where it could get.",
        detected=f"The run ended short of what it could learn, and its last rate was still rising and below {RISING:.0%} of the full one, "
        f"or had been brought below {LOWERED:.0%} of the highest one by a schedule.",
        fixes="A shorter warm-up; no schedule; a learning rate that is found.",
        reference="Loshchilov and Hutter 2017; Goyal et al. 2017",
    ),
)
