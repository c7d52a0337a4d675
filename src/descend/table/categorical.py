"""categorical: text of few different cells, as a number a row, so that no row is an object of Python."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array


@dataclass(frozen=True, eq=False)
class Categorical:
    """Text by its distinct cells.

    Args:
        codes: the cell of each row, by its place in `categories`; -1 where it is missing (rows,) int32.
        categories: distinct cells, str, in the order in which they first occur (categories,).

    >>> Categorical.of(["b", None, "a", "b"]).codes.tolist()
    [0, -1, 1, 0]
    """

    codes: Array
    categories: Array

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> "Categorical":
        """Return cells, str or None, by their distinct ones."""
        cells = list(cells)
        categories = dict.fromkeys(cells)
        categories.pop(None, None)
        place: dict[str | None, int] = {cell: k for k, cell in enumerate(categories)}
        place[None] = -1
        codes = np.fromiter(map(place.__getitem__, cells), np.int32, len(cells))
        return cls(codes, objects(categories))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Array) -> "Categorical":
        return Categorical(self.codes[rows], self.categories)

    @property
    def is_missing(self) -> Array:
        """Which rows are missing (rows,)."""
        return np.asarray(self.codes < 0)

    @property
    def counts(self) -> Array:
        """How many rows each category has (categories,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.categories))

    def texts(self) -> Array:
        """Return the cells as objects, str or None (rows,)."""
        cells: Array = objects([*self.categories, None])[self.codes]
        return cells

    def sorted(self) -> tuple[Array, Array]:
        """Return the categories that occur, sorted, and the place of each row among them, as `np.unique` does (rows,)."""
        here = np.flatnonzero(self.counts)
        order = np.argsort(self.categories[here].astype(str), kind="stable")
        place = np.full(len(self.categories) + 1, -1)
        place[here[order]] = np.arange(len(here))
        return self.categories[here[order]], place[self.codes]

    def look_up(self, values: Array, missing: float) -> Array:
        """Return a value a row, from one a category (categories,), and that of missing rows."""
        found: Array = np.append(values, np.asarray(missing, values.dtype))[self.codes]
        return found

    def renamed(self, name: Callable[[str], str | None]) -> "Categorical":
        """Return the rows by other names of the categories: those of the same name are one, and None is missing."""
        names = [name(cell) for cell in self.categories]
        if all(new is old for new, old in zip(names, self.categories, strict=True)):
            return self  # no second table of what may be millions of categories
        new = Categorical.of(names)
        return Categorical(np.append(new.codes, np.int32(-1))[self.codes], new.categories)


def objects(values: Iterable[object]) -> Array:
    """Return values as an array of objects, whatever they are.

    >>> objects(["a", None]).tolist()
    ['a', None]
    """
    return np.array([*values, None], object)[:-1]
