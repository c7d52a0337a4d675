"""Shared by the tests of streamed tables: files of every kind with the same rows, and how they are opened."""

import numpy as np
import pandas as pd
import pytest

from descend.options import read_options
from descend.table.prepare import how_to_read
from descend.table.streamed.opening import opened
from descend.table.streamed.scratch import Scratch

WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path, row_group_size=100),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
}


def mixed_frame(rows=400):
    """Numbers, whole numbers, a category, a date and booleans, with missing cells, a constant and a number of the row."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "row": np.arange(rows), "a": rng.normal(3, 2, rows), "b": rng.integers(0, 9, rows), "gap": rng.normal(size=rows),
        "colour": rng.choice(["red", "green", "blue"], rows), "day": pd.date_range("2020-01-01", periods=rows).astype(str),
        "same": 7.5,
    })  # fmt: skip
    frame["y"] = frame.a - 2 * frame.b + (frame.colour == "red") + rng.normal(0, 0.5, rows)
    frame["kind"] = np.where(frame.y + rng.normal(0, 1, rows) > frame.y.median(), "high", "low")
    frame["level"] = pd.cut(frame.y + rng.normal(0, 1, rows), 3, labels=["l", "m", "n"]).astype(str)
    frame.loc[rng.choice(rows, 40, replace=False), "gap"] = np.nan
    frame.loc[rng.choice(rows, 9, replace=False), "colour"] = None
    return frame


@pytest.fixture
def frame():
    """The rows that all files hold."""
    return mixed_frame()


@pytest.fixture(params=list(WRITERS))
def table_file(request, tmp_path, frame):
    """The rows in a file of each kind."""
    path = tmp_path / f"table.{request.param}"
    WRITERS[request.param](frame, path)
    return path


@pytest.fixture
def open_file(tmp_path):
    """Returns a function that opens a file to be streamed."""
    scratch = Scratch(tmp_path / "run")

    def open_(path, memory=30_000, **options):
        return opened(path, how_to_read(read_options(options)), memory, 2, scratch)

    yield open_
    scratch.close()
