"""`descend report`."""

import shutil

import pytest


@pytest.fixture
def run(runs, tmp_path):
    """The folder of a run that was trained without a report."""
    return shutil.copytree(runs / "mass", tmp_path / "mass")


def test_the_page_is_made_from_the_folder_and_its_place_is_said(descend, run):
    assert descend("report", run) == (0, f"{run / 'report.html'}\n", "")

    page = (run / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "Learning curves" in page
    assert "converged" in page


def test_the_page_that_training_left_is_used_as_it_is(descend, run, tmp_path):
    (run / "report.html").write_text("<!DOCTYPE html>mine")

    assert descend("report", run, "--html", "copy.html") == (0, "copy.html\n", "")
    assert (tmp_path / "copy.html").read_text() == "<!DOCTYPE html>mine"


def test_a_file_that_exists_stays_unless_force_is_typed(descend, run, tmp_path):
    (tmp_path / "copy.html").write_text("old")

    code, out, err = descend("report", run, "--html", "copy.html")

    assert (code, out, (tmp_path / "copy.html").read_text()) == (2, "", "old")
    assert "it exists already; name another file, or add --force" in err
    assert descend("report", run, "--html", "copy.html", "--force")[0] == 0
    assert (tmp_path / "copy.html").read_text() != "old"


def test_markdown_of_several_runs_goes_to_standard_output(descend, runs):
    code, out, err = descend("report", runs / "mass", runs / "sex", "--markdown")

    assert (code, err) == (0, "")
    assert out.count("\n**") + out.startswith("**") == 2
    assert "| 292.2 | 782.1 | 0.0013 % |" in out


def test_one_file_for_two_runs_is_refused(descend, runs):
    code, out, err = descend("report", runs / "mass", runs / "sex", "--html", "x.html")
    assert (code, out, err) == (2, "", "error: --html names one file for 2 runs; leave out --html\n")


def test_a_folder_that_is_no_run(descend, tmp_path):
    code, out, err = descend("report", tmp_path)
    assert (code, out) == (5, "")
    assert not (tmp_path / "report.html").exists()
