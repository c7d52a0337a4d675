"""Results have the same bits whatever number of threads BLAS may use, and users get their threads back."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import descend as ds
from descend import blas
from descend.blas import one_blas_thread


def threads():
    """Threads of the BLAS libraries that NumPy and compiled code call."""
    return [library["num_threads"] for library in blas._controller().info() if library["user_api"] == "blas"]


def test_products_are_held_to_one_thread_and_let_go():
    before = threads()
    assert before
    with one_blas_thread():
        assert set(threads()) == {1}
        with one_blas_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before


def test_they_are_let_go_when_training_fails():
    before = threads()
    with pytest.raises(KeyboardInterrupt), one_blas_thread():
        raise KeyboardInterrupt
    assert threads() == before


def test_a_decorated_function_keeps_its_name_and_runs_on_one_thread():
    @one_blas_thread()
    def seen(more):
        """Text."""
        return threads() + [more]

    assert seen.__name__ == "seen"
    assert seen.__doc__ == "Text."
    assert set(seen(1)) == {1}
    assert set(seen(more=1)) == {1}


def results():
    """Digests of what every entry computes; large enough that BLAS would share each product among its threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 30))
    y = X @ rng.standard_normal(30) + rng.standard_normal(20_000)
    few = {"optimizer": "adam", "lr": 0.01, "max_epochs": 3, "random_state": 3}
    bits = {}
    for name, model, target in (("regressor", ds.DescentRegressor, y), ("classifier", ds.DescentClassifier, y > 0)):
        for batch in ("full", 64):
            fitted = model(batch_size=batch, **few).fit(X, target)
            bits[f"{name} {batch}"] = [fitted.coef_, fitted.predict(X).astype(float)]
    bits["float32"] = [ds.DescentRegressor(**few).fit(X.astype(np.float32), y).coef_]
    bits["network"] = [ds.DescentRegressor(hidden_layer_sizes=(5,), **few).fit(X[:3000], y[:3000]).predict(X)]
    run = ds.train(X, y, optimizer="gd,adam", max_epochs=5, progress=False)
    bits["train"] = [run.model.weights, np.array(run.trace["loss"]), run.predict(X).values, np.array([run.gap])]
    bits["metrics"] = [np.array(list(part.values())) for part in run.metrics.values()]
    found = ds.find_lr(X, y > 0, variant="gd", max_epochs=2)
    bits["find_lr"] = [found.sweeps[0].losses, found.sweeps[0].rates]
    return {
        name: hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:12]
        for name, arrays in bits.items()
    }


@pytest.fixture(scope="module")
def one_thread():
    return in_a_process(1)


def in_a_process(count):
    limits = {f"{library}_NUM_THREADS": str(count) for library in ("OPENBLAS", "OMP", "MKL", "BLIS")}
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, check=False, env={**os.environ, **limits}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("count", [2, 3])
def test_more_threads_of_blas_give_the_bits_of_one(one_thread, count):
    assert in_a_process(count) == one_thread


def test_the_comparison_can_fail():
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((20_000, 30)), rng.standard_normal(20_000)
    from threadpoolctl import threadpool_limits

    sums = set()
    for count in (1, 2, 3, 4):
        with threadpool_limits(count, user_api="blas"):
            sums.add((X.T @ w).tobytes())
    if (os.cpu_count() or 1) > 1:
        assert len(sums) > 1


if __name__ == "__main__":
    json.dump(results(), sys.stdout)
