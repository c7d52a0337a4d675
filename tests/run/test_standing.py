"""Variants differ where paired losses say so: the same optimum ties, the same model ties, seeds count."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

import descend as ds
from descend.run.standing import ALPHA, Contestant, Standing, row_losses, standings, ties


def contestant(run, losses, *, at_optimum=False, failed=False):
    """Losses (seeds, rows), whose means are the scores."""
    losses = np.atleast_2d(np.asarray(losses, np.float64))
    return Contestant(run=run, scores=losses.mean(axis=1), measure=lambda: losses, at_optimum=at_optimum, failed=failed)


def test_without_chance_it_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    best = rng.normal(5, 1, 40) ** 2
    for shift in np.linspace(0, 1.0, 21):
        other = best + shift + rng.normal(0, 1, 40)
        if other.mean() > best.mean():
            p = stats.ttest_rel(other, best).pvalue
            assert ties(contestant(1, other), contestant(0, best)) == (p >= ALPHA)


def test_seeds_have_a_part_in_the_error():
    rows = np.random.default_rng(1).normal(100, 1, 500)
    best = np.array([rows, rows, rows])
    steady = best + 1.0
    lucky = best + np.array([[-3.0], [0.5], [5.5]])  # the same mean difference, another with each seed

    assert not ties(contestant(1, steady), contestant(0, best))
    assert ties(contestant(1, lucky), contestant(0, best))


def test_a_variant_without_chance_is_paired_with_each_seed_of_the_other():
    rows = np.random.default_rng(2).normal(100, 1, 50)
    assert not ties(contestant(1, [rows + 5, rows + 5.1, rows + 4.9]), contestant(0, rows))


def test_two_models_at_the_optimum_tie_and_so_do_scores_within_a_thousandth():
    rows = np.full(50, 10.0)
    assert not ties(contestant(1, rows + 1), contestant(0, rows))
    assert ties(contestant(1, rows + 1, at_optimum=True), contestant(0, rows, at_optimum=True))
    assert not ties(contestant(1, rows + 1), contestant(0, rows, at_optimum=True))
    assert ties(contestant(1, rows + 0.009), contestant(0, rows))


def test_identical_models_are_told_apart_in_at_most_five_per_cent():
    """Eight variants of one expected loss, with chance in rows and seeds: how often any is called behind the best."""
    rng = np.random.default_rng(3)
    apart = 0
    for _ in range(300):
        base = rng.normal(10, 1, 60)
        made = tuple(contestant(k, base + rng.normal(0, 0.3, (3, 1)) + rng.normal(0, 1, (3, 60))) for k in range(8))
        apart += sum(s is Standing.BEHIND for s in standings(made, "rmse").values())
    assert apart / (300 * 7) <= 0.05


def test_the_test_can_tell_apart():
    rng = np.random.default_rng(4)
    rows = rng.normal(10, 1, 200)
    made = tuple(contestant(k, rows + k + rng.normal(0, 1, (5, 200))) for k in range(2))
    assert standings(made, "rmse") == {0: Standing.BEST, 1: Standing.BEHIND}


def test_the_best_is_the_best_by_what_is_shown_and_failures_are_failures():
    rows = np.full((3, 30), 0.9)
    made = (contestant(0, rows), contestant(1, rows + 0.05), contestant(2, rows - 0.5, failed=True))
    assert standings(made, "rmse") == {0: Standing.BEST, 1: Standing.BEHIND, 2: Standing.FAILED}
    assert standings(made[2:], "rmse") == {2: Standing.FAILED}
    assert standings(made[:2], "accuracy")[1] is Standing.BEST


def test_row_weights_count():
    best, other = np.full(40, 10.0), np.full(40, 10.0)
    other[:20] += np.linspace(5, 6, 20)
    weight = np.r_[np.zeros(20), np.ones(20)]
    assert not ties(contestant(1, other), contestant(0, best))
    assert ties(contestant(1, other), contestant(0, best), 1, weight)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("target", ["body_mass_g", "sex"])
def test_variants_at_the_optimum_are_never_behind(penguins, target, seed):
    run = ds.train(penguins, target, random_state=seed, time_budget=5, progress=False)
    fit, landscape = run.search_result.fit, run.search_result.landscape
    gaps = {run.tried[r].variant: landscape.gap(float(fit.loss[r])) for r in run.search_result.best_per_variant}
    standing = {t.variant: t.standing for t in run.trials}
    converged = [name for name, gap in gaps.items() if gap is not None and gap < 2e-4]

    assert len(converged) >= 3
    if any(standing[name] == "best" for name in converged):
        assert all(standing[name] in ("best", "tie with best") for name in converged)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_of_what_rows_add_to_balanced_accuracy_is_what_it_lacks(small, weighted):
    p = small("softmax", outputs=3, weighted=weighted)
    z = np.random.default_rng(0).normal(size=(p.data.rows, 3))
    losses = row_losses(p, z, p.data, "balanced_accuracy")
    right = balanced_accuracy_score(p.data.y, z.argmax(axis=1), sample_weight=p.data.sample_weight)
    assert np.average(losses, weights=p.data.sample_weight) == pytest.approx(1 - right)
