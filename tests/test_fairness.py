"""On targets of pure noise the reported held-out score is no better than the baseline, beyond chance."""

import numpy as np
import pytest

import descend as ds
from descend.problem import mean_losses
from descend.problem.build import build_problem
from descend.search.search import search

SEEDS = 50
CHANCE = 34  # of 50 throws of a coin as many heads or more come in fewer than 1 of 100 trials


def trained(seed, task, **options):
    """A run on sixty rows of noise: the target has nothing to do with the features."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(120, 4)), rng.normal(size=120)
    target = y if task == "regression" else np.where(y > 0, "yes", "no")
    return ds.train(X, target, random_state=seed, seeds=1, progress=False, **options)


OPTIONS = {
    "linear": {"optimizer": "nesterov"},
    "network": {"hidden_layer_sizes": (4,), "optimizer": "adam", "max_epochs": 30},
    "stopped": {"optimizer": "nesterov", "patience": 3, "max_epochs": 100},
}


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("model", OPTIONS)
def test_noise_cannot_be_predicted(task, model):
    metric = "rmse" if task == "regression" else "logloss"
    runs = [trained(seed, task, **OPTIONS[model]).metrics for seed in range(SEEDS)]
    gained = np.array([m["baseline"][metric] - m["test"][metric] for m in runs])

    assert (gained > 0).sum() < CHANCE
    assert gained.mean() < 2 * gained.std(ddof=1) / np.sqrt(SEEDS)


def test_choosing_by_the_held_out_rows_would_be_seen():
    """The control: stopping and choosing by the rows that are then scored on beats the baseline beyond chance."""
    gained = []
    for seed in range(SEEDS):
        run = trained(seed, "regression", **OPTIONS["network"])
        prepared, options = run.prepared, run.options.replace(seeds=1, threads=1)
        problem = build_problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs, options)
        found = search(problem, prepared.test, options)
        baseline = mean_losses(problem, found.landscape.baseline_weights[None], prepared.test)[0]
        gained.append(baseline - np.nanmin(found.fit.held_out))
    assert np.mean(gained) > 2 * np.std(gained, ddof=1) / np.sqrt(SEEDS)
