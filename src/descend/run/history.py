"""history: what was recorded along a run, a row for each record point."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from descend.errors import UsageError


class History(list[dict[str, Any]]):
    """The trace of a run as rows, and as a table of the reader's own library.

    Args:
        columns: name to values, all of one length: epoch, loss, val or test, lr, and each weight or layer.

    >>> History({"epoch": [0, 1], "loss": [1.0, 0.5]})[1]
    {'epoch': 1, 'loss': 0.5}
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Take the columns; the rows are made from them."""
        super().__init__(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
        self.columns = {name: list(values) for name, values in columns.items()}

    def to_pandas(self) -> Any:
        """Return a pandas data frame; raises UsageError where pandas is missing."""
        return _library("pandas").DataFrame(self.columns)

    def to_polars(self) -> Any:
        """Return a polars data frame; raises UsageError where polars is missing."""
        return _library("polars").DataFrame(self.columns)

    def to_arrow(self) -> Any:
        """Return an Arrow table; raises UsageError where pyarrow is missing."""
        return _library("pyarrow").table(self.columns)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} is not installed", fix=f"pip install {name}", code="missing-package") from error
