"""Options become a linear model or a network, and a network that does not fit in memory is refused."""

import numpy as np
import pytest

from descend.errors import UsageError
from descend.losses import loss
from descend.options import read_options
from descend.problem import build
from descend.problem.initialise import initial
from descend.problem.network import Network
from descend.table.data import Data

DATA = Data(np.ones((4, 3)), np.arange(4.0))


def built(outputs=1, y=DATA.y, intercept=True, **given):
    data = Data(DATA.X, y)
    return build.build_problem(data, loss("squared"), {}, outputs, read_options(given), intercept=intercept)


@pytest.mark.parametrize(("intercept", "params"), [(True, 4), (False, 3)])
def test_without_hidden_layers_it_is_a_linear_model_with_the_penalties_given(intercept, params):
    problem = built(intercept=intercept, l2=0.3, l1=0.1)

    assert (problem.network, problem.params, problem.l2, problem.l1) == (None, params, 0.3, 0.1)
    assert build.initial_weights(problem, read_options({})) is None


def test_a_network_has_the_shape_that_the_options_say():
    shape = {"activation": "tanh", "batch_norm": True, "residual": True, "dropout": 0.2}
    problem = built(2, np.zeros((4, 2)), hidden_layer_sizes=(5, 5), **shape)

    assert problem.network == Network((3, 5, 5, 2), "tanh", True, True, 0.2)


def test_the_first_run_of_a_network_starts_by_init_and_random_state():
    options = read_options({"hidden_layer_sizes": (5,), "init": "normal:0.3", "random_state": 7})
    problem = build.build_problem(DATA, loss("squared"), {}, 1, options)

    np.testing.assert_array_equal(build.initial_weights(problem, options), initial(problem.network, "normal:0.3", 7))


def test_a_network_that_does_not_fit_in_the_free_memory_is_refused(monkeypatch):
    """3 to 10 million to 1: 50,000,001 parameters, six times 8 bytes each."""
    monkeypatch.setattr(build, "free_memory", lambda: 2_000_000_000)
    with pytest.raises(UsageError) as caught:
        built(hidden_layer_sizes=(10_000_000,))
    assert str(caught.value) == (
        "1 network of 50,000,001 parameters needs 2.4 GB with all that training keeps, 2.0 GB are free; "
        "use smaller hidden layers or fewer settings"
    )
    assert built(hidden_layer_sizes=(8_000_000,)).params == 40_000_001  # 1.9 GB
