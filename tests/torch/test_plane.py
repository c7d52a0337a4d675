"""surface: the plane of a path, what it shows, and how far it is off."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from tests.torch.loops import Recurrent, mlp, table
from torch import nn

import descend.torch as dt
from descend.errors import UsageError
from descend.torch.plane import main_directions


def linear(columns=2, seed=0):
    """A linear model of that many weights without bias, and data."""
    torch.manual_seed(seed)
    x = torch.randn(40, columns, dtype=torch.float64)
    return nn.Linear(columns, 1, bias=False).double(), (x, x.sum(1, keepdim=True))


def exact(data, w):
    x, y = (t.numpy() for t in data)
    return float(np.mean((x @ w - y[:, 0]) ** 2))


def test_two_weights_lie_in_the_plane_whole_and_every_loss_is_exact():
    model, data = linear()
    path = torch.tensor([[2.0, -1.0], [1.5, 0.5], [1.0, 1.0]], dtype=torch.float64)
    found = dt.surface(model, data, path, size=7)
    assert found.shown == pytest.approx(1.0)
    assert found.mismatch < 1e-12
    assert not found.is_sketch
    for j in (0, 3, 6):
        for i in (0, 2, 6):
            w = path[-1].numpy() + found.x[i] * found.directions[0] + found.y[j] * found.directions[1]
            assert found.losses[j, i] == pytest.approx(exact(data, w))
    np.testing.assert_allclose(found.path_losses, [exact(data, w.numpy()) for w in path])
    np.testing.assert_allclose(found.path[-1], 0.0, atol=1e-15)
    assert (found.x[0], found.y[0]) < tuple(found.path.min(axis=0))
    assert found.text == "the plane shows 100% of the movement; at the points of the path its loss is off by at most 0%"


def test_movement_beside_the_plane_is_measured_and_makes_a_sketch():
    model, data = linear(3)
    path = torch.tensor([[4.0, 1.0, 1.0], [1.0, 3.0, 1.0], [1.0, 1.0, 2.5], [1.0, 1.0, 1.0]], dtype=torch.float64)
    found = dt.surface(model, data, path, size=5)
    sizes = np.linalg.svd((path - path[-1]).numpy(), compute_uv=False) ** 2
    assert found.shown == pytest.approx(sizes[:2].sum() / sizes.sum())
    shadows = path[-1].numpy() + found.path @ found.directions
    off = max(abs(exact(data, a) - exact(data, b.numpy())) for a, b in zip(shadows, path, strict=True))
    assert found.mismatch == pytest.approx(off / np.ptp(found.path_losses))
    assert found.is_sketch == (found.mismatch > 0.1)
    assert found.is_sketch
    assert found.text.startswith("a sketch: the plane shows ")
    assert "a sketch" in found.svg()


def test_directions_are_orthonormal_and_the_first_holds_most():
    moves = np.random.default_rng(0).normal(size=(6, 9)) * np.array([9, 3] + [0.1] * 7)
    directions, shown = main_directions(moves, 0)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    assert np.var(moves @ directions[0]) > np.var(moves @ directions[1])
    assert 0.9 < shown < 1


def test_a_path_that_is_a_line_gets_a_direction_across():
    directions, shown = main_directions(np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), 0)
    assert shown == pytest.approx(1.0)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    one, _ = main_directions(np.array([[2.0], [0.0]]), 0)
    np.testing.assert_allclose(np.abs(one), [[1.0], [0.0]])


def test_what_fit_returned_is_a_path_and_the_module_is_left_as_it_is():
    torch.manual_seed(0)
    model, data = nn.Sequential(mlp(), nn.BatchNorm1d(1), nn.Dropout(0.2)), table(40)
    fitted = dt.fit(model, data, optimizer="adam", lr=0.01, max_epochs=3)
    before, modes = {k: v.clone() for k, v in model.state_dict().items()}, [m.training for m in model.modules()]
    found = dt.surface(model, data, fitted, size=4)
    assert found.way == "side by side, by torch.func"
    assert len(found.path) == len(fitted.path)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert "4 × 4 losses" in repr(found)
    assert found._repr_html_().startswith("<figure><svg")


def test_one_by_one_gives_the_same_losses_and_says_so(monkeypatch):
    model, data = linear()
    path = [{"weight": torch.tensor([[2.0, -1.0]])}, {"weight": torch.tensor([[1.0, 1.0]])}]
    together = dt.surface(model, data, path, size=4)
    monkeypatch.setattr("descend.torch.side_by_side.call_with", None)
    alone = dt.surface(model, data, path, size=4)
    assert alone.way.startswith("one by one: torch.func cannot run Linear side by side")
    np.testing.assert_allclose(alone.losses, together.losses)


def test_a_recurrent_network_has_a_surface_too():
    torch.manual_seed(0)
    model = Recurrent()
    x = torch.randn(8, 5, 4)
    states = [{k: v * part for k, v in model.state_dict().items()} for part in (1.5, 1.2, 1.0)]
    found = dt.surface(model, (x, x.mean((1, 2))[:, None]), states, size=3)
    assert np.isfinite(found.losses).all()


def test_it_is_drawn_with_matplotlib():
    mpl.use("Agg")
    model, data = linear()
    ax = dt.surface(model, data, torch.tensor([[2.0, -1.0], [1.0, 1.0]]), size=4).plot()
    assert len(ax.lines) == 2
    assert ax.get_title().startswith("the plane shows 100%")
    mpl.pyplot.close(ax.figure)


REFUSED = {
    "another module": (
        torch.ones(3, 5), "other-module",
        "the trace has points of 5 weights, and the module has 2 that are trained; give the trace of this module",
    ),
    "a state without a weight": (
        [{"bias": torch.ones(1)}], "other-module", "a state of the trace has no weight; give state dicts of this module"
    ),
    "one point": (
        torch.ones(1, 2), "short-trace",
        "the trace has 1 points, it needs two different ones at least, all of them finite; record weights along the training, as "
        "fit does",
    ),
    "no movement": (
        torch.ones(3, 2), "short-trace",
        "the trace has 3 points, it needs two different ones at least, all of them finite; record weights along the training, as "
        "fit does",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trace", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_a_path_that_is_none_is_said(trace, code, text):
    model, data = linear()
    with pytest.raises(UsageError) as caught:
        dt.surface(model, data, trace)
    assert (caught.value.code, str(caught.value)) == (code, text)


def test_complex_parameters_are_refused():
    with pytest.raises(UsageError) as caught:
        dt.surface(
            nn.Linear(1, 1, dtype=torch.complex64),
            (torch.ones(4, 1).cfloat(),) * 2,
            torch.eye(2),
            loss=lambda z, y: (z - y).abs().sum(),
        )
    assert str(caught.value) == (
        "the model Linear has complex parameters, a plane is one of real numbers; draw its losses along the training, which fit returns "
        "as history"
    )


def test_a_size_that_is_none_is_said():
    model, data = linear()
    with pytest.raises(UsageError) as caught:
        dt.surface(model, data, torch.eye(2), size=2)
    assert str(caught.value) == "size is 2, it must be a whole number of at least 3; try 25"
