"""job: a module of torch, trained: rule and learning rate are found, and the best weights are left in it."""

import copy
import dataclasses
import math
import os
import time
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from torch.nn import Module

from descend import store
from descend.errors import UsageError
from descend.options.flags import in_keywords
from descend.options.readers import number
from descend.plan import Setting
from descend.search.task import MOST_EPOCHS
from descend.search.trainings import RACE_SHARE
from descend.torch.batches import Batch, InMemory, Loaded, Source, source_of
from descend.torch.fitted import Fitted, Searched, fitted_of
from descend.torch.objective import Loss
from descend.torch.preparation import Job, prepare, refuse_nonfinite
from descend.torch.race import race
from descend.torch.settings import Optimizer, base_settings, checked, largest_curvature, rates_of
from descend.torch.side_by_side import Way, on_runs, way_of
from descend.torch.training import Limits, Training, train

JUDGED_ROWS = (
    4_000  # training rows whose loss is measured after each epoch: all of a small table, a sample of a large one
)
SHARE = 0.2  # of rows in memory, which validate where nothing else is said
READ_SHARE = number(0, 1, "a share of at least 0 and below 1, data, 'none' or 'auto'", "try 0.2", open_high=True)
FEW_ROWS = 20  # with fewer none are set aside (arbitrary: four rows decide nothing)
MOST_TRIES = 3  # settings that are trained in full, where the better ones fail there


@in_keywords()
def fit(
    module: Module, data: Any, *, loss: str | Loss = "auto", validation: Any = "auto", optimizer: Optimizer = "auto",
    lr: float | str = "auto", batch_size: int | str = "auto", max_epochs: int | None = None, patience: int = 10,
    time_budget: float | None = 30.0, random_state: int = 0, run: str | os.PathLike[str] | None = None,
) -> Fitted:  # fmt: skip
    """Train a module: find the rule and the learning rate, train, and leave the best weights in it.

    What is left at "auto" is found by a race: each rule at several rates, all from the module's weights and on the same
    batches, side by side by `torch.func` where the module allows that, else one by one; `.way` says which, and why. After 200
    steps, 400 and 800 the worse half of each rule's rates is given up. The best setting is then trained from the start by an
    ordinary loop under `watch`, until patience or the time ends it.

    Args:
        module: any module, with its initial weights; its parameters are moved in place.
        data: (x, y) of tensors or arrays, x perhaps a tuple of inputs; a data set of torch; or a loader of batches.
        loss: "auto" by the target (softmax of classes, logloss of yes and no, else mse), or one of these names, huber,
            poisson, or a function of output and target.
        validation: what decides when to stop and which weights are kept: a share of the rows, data like `data`, or "none" for
            the training loss; "auto" is a fifth of rows in memory, and none of a loader.
        optimizer: "auto", names with commas between, or a rule of one's own.
        lr: "auto", or a number.
        batch_size: rows a step, "full" or "auto", a 32nd of the rows, 8 to 128; a loader has its own.
        max_epochs: at most; None for no limit, 0 for a look at the loss.
        patience: epochs without improvement that end the training.
        time_budget: seconds for all, or text such as "2m"; None for no limit.
        random_state: decides the order of the rows, and what the module draws.
        run: a folder for report, trace and run.json; `.save(folder)` writes one later.

    Raises UsageError and DataError for what cannot be trained; OutputError where the folder cannot be written.

    >>> import torch
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> model = torch.nn.Linear(1, 1)
    >>> found = fit(model, (x, 3 * x + 1), optimizer="momentum", max_epochs=40)
    >>> round(model(torch.ones(1, 1)).item(), 1)
    4.0
    """
    begun = time.monotonic()
    optimizer, lr, batch_size = checked(optimizer=optimizer, lr=lr, batch_size=batch_size)
    max_epochs, patience, time_budget = checked(max_epochs=max_epochs, patience=patience, time_budget=time_budget)
    (random_state,) = checked(random_state=random_state)
    deadline = math.inf if time_budget is None else begun + time_budget
    bases = base_settings(optimizer, 0, random_state)
    if run is not None:
        store.check_folder(Path(run), force=False)
    with prepare("fit", module, data, loss, batch_size, random_state) as job:
        source, judge, note = _parts(job, validation, random_state)
        bases = [dataclasses.replace(base, batch_size=source.size) for base in bases]
        searched = _search(job, bases, lr, source, judge, max_epochs, deadline)
        training = _train_first_that_works(job, searched, source, judge, max_epochs, patience, deadline)
    found = fitted_of(job.objective, searched, training, tuple(filter(None, [note])), time.monotonic() - begun)
    if run is not None:
        found.save(run)
    return found


