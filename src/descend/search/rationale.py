"""reasons: for each value of the run that is kept, how it was found and the evidence."""

from typing import Any

import numpy as np

from descend import optimum as exact
from descend.engines import start
from descend.optimum.landscape import Landscape
from descend.optimum.noise_scale import noise_scale
from descend.options import Options
from descend.search.selection import best_per_variant, score
from descend.training import Fit
from descend.training.halving import competition

USABLE = 0.01  # of what the best rate gained: what another may lack and be called usable


def reasons(fit: Fit, best: int, options: Options, landscape: Landscape) -> dict[str, dict[str, Any]]:
    """Return {value: {"rule": "auto" | "typed" | "default", "source": one sentence, evidence ...}}."""
    return {
        "optimizer": _optimizer(fit, best, options),
        "lr": _rate(fit, best, options, landscape),
        "batch": _batch(fit, best, options),
        "schedule": _schedule(fit, best, options),
        **_restarts(fit, best, options),
    }


def _reason(given: Any, source: str) -> dict[str, Any]:
    return {"rule": "auto", "source": source} if given == "auto" else {"rule": "typed", "source": "given by the user"}


def _optimizer(fit: Fit, best: int, options: Options) -> dict[str, Any]:
    ahead = best_per_variant(fit)
    scores = {fit.plan.settings[r].label: score(fit, best if _same(fit, r, best) else r) for r in ahead}
    held = "loss on rows that were set aside" if fit.guided else "training loss"
    reached = {o.word for o in (fit.outcomes[r] for r in ahead)} == {"converged"}
    source = f"lowest {held} of {len(scores)} variants" + (", all of which reached the optimum" if reached else "")
    return {**_reason(options.optimizer, source), "scores": scores}


def _same(fit: Fit, r: int, best: int) -> bool:
    return fit.plan.settings[r].label == fit.plan.settings[best].label


def _rate(fit: Fit, best: int, options: Options, landscape: Landscape) -> dict[str, Any]:
    own, largest = fit.plan.settings[best], landscape.curvature.largest
    limit = exact.limit(own.rule, own.constants, max(largest, 1e-300))
    rivals = sorted((r for r in range(len(fit.plan)) if _same(fit, r, best)), key=lambda r: -fit.plan.settings[r].lr)
    tried = [
        {"lr": fit.plan.settings[r].lr, "score": score(fit, r), "epochs": int(fit.epochs[r]), "status": fit.outcomes[r].word,
         **{k: v for k, v in fit.plan.settings[r].constants.items() if k != "lr" and v != own.constants[k]}}
        for r in rivals
    ]  # fmt: skip
    place = "below the stability limit" if limit is not None else "on a log scale, by the distance that weights go"
    source = f"best of {len(tried)} rates {place}; the worse half was given up again and again (successive halving)"
    return {**_reason(options.lr, source), "stability_limit": limit, "curvature": largest,
            "band": _band(fit, best), "tried": tried}  # fmt: skip


def _band(fit: Fit, best: int) -> list[float]:
    """The smallest and the largest rate about the best whose score is nearly as good."""
    own = [r for r, s in enumerate(fit.plan.settings) if competition(s) == competition(fit.plan.settings[best])]
    begun = fit.trace.held_out[best, 0] if fit.guided else fit.trace.loss[best, 0]
    enough = score(fit, best) + USABLE * max(float(begun) - score(fit, best), 0.0)
    usable = [fit.plan.settings[r].lr for r in own if not fit.outcomes[r].failed and score(fit, r) <= enough]
    return [min(usable), max(usable)] if usable else []


def _batch(fit: Fit, best: int, options: Options) -> dict[str, Any]:
    """The batch size, and how many rows a step the noise of the gradient would reward."""
    problem, own = fit.problem, fit.plan.settings[best]
    found = noise_scale(problem, start(problem, fit.plan.take([best])).weights[0], own.seed)
    said = _reason(options.batch_size, f"{own.label}'s own: {own.batch} rows a step")
    if found is None or not np.isfinite(found.rows):
        return said
    rows = max(1, round(found.rows))
    advice = f"at the start, steps get better up to about {min(rows, problem.data.rows):,} rows, and hardly beyond"
    return {**said, "noise_scale": found.rows, "advice": advice}


def _schedule(fit: Fit, best: int, options: Options) -> dict[str, Any]:
    own, given = fit.plan.settings[best], options.schedule
    if given != "auto":
        rule = "default" if given == "none" and not options.warmup else "typed"
        return {"rule": rule, "source": f"{given}, warm-up {options.warmup} steps", "value": given}
    scores = {s.schedule: score(fit, r) for r, s in enumerate(fit.plan.settings)
              if (s.label, s.constants, s.batch_size) == (own.label, own.constants, own.batch_size)}  # fmt: skip
    return {"rule": "auto", "source": "a schedule is kept only where it is clearly better on the rows that decide",
            "value": own.schedule, "scores": scores}  # fmt: skip


def _restarts(fit: Fit, best: int, options: Options) -> dict[str, dict[str, Any]]:
    """Of how many starts a network was chosen, and how much they differ."""
    if options.restarts == 1:
        return {}
    own = fit.plan.settings[best]
    last = {s.seed: score(fit, r) for r, s in enumerate(fit.plan.settings) if s.alike(own)}
    losses = [last[s] for s in sorted(last)]
    return {"restarts": {"rule": "typed", "source": "given by the user", "seed": own.seed, "losses": losses,
                         "spread": float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0}}  # fmt: skip
