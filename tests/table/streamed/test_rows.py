"""Rows of a streamed table: slices, places and products are those of the features in memory."""

import mmap

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.columns import fit_schema
from descend.table.read import read
from descend.table.scaled_rows import ScaledRows, scaled
from descend.table.streamed.rows import ScaledStream, StreamedRows, hold, own_products, products
from descend.table.streamed.scratch import Scratch

NAMES = ["a", "b", "gap", "colour"]
PART = np.random.default_rng(1).random(400) < 0.6


@pytest.fixture
def parquet(tmp_path, frame):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=50)
    return path


@pytest.fixture
def features(parquet):
    """The features of the part, in memory."""
    whole = read(parquet)
    return fit_schema(whole.keep(NAMES)).encode(whole).X[PART]


@pytest.fixture
def streamed(parquet, open_file):
    table, _ = open_file(parquet)
    return StreamedRows(table, fit_schema(read(parquet).keep(NAMES)), PART)


@pytest.mark.parametrize(
    "key",
    [slice(None), slice(3, 200), slice(None, None, 7), slice(0, 0), np.array([5, 1, 200, 1]), np.arange(0, 240, 3), (slice(None), 1),
     (slice(2, 9), slice(0, 2))],
)  # fmt: skip
def test_rows_are_those_in_memory(streamed, features, key):
    assert np.array_equal(streamed[key], features[key])


def test_slices_that_follow_each_other_are_one_reading(streamed, features, monkeypatch):
    readings = []
    blocks = streamed.blocks
    monkeypatch.setattr(streamed, "blocks", lambda: readings.append(1) or blocks())
    found = [streamed[lo : lo + 17] for lo in range(0, len(features), 17)]
    assert np.array_equal(np.concatenate(found), features)
    assert len(readings) == 1
    assert np.array_equal(streamed[:9], features[:9])
    assert len(readings) == (1 if streamed._first == 0 else 2)


def test_rows_at_hand_are_not_read_again(streamed, monkeypatch):
    places, known = np.array([4, 2]), np.zeros((2, streamed.shape[1]))
    monkeypatch.setattr(streamed, "drawn", ((places, known),))
    monkeypatch.setattr(streamed, "blocks", None)
    assert streamed[np.array([4, 2])] is known


@pytest.fixture
def scaled_stream(streamed, features, tmp_path):
    said = []
    scratch = Scratch(tmp_path / "run")
    center, width = features.mean(axis=0), features.std(axis=0)
    yield ScaledStream(streamed, center, width, scratch, "train.rows", said.append), said
    scratch.close()


def test_products_of_several_parts_take_one_reading(scaled_stream, features, parquet, open_file):
    X, _ = scaled_stream
    other = ScaledStream(
        StreamedRows(X.rows.table, X.rows.schema, ~PART), X.center, X.width, Scratch(), "test.rows", print
    )
    W = np.random.default_rng(2).normal(size=(features.shape[1], 3))
    found = [np.full((len(features), 3), np.nan), np.full((400 - len(features), 1), np.nan)]
    for k, rows, part in products([(X, W), (other, W[:, :1])]):
        found[k][rows] = part
    assert np.allclose(found[0], ScaledRows(features, X.center, X.width, np.float64) @ W, rtol=1e-12, atol=1e-12)
    assert np.isfinite(found[1]).all()


def test_all_rows_are_mapped_from_a_file_once(scaled_stream, features):
    X, said = scaled_stream
    assert not X.mapped
    whole = X.whole()
    assert np.array_equal(whole, (features - X.center) / X.width)
    assert X.whole() is whole
    assert X.mapped
    size = whole.nbytes / 1e3
    path = X._scratch.folder / "train.rows"
    assert path.stat().st_size == whole.nbytes
    assert said == [
        f"{len(features)} rows of 8 features that are read more than once are written to {path}, {size:.3g} kB, until the run ends"
    ]


def test_too_few_addresses_are_said_in_one_sentence(scaled_stream, features, monkeypatch):
    def refused(*arguments):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refused)
    with pytest.raises(DataError) as error:
        scaled_stream[0].whole()
    assert str(error.value) == (
        f"a file for {len(features)} rows of 8 features that are read more than once takes {features.nbytes / 1e3:.3g} kB of "
        "addresses, more than this process may map (cannot allocate memory); raise the limit of addresses (ulimit -v), or train "
        "on fewer rows"
    )


def test_rows_of_a_window_are_read_alone(parquet, open_file, features):
    table, _ = open_file(parquet)
    mask = PART & (np.arange(400) >= 130) & (np.arange(400) < 260)
    own = StreamedRows(
        table, fit_schema(read(parquet).keep(NAMES)), mask, window=(130, 260), first=int(PART[:130].sum())
    )
    np.testing.assert_array_equal(np.concatenate([*own.blocks()]), features[own.first : own.first + mask.sum()])


def test_rows_that_a_process_holds_are_scaled_and_their_products_are_not_read_again(
    scaled_stream, features, monkeypatch
):
    X, W = scaled_stream[0], np.random.default_rng(0).normal(size=(features.shape[1], 2))
    hold([X])
    expected = scaled(features, X.center, X.width, np.float64)
    np.testing.assert_array_equal(X.held, expected)
    monkeypatch.setattr(StreamedRows, "blocks", None)
    ((k, places, found),) = own_products([(X, W)])
    assert (k, places) == (0, slice(0, len(features)))
    np.testing.assert_allclose(found, expected @ W, rtol=1e-13, atol=1e-13)
