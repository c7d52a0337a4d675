"""The layout that compiled passes read."""

from descend.engines.kernels.passes import layer_table
from descend.problem.network import Network


def test_layers_as_rows_of_numbers():
    found = layer_table(Network((3, 2, 2, 1), batch_norm=True, residual=True))

    assert found.tolist() == [
        [3, 2, 0, -1, 6, 8, 10, 12, 0, 0],
        [2, 2, 14, -1, 18, 20, 22, 24, 1, 2],
        [2, 1, 26, 28, -1, -1, -1, -1, 0, 4],
    ]
