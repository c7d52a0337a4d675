"""build: the one place where data, a loss and options become a Problem."""

from descend.arrays import Array
from descend.losses import Loss
from descend.memory import free_memory
from descend.options import Options
from descend.problem.initialise import initial
from descend.problem.network import Network, check_memory
from descend.problem.problem import Problem
from descend.table.data import Data

SLOTS = 2  # memories of a rule that a network is checked for beforehand: as many as adam has


def build_problem(
    data: Data, loss: Loss, constants: dict[str, float], outputs: int, options: Options, *, intercept: bool = True
) -> Problem:
    """Return the problem that options make of prepared data: a linear model, or a network.

    Args:
        data: scaled features and target.
        loss, constants: the loss of one prediction, such as huber with {"delta": 1.0}.
        outputs: columns of the prediction: 1, or the number of classes or targets.
        options: the shape of the model and its penalties.
        intercept: whether a linear model has biases.

    Raises UsageError when a network of that shape does not fit in the memory that is free.
    """
    network = None
    if options.hidden_layer_sizes:
        network = Network(
            (data.features, *options.hidden_layer_sizes, outputs), options.activation, options.batch_norm,
            options.residual, options.dropout,
        )  # fmt: skip
        check_memory(network, 1, SLOTS, data.X.itemsize, free_memory())
    return Problem(data, loss, constants, outputs, intercept, options.l2, options.l1, network)


def initial_weights(problem: Problem, options: Options) -> Array | None:
    """Return where the first run of a network starts (params,), float64; None for a linear model, which starts at 0."""
    return None if problem.network is None else initial(problem.network, options.init, options.random_state)