def _parts(job: Job, validation: Any, seed: int) -> tuple[Source, Source | None, str]:
    """Rows to train on, rows that decide, and a note on where these come from."""
    source, share = job.source, validation
    if isinstance(validation, str) and validation in ("none", "auto"):
        enough = validation == "auto" and isinstance(source, InMemory) and len(source.target) >= FEW_ROWS
        share = SHARE if enough else 0.0
    if isinstance(share, int | float):
        share = READ_SHARE("validation", share)
        if share == 0:
            return source, None, "" if validation == "none" else "nothing validates, so the training loss decides"
        if not isinstance(source, InMemory):
            raise UsageError(
                "validation is a share, and a loader cannot be split",
                fix="give a loader as validation",
                code="no-split",
            )
        rest, part = source.parts(share, seed)
        return rest, part, f"{len(part.target):,} of {len(source.target):,} rows validate"
    dtype = next(p.dtype for p in job.objective.module.parameters())
    given = source_of(validation, source.size or "full", dtype)
    refuse_nonfinite(given)
    return source, given, "data that were given validate"


def _search(
    job: Job, bases: Sequence[Setting], lr: float | str, source: Source, judge: Source | None, max_epochs: int | None,
    deadline: float,
) -> Searched:  # fmt: skip
    """Let all settings race; a single one needs none."""
    curvature = largest_curvature(job.objective, job.first) if isinstance(lr, str) else 0.0
    settings = [base.at(lr=rate) for base in bases for rate in rates_of(base, lr, curvature)]
    if len(settings) == 1:
        return Searched(tuple(settings), None, Way(False, "one setting, no race"), curvature)
    way = way_of(job.objective, settings[0], job.first)
    left = deadline - time.monotonic()
    an_epoch = steps_of(source)
    most = math.inf if max_epochs is None or an_epoch is None else max_epochs * an_epoch
    until = math.inf if left == math.inf else time.monotonic() + RACE_SHARE * max(left, 0.0)
    seed = settings[0].seed
    steps = int(min(most, MOST_EPOCHS))
    ran, way = on_runs(job.objective, settings, way, lambda runs: race(runs, source, judge, seed, steps, until))
    return Searched(tuple(settings), ran, way, curvature)


def steps_of(source: Source) -> int | None:
    """Return the steps of an epoch; None where a loader does not say."""
    if isinstance(source, InMemory):
        return -(-len(source.target) // source.size) if source.size else 1
    try:
        return len(source.loader) if isinstance(source, Loaded) and isinstance(source.loader, Sized) else None
    except TypeError:  # a DataLoader of a data set without a length
        return None


def _train_first_that_works(
    job: Job, searched: Searched, source: Source, judge: Source | None, max_epochs: int | None, patience: int, deadline: float
) -> Training:  # fmt: skip
    """Train the best setting in full; where it fails there, the next one."""
    start, judges = copy.deepcopy(job.objective.module.state_dict()), _judges(source)
    tries = searched.in_order()[:MOST_TRIES]
    for k, setting in enumerate(tries):
        limits = Limits(epochs=MOST_EPOCHS if max_epochs is None else max_epochs, deadline=deadline, patience=patience)
        training = train(job.objective, setting, source, judges, judge, limits)
        if not training.outcome.failed or time.monotonic() > deadline or k + 1 == len(tries):
            break
        job.objective.module.load_state_dict(start)
    return training


def _judges(source: Source) -> list[Batch]:
    """Training batches whose loss is measured after each epoch."""
    if isinstance(source, InMemory):
        few = source.first(JUDGED_ROWS)
        return list(InMemory(few.inputs, few.target, max(few.size, 256) if few.size else 0).epoch(0))
    batches: list[Batch] = []
    for batch in source.epoch(0):
        batches.append(batch)
        if sum(b.rows for b in batches) >= JUDGED_ROWS:
            break
    return batches
