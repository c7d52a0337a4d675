"""Array: the type of every NumPy array here; docstrings say shapes."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
