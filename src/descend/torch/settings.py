"""settings: which rules at which rates a search tries on a module."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from descend import optimum as exact
from descend.options import BY_NAME
from descend.plan import Setting, setting, variant
from descend.search.candidates import NETWORK_ADAPTIVE, NETWORK_SHARES
from descend.torch.batches import Batch
from descend.torch.objective import Objective, copied, in_mode

# What "auto" tries: the eight variants, of which gd, sgd and minibatch are one rule here, where the batches are given.
AUTO = ("minibatch", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
PRODUCTS = 12  # of the Hessian with a vector: the largest curvature then lacks a few per cent

Optimizer = str | Callable[..., Any]


def base_settings(optimizer: Optimizer, batch_size: int, seed: int) -> list[Setting]:
    """Return a setting for each rule, at its default rate.

    Args:
        optimizer: "auto", names with commas between, or a rule of one's own; of names of one rule (gd, sgd and minibatch, whose
            batches are given here) the first.
        batch_size, seed: what stands in the setting.
    """
    if not isinstance(optimizer, str):
        return [_setting(optimizer, batch_size, seed, "")]
    named = {variant(name).rule: name for name in reversed(AUTO if optimizer == "auto" else optimizer.split(","))}
    return [_setting(rule, batch_size, seed, name) for rule, name in reversed(named.items())]


def _setting(rule: Any, batch_size: int, seed: int, label: str) -> Setting:
    made = setting(rule, lr=1.0, batch_size=batch_size, seed=seed, label=label)
    return made.at(lr=made.rule.constants["lr"])


def rates_of(base: Setting, lr: float | str, curvature: float) -> list[float]:
    """Return the rates to try: the one that was typed, shares of the stability limit, or what adaptive rules need."""
    if not isinstance(lr, str):
        return [lr]
    limit = limit_of(base, curvature)
    if exact.limit(base.rule, base.constants, 1.0) is None:
        return list(NETWORK_ADAPTIVE)
    return [share * (limit or 1.0) for share in NETWORK_SHARES]


def limit_of(base: Setting, curvature: float) -> float | None:
    """Return the rate above which a rule diverges at the initial weights; None where that is not known."""
    limit = exact.limit(base.rule, base.constants, curvature) if curvature > 0 else None
    return limit if limit is not None and math.isfinite(limit) else None


def checked(**given: Any) -> tuple[Any, ...]:
    """Return options as `descend.train` reads them, in their order; raises UsageError for a value out of range.

    >>> checked(lr="auto", time_budget="2m")
    ('auto', 120.0)
    """
    return tuple(BY_NAME[name].read(name, value) for name, value in given.items())


def largest_curvature(objective: Objective, batch: Batch) -> float:
    """Return the largest curvature at the module's weights, by power iteration on a batch; 0 where it cannot be computed."""
    module = copied(objective.module)
    trained = [p for p in module.parameters() if p.requires_grad]
    there = Objective(module=module, loss=objective.loss, name=objective.name, device=objective.device)
    generator = torch.Generator("cpu").manual_seed(0)  # torch's default device may be another one
    v = [torch.randn(p.shape, generator=generator, dtype=torch.float64, device="cpu").to(p) for p in trained]
    value = 0.0
    try:
        with in_mode(module, training=True):
            slopes = _gradient(there.of(batch.to(objective.device)), trained)
            for _ in range(PRODUCTS):
                length = math.sqrt(sum(float(x.square().sum()) for x in v))
                if not 0 < length < math.inf:
                    break
                v = [x / length for x in v]
                product = _gradient(slopes, trained, v)
                value = sum(float((a * b.detach()).sum()) for a, b in zip(v, product, strict=True))
                v = [x.detach() for x in product]
    except RuntimeError:  # an operation without second derivatives
        return 0.0
    return abs(value) if math.isfinite(value) else 0.0


def _gradient(of: Any, to: list[Tensor], weights: list[Tensor] | None = None) -> list[Tensor]:
    found = torch.autograd.grad(
        of, to, weights, create_graph=True, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return list(found)
