"""rationale: for each value of the run that is kept, how it was found and the evidence."""

from typing import Any

import numpy as np

from descend import optimum as exact
from descend.engines import start
from descend.optimum.landscape import Landscape
from descend.optimum.noise_scale import noise_scale
from descend.options import Options
from descend.search.selection import best_per_variant, mean_score, repeats, score, usable
from descend.training import Fit
from descend.training.halving import competition

USABLE = 0.01  # of what the best rate gained: what another may lack and be called usable (arbitrary)

Entry = dict[str, Any]  # "rule", "source" and the evidence, all plain values for run.json


def rationale(fit: Fit, best: int, options: Options, landscape: Landscape) -> dict[str, Entry]:
    """Return {value: {"rule": "auto" | "typed" | "default", "source": one sentence, evidence ...}}."""
    return {
        "optimizer": _optimizer(fit, best, options),
        "lr": _rate(fit, best, options, landscape),
        "batch": _batch(fit, best, options),
        "schedule": _schedule(fit, best, options),
        **_restarts(fit, best, options),
    }


def criterion(fit: Fit) -> str:
    """Return what runs were chosen by."""
    return "validation loss" if fit.guided else "training loss"


def _entry(option: object, source: str) -> Entry:
    is_auto = isinstance(option, str) and option == "auto"
    return {"rule": "auto", "source": source} if is_auto else {"rule": "typed", "source": "given by the user"}


def _optimizer(fit: Fit, best: int, options: Options) -> Entry:
    ahead = [best if _same_variant(fit, r, best) else r for r in best_per_variant(fit)]
    scores = {fit.plan.settings[r].label: mean_score(fit, r) for r in ahead}
    seeds = max(len(repeats(fit, r)) for r in ahead)
    over = f", mean over {seeds} seeds" if seeds > 1 else ""
    outcomes = {o.word for o in (fit.outcomes[r] for r in ahead)}
    converged = ", all of which reached the optimum" if outcomes == {"converged"} else ""
    source = f"lowest {criterion(fit)} of {len(scores)} variants{over}{converged}"
    return {**_entry(options.optimizer, source), "scores": scores}


def _same_variant(fit: Fit, r: int, best: int) -> bool:
    return fit.plan.settings[r].label == fit.plan.settings[best].label


def _rate(fit: Fit, best: int, options: Options, landscape: Landscape) -> Entry:
    own, rows = fit.plan.settings[best], fit.problem.data.rows
    batch_size = rows if fit.problem.network is not None else own.rows_a_step(rows)
    limit = exact.stability_limit(own.rule, own.constants, landscape.curvature, batch_size, rows)
    rivals = sorted(
        (r for r in range(len(fit.plan)) if _same_variant(fit, r, best)), key=lambda r: -fit.plan.settings[r].lr
    )
    tried = [
        {"lr": fit.plan.settings[r].lr, "score": score(fit, r), "epochs": int(fit.epochs[r]), "status": fit.outcomes[r].word,
         **{k: v for k, v in fit.plan.settings[r].constants.items() if k != "lr" and v != own.constants[k]}}
        for r in rivals
    ]  # fmt: skip
    place = "below the stability limit" if limit is not None else "on a log scale, by the distance that weights go"
    rates = len({(entry["lr"], *(entry[k] for k in own.constants if k in entry)) for entry in tried})
    source = f"best of {rates} rates {place}, by successive halving"
    return {**_entry(options.lr, source), "stability_limit": limit, "curvature": landscape.curvature.largest,
            "band": _band(fit, best), "tried": tried}  # fmt: skip


def _band(fit: Fit, best: int) -> list[float]:
    """The smallest and the largest rate of the same setting whose score is nearly as good."""
    runs = [r for r, s in enumerate(fit.plan.settings) if competition(s) == competition(fit.plan.settings[best])]
    initial = fit.trace.held_out[best, 0] if fit.guided else fit.trace.loss[best, 0]
    enough = score(fit, best) + USABLE * max(float(initial) - score(fit, best), 0.0)
    rates = [fit.plan.settings[r].lr for r in runs if usable(fit, r) and score(fit, r) <= enough]
    return [min(rates), max(rates)] if rates else []


def _batch(fit: Fit, best: int, options: Options) -> Entry:
    """The batch size, and how many rows a step the noise of the gradient would reward."""
    problem, own = fit.problem, fit.plan.settings[best]
    noise = noise_scale(problem, start(problem, fit.plan.take([best])).weights[0], own.seed)
    entry = _entry(options.batch_size, f"the default of {own.label}: {own.batch} rows a step")
    if noise is None or not np.isfinite(noise.rows):
        return entry
    rows = max(1, round(noise.rows))
    advice = (
        f"at the start, steps get better up to about {min(rows, problem.data.rows_in_all):,} rows, and hardly beyond"
    )
    return {**entry, "noise_scale": noise.rows, "advice": advice}


def _schedule(fit: Fit, best: int, options: Options) -> Entry:
    own, schedule = fit.plan.settings[best], options.schedule
    if schedule != "auto":
        rule = "default" if schedule == "none" and not options.warmup else "typed"
        return {"rule": rule, "source": f"{schedule}, warm-up {options.warmup} steps", "value": schedule}
    scores = {
        s.schedule: mean_score(fit, r)
        for r, s in enumerate(fit.plan.settings)
        if (s.label, s.constants, s.batch_size) == (own.label, own.constants, own.batch_size)
    }
    source = f"a schedule is kept only where its {criterion(fit)} is clearly lower than that of a constant rate"
    return {"rule": "auto", "source": source, "value": own.schedule, "scores": scores}


def _restarts(fit: Fit, best: int, options: Options) -> dict[str, Entry]:
    """Of how many initial weights a network was chosen, and how much they differ."""
    if options.restarts == 1:
        return {}
    losses = [score(fit, r) for r in repeats(fit, best)]
    with np.errstate(invalid="ignore"):  # of starts that failed, whose loss is infinite, it is not known
        spread = float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0
    entry = {"rule": "typed", "source": "given by the user", "seed": fit.plan.settings[best].seed}
    return {"restarts": {**entry, "losses": losses, "spread": spread}}
