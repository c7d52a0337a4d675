"""Labels: rows that contradict each other, and rows that look like another class; each beside a table without it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import descend as ds
from descend.diagnosis.labels import PENALTY, Margins, contradicted, left_out_margins

QUIET = {"progress": False, "seeds": 1, "optimizer": "nesterov"}


def frame(rows=300, noise=0.3):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    return table.assign(k=np.where(table.a - table.b + noise * rng.normal(size=rows) > 0, "yes", "no"))


def codes(table):
    return {f.code: f for f in ds.train(table, "k", **QUIET).findings}


def test_rows_of_one_kind_and_two_labels_are_counted_in_both_parts():
    table = frame()
    other = table.head(60).assign(k=lambda t: np.where(t.k == "yes", "no", "yes"))
    found = codes(pd.concat([table, other], ignore_index=True))["D410"]

    assert found.evidence["count"] == 120
    assert sorted(found.evidence["rows"])[:3] == [1, 2, 3]
    assert found.text.startswith(
        "labels contradict each other: 120 of 360 rows (33 %) have the same features as a row of"
    )


def test_a_few_twins_and_rows_of_few_values_are_natural():
    table = frame()
    other = table.head(5).assign(k="no")
    assert "D410" not in codes(pd.concat([table, other], ignore_index=True))
    rng = np.random.default_rng(0)
    coarse = pd.DataFrame(rng.integers(0, 3, size=(400, 3)), columns=["a", "b", "c"]).assign(
        k=rng.choice(["u", "v"], 400)
    )
    assert "D410" not in codes(coarse)


def test_flipped_labels_are_named_by_their_rows():
    table = frame(noise=0.1)
    clear = np.flatnonzero(np.abs(table.a - table.b) > 1.5)[:10]
    table.loc[clear, "k"] = np.where(table.k[clear] == "yes", "no", "yes")
    found = codes(table)["D411"]

    assert set(clear + 1) <= set(found.evidence["rows"])
    assert found.evidence["count"] < 20


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0])
def test_natural_errors_lie_near_the_border(noise):
    assert "D411" not in codes(frame(noise=noise))


def test_margins_are_those_of_a_model_fitted_without_the_row():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = (X[:, 0] + rng.normal(size=40) > 0).astype(float)
    found = left_out_margins(X, y, 2).margin
    X = np.column_stack([(np.argsort(np.argsort(x)) - 19.5) / np.std(np.arange(40)) for x in X.T])
    for i in (0, 7, 39):
        rest = np.arange(40) != i
        model = Ridge(alpha=PENALTY * 40).fit(X[rest], np.eye(2)[y[rest].astype(int)])
        z = model.predict(X[i : i + 1])[0]
        assert found[i] == pytest.approx(z[int(y[i])] - z[1 - int(y[i])], abs=2e-3)  # the mean is that of all rows


def test_a_frequent_class_alone_is_no_skill():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    rare = rng.permutation(400)[
        :24
    ]  # always to say "no" is right about 94 %, and each of these rows is far from the border
    assert "D411" not in codes(table.assign(k=np.where(np.isin(np.arange(400), rare), "yes", "no")))


def test_a_cluster_on_the_wrong_side_is_no_slip():
    rng = np.random.default_rng(0)
    far = pd.DataFrame(rng.normal([-3, 3], 0.1, size=(20, 2)), columns=["a", "b"]).assign(c=0.0, k="yes")
    clear = frame().query("abs(a - b) > 0.5")
    assert "D411" not in codes(pd.concat([clear, far], ignore_index=True))
    one_each = clear.query("abs(a - b) > 1.5").iloc[::10]
    one_each = one_each.assign(k=one_each.k.map({"yes": "no", "no": "yes"}))
    assert "D411" in codes(pd.concat([clear.drop(one_each.index), one_each], ignore_index=True))


def test_neighbours_are_those_that_look_alike_to_the_model():
    y = np.array([0.0] * 12 + [1.0] * 12)
    places = np.r_[np.linspace(0, 1, 12), np.linspace(5, 6, 12)][:, None]
    y[3] = 1.0
    margins = Margins(margin=np.zeros(24), predicted=(places[:, 0] > 3).astype(int), places=places)
    assert contradicted(margins, y, np.array([3, 20])).tolist() == [3]


def test_rows_of_other_names_contradict_nothing():
    table = frame()
    twins = table.head(60).assign(k=lambda t: np.where(t.k == "yes", "no", "yes"))
    both = pd.concat([table, twins], ignore_index=True)
    assert "D410" in codes(both)
    assert "D410" not in codes(both.assign(state=[f"state {k * 7919 % 360 // 3}" for k in range(360)]))
