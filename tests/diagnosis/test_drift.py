"""What follows the time, by the correlation of successive values and by the share between stretches, against NumPy."""

import numpy as np
import pytest

from descend.diagnosis.drift import drift


def test_successive_values_are_compared_in_the_order_of_time():
    rng = np.random.default_rng(0)
    time = rng.permutation(300).astype(float)
    walk = np.cumsum(rng.normal(size=300))
    values = walk[time.astype(int)][:, None]
    a = walk - walk.mean()
    exact = np.corrcoef(a[1:], a[:-1])[0, 1]
    assert drift(time, values).correlation == pytest.approx(exact, abs=1e-3)
    assert drift(time, rng.normal(size=(300, 1))) is None
    assert drift(time[:19], values[:19]) is None  # too few times


def test_a_slow_drift_under_noise_is_the_share_between_stretches():
    rng = np.random.default_rng(0)
    time = rng.permutation(1000).astype(float)
    values = 0.6 * np.sin(time / 200) + rng.normal(size=1000)
    found = drift(time, values[:, None])
    groups = [values[time // 100 == k] for k in range(10)]
    within = sum(np.sum((g - g.mean()) ** 2) for g in groups) / 990
    assert found.share == pytest.approx(1 - within / np.var(values, ddof=1))
    assert found.text == f"residuals drift: {100 * found.share:.0f} % of their variance lies between stretches of time"
    assert drift(time, rng.permutation(values)[:, None]) is None
