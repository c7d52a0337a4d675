"""Ranks that were given different things end with one sentence, on every rank."""

import numpy as np
import pandas as pd
import pytest

from descend.cluster.agreement import agreed, check_same, facts, file_hash, fingerprint
from descend.errors import DataError, UsageError
from descend.options import read_options
from descend.table import files
from descend.table.frames import from_arrays, from_frame
from descend.table.read import read


def test_the_first_difference_is_named():
    with pytest.raises(UsageError) as caught:
        check_same([{"descend": "1.0", "--seed": "0"}, {"descend": "1.0", "--seed": "1"}])
    assert str(caught.value) == (
        "rank 1 has --seed 1, rank 0 has 0; start all ranks with the same data, options and versions"
    )


@pytest.mark.parametrize("what", ["descend", "NumPy"])
def test_other_versions_are_told_apart(penguins, what):
    table = read(penguins)
    ours = facts(table, table["body_mass_g"], read_options({}))
    with pytest.raises(UsageError) as caught:
        check_same([ours, {**ours, what: "0.1"}])
    assert str(caught.value) == (
        f"rank 1 has {what} 0.1, rank 0 has {ours[what]}; start all ranks with the same data, options and versions"
    )
    assert (caught.value.code, caught.value.exit_code) == ("ranks-differ", 2)


def test_other_files_of_the_same_shape_are_told_apart(penguins, tmp_path):
    changed = tmp_path / "penguins.csv"
    changed.write_text(penguins.read_text().replace("3750", "3751", 1))
    tables = [read(path) for path in (penguins, changed)]
    told = [facts(table, table["body_mass_g"], read_options({})) for table in tables]
    with pytest.raises(UsageError) as caught:
        check_same(told)
    ours, theirs = (fingerprint(table)[:60] for table in tables)
    assert str(caught.value) == (
        f"rank 1 has a table of hash {theirs}, rank 0 has {ours}; start all ranks with the same data, options and versions"
    )


def test_a_fact_that_one_rank_lacks_is_a_difference():
    with pytest.raises(UsageError, match="^rank 2 has --new none, rank 0 has 5; "):
        check_same([{"--new": "5"}, {"--new": "5"}, {}])


def test_an_error_of_one_rank_ends_all(in_threads):
    def read_on(group):
        def read():
            if group.rank == 1:
                raise DataError("the file 'x' does not exist", fix="check the path", code="no-such-file")
            return "table"

        return agreed(group, read, lambda table: {})

    zero, one, two = in_threads(3, read_on)
    assert str(one) == "the file 'x' does not exist; check the path"
    assert str(zero) == str(two) == (
        "rank 1 of 3 cannot begin: the file 'x' does not exist; check the path; start all ranks with the same data and options"
    )  # fmt: skip


def test_ranks_that_read_the_same_go_on(in_threads):
    assert in_threads(3, lambda group: agreed(group, lambda: "same", lambda text: {"text": text})) == ["same"] * 3


def test_a_hash_tells_cells_levels_and_names_apart(tmp_path, penguins):
    X = np.arange(6.0).reshape(3, 2)
    tables = [from_arrays(X), from_arrays(X + 1), from_arrays(X[:2]), read(penguins)]
    tables += [
        from_frame(pd.DataFrame({name: cells}))
        for name, cells in (("x", ["a", "b"]), ("x", ["a", "c"]), ("y", ["a", "c"]))
    ]
    changed = tmp_path / "changed.csv"
    changed.write_text(penguins.read_text().replace("3750", "3751", 1))
    hashes = [fingerprint(table) for table in (*tables, read(changed))]
    assert len(set(hashes)) == len(hashes)
    assert fingerprint(from_arrays(X.copy())) == hashes[0]


def test_facts_tell_options_apart_but_not_threads(penguins):
    table, (one, two) = read(penguins), ({"threads": 1}, {"threads": 2, "l2": 0.5})
    told = [facts(table, table["body_mass_g"], read_options(given)) for given in (one, two)]
    assert [name for name in told[0] if told[0][name] != told[1][name]] == ["--l2"]


def test_test_rows_are_told_apart_by_what_their_file_holds(penguins, tmp_path):
    table, place, told = read(penguins), tmp_path / "test.csv", []
    for text in ("a\n1\n", "a\n2\n"):
        place.write_text(text)
        told.append(facts(table, table["body_mass_g"], read_options({"test": str(place)}))["--test"])
    assert told[0] != told[1]


def test_the_end_of_a_parquet_file_tells_it_from_others(tmp_path):
    for name, cell in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        pd.DataFrame({"x": [0.0, cell]}).to_parquet(tmp_path / name)
    a, b, c = (file_hash(tmp_path / name, "parquet") for name in "abc")
    assert a == b != c
    assert file_hash(tmp_path / "a", "csv") == files.sha256(tmp_path / "a")
