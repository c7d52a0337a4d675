"""Steps that clipping, warm-up or a schedule keep short; each beside a run without."""

import numpy as np
import pandas as pd
import pytest

import descend as ds

QUIET = {"progress": False, "seeds": 1}


def frame(rows=200):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=list("abc"))
    return table.assign(y=2 * table.a - table.b + rng.normal(size=rows))


def found(code, **options):
    return {f.code: f for f in ds.train(frame(), "y", **QUIET, **options).findings}.get(code)


@pytest.mark.parametrize("optimizer", ["gd", "momentum"])
def test_a_clip_below_every_gradient_is_told(optimizer):
    how = {"optimizer": optimizer, "lr": 0.05, "max_epochs": 40}
    finding = found("D212", clip=1e-3, **how)
    assert finding.evidence["last"] > 3e-3
    assert finding.fix[:2] == ("--clip none --lr auto", "--clip none")
    assert found("D212", clip=10.0, **how) is None


def test_an_adaptive_rule_does_not_mind_a_clip():
    assert found("D212", optimizer="adam", lr=0.1, clip=1e-3, max_epochs=100) is None


def test_a_warm_up_that_outlasts_the_run_is_told_with_the_rate_it_had():
    how = {"optimizer": "gd", "lr": 0.1, "max_epochs": 40}
    finding = found("D213", warmup=10_000, **how)
    assert finding.evidence["lr"] == pytest.approx(0.1 * 40 / 10_000, rel=0.05)
    assert finding.text.startswith(
        "warm-up too long: at step 40, the last one, the learning rate was 0.0004, 0.4% of 0.1;"
    )
    assert found("D213", warmup=5, **how) is None


def test_a_schedule_that_takes_the_rate_away_too_early_is_told():
    finding = found("D213", optimizer="gd", lr=0.03, schedule="exponential", max_epochs=60)
    assert finding.evidence["schedule"] == "exponential"
    assert finding.fix[0] == "--schedule none"
    assert found("D213", optimizer="gd", lr=0.5, schedule="exponential", max_epochs=60) is None
