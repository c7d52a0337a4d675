"""history: what a fit told, kept as rows."""

from collections.abc import Sequence
from typing import Any, overload

from descend.callbacks.listening import Begun, Callback, Row
from descend.run.history import History as Rows


class History(Callback[None], Sequence[Row]):
    """The rows of all fits that were heard, in their order: a sequence of dicts, and a table of the reader's own library.

    >>> history = History()
    >>> len(history), list(history)
    (0, [])
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        return self._rows[at]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"History of {len(self):,} rows"

    def to_pandas(self) -> Any:
        """Return a pandas data frame; raises UsageError where pandas is missing."""
        return self._table().to_pandas()

    def to_polars(self) -> Any:
        """Return a polars data frame; raises UsageError where polars is missing."""
        return self._table().to_polars()

    def to_arrow(self) -> Any:
        """Return an Arrow table; raises UsageError where pyarrow is missing."""
        return self._table().to_arrow()

    def _table(self) -> Rows:
        names = dict.fromkeys(name for row in self._rows for name in row)
        return Rows({name: [row.get(name) for row in self._rows] for name in names})

    def _open(self, begun: Begun) -> None:
        return None

    def _hear(self, kept: None, row: Row) -> bool:
        self._rows.append(row)
        return False
