"""Pieces: their features are those of the same rows of the table that is read whole."""

import threading

import numpy as np

from descend.options import read_options
from descend.table.columns import fit_schema
from descend.table.read import read
from descend.table.streamed.pieces import pieces


def test_features_of_all_pieces_are_those_of_the_whole_table(table_file, open_file):
    whole = read(table_file)
    schema = fit_schema(whole.keep(["a", "b", "gap", "colour", "day"]))
    expected = schema.encode(whole).X
    table, _ = open_file(table_file)
    part = np.random.default_rng(0).random(400) < 0.7
    found = list(pieces(table, schema))
    assert np.array_equal(np.concatenate([piece.features(part) for piece in found]), expected[part])
    assert sum(piece.rows for piece in found) == 400


def test_filled_cells_are_counted(table_file, open_file):
    whole = read(table_file)
    schema = fit_schema(whole.keep(["a", "gap", "colour"]))
    table, _ = open_file(table_file)
    counts = [piece.filled() for piece in pieces(table, schema)]
    assert sum(count.get("gap", 0) for count in counts) == schema.encode(whole).filled["gap"] == 40
    assert {name for count in counts for name in count} == {"gap"}


def test_words_that_mean_missing_hold_for_numbers_too(tmp_path, frame, open_file):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=100)
    options = read_options({"null": "3"})
    whole = read(path, null=options.null)
    schema = fit_schema(whole.keep(["a", "b"]))
    table, _ = open_file(path, null="3")
    every = np.ones(400, bool)
    found = np.concatenate([piece.features(every) for piece in pieces(table, schema)])
    assert np.array_equal(found, schema.encode(whole).X)


def test_a_reading_that_is_left_waits_for_no_thread(tmp_path, frame, open_file, monkeypatch):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    table, _ = open_file(tmp_path / "table.parquet")
    reading = pieces(table, fit_schema(read(tmp_path / "table.parquet").keep(["a", "b"])))
    next(reading)
    joined = []  # it may be collected in a thread that is being started, where a join would wait for itself
    monkeypatch.setattr(threading.Thread, "join", lambda thread, timeout=None: joined.append(thread))
    reading.close()
    assert joined == []
