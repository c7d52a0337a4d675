"""The runs of a folder, listed from what their folders say."""

import json
import os

import pytest

from descend.errors import ModelError, UsageError
from descend.run.listing import runs

DAY = 86_400


def write_run(folder, *, metrics, made, status="converged", **changes):
    """A run folder that holds its document alone, as that of a training on houses.csv."""
    document = {
        "schema": "descend.run/2", "version": "1.0", "status": "failed" if status == "diverged" else "ok", "seconds": 2.0,
        "verdict": {"status": status, "text": ""}, "data": {"name": "houses.csv", "target": "price"}, "metric": "rmse",
        "chosen": {"optimizer": "adam", "lr": 0.03125}, "metrics": metrics, "findings": [{"code": "D201"}], **changes,
    }  # fmt: skip
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(document))
    os.utime(folder / "run.json", (made, made))


@pytest.fixture
def folder(tmp_path):
    """Three runs, a day apart: a good one, a better one, and the newest, which failed; and things that are no runs."""
    write_run(tmp_path / "a", metrics={"test": {"rmse": 300.0, "r2": 0.8}}, made=1 * DAY)
    write_run(tmp_path / "b", metrics={"train": {"rmse": 200.0, "mae": 90.0}}, made=2 * DAY)
    write_run(tmp_path / "c", metrics={"test": {"rmse": 900.0}}, made=3 * DAY, status="diverged")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(listed):
    return [os.path.basename(card.folder) for card in listed]


def test_the_newest_run_comes_first_and_other_files_are_passed_over(folder):
    assert names(runs(folder)) == ["c", "b", "a"]


def test_a_card_says_what_was_trained_and_how_it_went(folder):
    card = runs(folder)[2]

    assert (card.data, card.target, card.optimizer, card.lr) == ("houses.csv", "price", "adam", 0.03125)
    assert (card.status, card.part, card.score, card.findings, card.seconds) == (
        "converged",
        "test",
        300.0,
        ("D201",),
        2.0,
    )


def test_without_test_rows_the_score_is_of_the_training_rows(folder):
    card = runs(folder)[1]
    assert (card.part, card.score) == ("train", 200.0)


def test_a_training_that_failed_has_no_score(folder):
    card = runs(folder)[0]
    assert (card.status, card.score, card.cells()[6]) == ("diverged", None, "test rmse –")


@pytest.mark.parametrize(
    ("metric", "order"), [("rmse", ["b", "a", "c"]), ("r2", ["a", "c", "b"]), ("mae", ["b", "c", "a"])]
)
def test_the_best_comes_first_and_runs_without_the_metric_last(folder, metric, order):
    assert names(runs(folder, sort=metric)) == order


def test_higher_is_better_for_some_metrics(folder):
    write_run(folder / "d", metrics={"test": {"r2": 0.9}}, made=0)
    assert names(runs(folder, sort="r2"))[:2] == ["d", "a"]


def test_an_unknown_metric_is_refused_with_those_that_there_are(folder):
    with pytest.raises(UsageError) as error:
        runs(folder, sort="rnse")
    assert str(error.value) == "the runs have no metric 'rnse'; they have mae, r2, rmse; sort by rmse"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError) as error:
        runs(tmp_path / "none")
    assert error.value.code == "no-such-folder"
    assert str(error.value).endswith("name the folder that holds the runs, or train one first")


def test_a_damaged_run_is_named_and_the_others_are_listed(folder):
    (folder / "a" / "run.json").write_text("{")
    write_run(folder / "e", metrics={}, made=0, chosen={})

    listed = runs(folder)

    assert names(listed) == ["c", "b"]
    assert [sentence.rpartition(":")[0].rpartition("/")[2] for sentence in listed.damaged] != []
    assert len(listed.damaged) == 2


def test_a_list_shows_itself_in_at_most_thirty_lines_and_as_static_html(folder):
    for k in range(40):
        write_run(folder / f"more{k}", metrics={"test": {"rmse": 1.0}}, made=k, data={"name": "<i>.csv", "target": "y"})

    listed = runs(folder)

    assert len(repr(listed).splitlines()) <= 30
    assert repr(listed).startswith(f"Runs in {folder}\n43 runs\n")
    assert "<i>" not in listed._repr_html_()
    assert "&lt;i&gt;.csv" in listed._repr_html_()


def test_a_slice_of_a_list_is_a_tuple_of_cards(folder):
    listed = runs(folder)
    assert listed[:2] == (listed[0], listed[1])
    assert len(listed) == 3
