"""What is seen of losses, activations and backward passes, and what is not taken for a fault."""

import pytest
import torch
import torch.nn.functional as F

from descend.torch.interception import Interception

P = torch.ones(4, 1, requires_grad=True)
T = torch.zeros(4)


def seen(call, prediction=P):
    mode = Interception(lambda *_: None, lambda run: run())
    with mode:
        mode.predicted([prediction])
        call()
    return mode


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    "call",
    [
        lambda: P - T, lambda: T - P, lambda: torch.sub(P, T), lambda: P.sub(T), lambda: F.mse_loss(P, T),
        lambda: F.l1_loss(input=P, target=T), lambda: torch.nn.HuberLoss()(P, T), lambda: P.reshape(4, 1) - T,
        lambda: torch.sigmoid(P) - T, lambda: F.mse_loss(P * 2, T),
    ],
)  # fmt: skip
def test_a_difference_that_becomes_a_table_is_seen_however_it_is_written(call):
    assert seen(call).shapes == ((4, 1), (4,))


@pytest.mark.parametrize(
    "call",
    [
        lambda: P - T[:, None], lambda: P[:, 0] - T, lambda: P - 1.0, lambda: P - torch.ones(()), lambda: P - P[:, 0],
        lambda: torch.ones(4, 1) - T, lambda: P - torch.ones(1), lambda: P - torch.ones(4, requires_grad=True),
        lambda: P[:, None] - torch.zeros(1, 3, 1), lambda: F.mse_loss(P, T[:, None]),
    ],
)  # fmt: skip
def test_a_difference_that_is_meant_is_left_in_peace(call):
    assert seen(call).shapes is None


def test_a_loss_of_unequal_shapes_is_seen_without_a_table_too():
    with pytest.warns(UserWarning, match="Using a target size"):
        assert seen(lambda: F.mse_loss(P, torch.zeros(4, 2))).shapes == ((4, 1), (4, 2))


def test_scores_are_those_that_the_loss_was_given():
    scores = torch.randn(4, 3, requires_grad=True)
    assert torch.equal(seen(lambda: F.cross_entropy(scores, torch.zeros(4, dtype=torch.long))).scores, scores)
    assert seen(lambda: F.binary_cross_entropy_with_logits(P, torch.zeros(4, 1))).scores is None
    twice = seen(lambda: F.binary_cross_entropy_with_logits(torch.sigmoid(P), torch.zeros(4, 1))).scores
    assert twice.shape == (4, 2)
    torch.testing.assert_close(twice.sum(dim=1), torch.ones(4))


def test_activations_are_told_with_what_went_in_also_in_place():
    heard = []
    with Interception(
        lambda name, given, found: heard.append((name, given.tolist(), found.tolist())), lambda run: run()
    ):
        x = torch.tensor([-1.0, 1.0])
        F.relu(x)
        torch.nn.Tanh()(torch.zeros(2))
        F.relu(x, inplace=True)
    assert heard == [
        ("relu", [-1.0, 1.0], [0.0, 1.0]), ("tanh", [0.0, 0.0], [0.0, 0.0]), ("relu", [-1.0, 1.0], [0.0, 1.0]),
    ]  # fmt: skip


def test_backward_passes_are_run_by_who_listens_and_a_resting_mode_hears_nothing():
    ran = []

    def around(run):
        ran.append("before")
        run()
        ran.append(p.grad.item())

    p = torch.ones((), requires_grad=True)
    mode = Interception(lambda *_: ran.append("activation"), around)
    with mode:
        (3 * p).backward()
        mode.listening = False
        torch.relu(p).backward()
    assert ran == ["before", 3.0]
