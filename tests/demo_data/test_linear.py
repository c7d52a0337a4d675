"""The tutorial's example: its data are torch's, its printed run comes out again, and its fault is named."""

import numpy as np
import pytest
import torch

from descend.demo_data import example, faulty_run
from descend.errors import UsageError
from descend.problem.shapes import check_shapes

PRINTED = [  # epoch, weight, bias, loss, as the tutorial prints them
    (100, (-0.2618025, 0.44433367), -0.17722966, "14.1803"),
    (200, (-0.21144074, 0.35393423), -0.7892358, "10.3030"),
    (300, (-0.17063744, 0.28172654), -1.2897989, "7.7120"),
    (400, (-0.13759881, 0.22408141), -1.699218, "5.9806"),
    (500, (-0.11086453, 0.17808875), -2.0340943, "4.8235"),
    (600, (-0.08924612, 0.14141548), -2.3080034, "4.0502"),
    (700, (-0.0717768, 0.11219224), -2.5320508, "3.5333"),
    (800, (-0.0576706, 0.08892148), -2.7153134, "3.1878"),
    (900, (-0.04628877, 0.07040432), -2.8652208, "2.9569"),
    (1000, (-0.0371125, 0.05568104), -2.9878428, "2.8026"),
]


@pytest.fixture(scope="module")
def drawn():
    """What the tutorial draws, in its order: the model's own start comes between the data and the start it sets."""
    with torch.random.fork_rng():
        torch.manual_seed(42)
        x = torch.randn(1000, 2)
        torch.nn.Linear(2, 1)
        weight, bias = torch.randn(1, 2), torch.rand(1)
    return x, x @ torch.tensor([1.3, -1]) + torch.tensor([-3.5]), weight, bias


def test_the_data_are_torchs_to_the_bit(drawn):
    x, y, weight, bias = (tensor.numpy() for tensor in drawn)
    given = example()

    assert given.X.dtype == given.y.dtype == given.start_weight.dtype == given.true_weight.dtype == np.float32
    assert given.X.shape == (1000, 2)
    assert given.X.tobytes() == x.tobytes()
    assert given.y.tobytes() == y.tobytes()
    assert given.start_weight.tobytes() == weight.tobytes()
    assert given.start_bias == bias[0]
    assert np.round(given.start_weight, 4).tolist() == np.array([-0.3239, 0.5574], np.float32).tolist()
    assert round(given.start_bias, 4) == 0.5710
    assert given.true_weight.tolist() == [np.float32(1.3), -1]
    assert given.true_bias == -3.5


def test_every_call_returns_arrays_of_its_own():
    example().X[:] = 0

    assert example().X.any()


def test_the_printed_run_comes_out_again():
    start, *lines = faulty_run(example())

    assert (start.epoch, f"{start.loss:.4f}") == (0, "19.9126")
    assert start.weight.tolist() == example().start_weight.tolist()
    assert [(line.epoch, f"{line.loss:.4f}") for line in lines] == [(epoch, loss) for epoch, _, _, loss in PRINTED]
    for line, (_, weight, bias, _) in zip(lines, PRINTED, strict=True):
        np.testing.assert_allclose(line.weight, weight, rtol=0, atol=1e-6)
        assert line.bias == pytest.approx(bias, rel=0, abs=1e-6)
        assert line.weight.dtype == np.float32


def test_without_the_fault_another_run_comes_out():
    wrong = faulty_run(example(), lr=0.00101)

    assert f"{wrong[-1].loss:.4f}" != "2.8026"


def test_a_live_run_of_the_faulty_loop_agrees(drawn):
    x, y, weight, bias = drawn
    weight, bias = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    lines = faulty_run(example(), epochs=100, every=20)[1:]
    for epoch in range(1, 101):
        loss = ((y - (x @ weight.mT + bias)) ** 2).mean()
        slopes = torch.autograd.grad(loss, (weight, bias))
        with torch.no_grad():
            weight -= 0.001 * slopes[0]
            bias -= 0.001 * slopes[1]
        if epoch % 20 == 0:
            line = lines[epoch // 20 - 1]
            assert line.loss == pytest.approx(loss.item(), rel=1e-6)
            np.testing.assert_allclose(line.weight, weight.detach().numpy()[0], rtol=0, atol=1e-6)
            assert line.bias == pytest.approx(bias.item(), rel=0, abs=1e-6)


def test_the_loss_is_the_mean_of_the_table_of_all_pairs():
    given = example()
    prediction = (given.X @ given.start_weight + np.float32(given.start_bias))[:, None]

    table = (prediction.astype(np.float64) - given.y) ** 2

    assert table.shape == (1000, 1000)
    assert faulty_run(given, epochs=0)[0].loss == pytest.approx(table.mean(), rel=1e-14)
    with pytest.raises(UsageError, match="silently"):
        check_shapes(prediction.shape, given.y.shape)


def test_the_right_weights_leave_nothing():
    given = example()
    right = given.X.astype(np.float64) @ given.true_weight + given.true_bias

    assert np.abs(right - given.y).max() < 1e-6
