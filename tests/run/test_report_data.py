"""What a report says about a run is what the run knows."""

import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import descend as ds
from descend.report import html
from descend.run.report_data import tell


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small table with an empty column, a date and a name that is markup, trained by two variants."""
    path, rng = tmp_path_factory.mktemp("told") / "t.csv", np.random.default_rng(0)
    x, kind = rng.standard_normal(60), rng.integers(0, 3, 60)
    y = 3 * x + kind + 0.1 * rng.standard_normal(60)
    days = [f"2024-01-{k % 28 + 1:02d}" for k in range(60)]
    rows = zip(x.tolist(), [f"<b>{k}" for k in kind], days, y.tolist(), strict=True)
    lines = [f"{a},{b},{c},,{d}" for a, b, c, d in rows]
    path.write_text("\n".join(["<i>x</i>,kind,day,void,y", *lines]) + "\n")
    return ds.train(path, "y", optimizer="gd,adam", progress=False)


def test_verdict_numbers_and_variants_are_the_runs(run):
    told = tell(run)
    assert (told.status, told.verdict, told.target, told.metric) == (
        run.verdict.status, run.verdict.text, "y", run.metric,
    )  # fmt: skip
    assert [label for label, _ in told.numbers] == ["test rmse", "baseline rmse", "gap to the optimum", "time"]
    assert float(told.numbers[0][1]) == pytest.approx(run.metrics["test"]["rmse"], rel=1e-3)
    assert [(v.name, v.letter) for v in told.variants] == [("gd", "G"), ("adam", "D")]
    assert sum(v.best for v in told.variants) == 1


def test_curves_are_the_recorded_losses(run):
    told = {c.label: c for c in tell(run).curves}
    best = next(v.name for v in tell(run).variants if v.best)
    assert set(told) == {"gd", "adam"}
    kept = told[best]
    assert kept.epochs[0] == 0
    assert np.all(np.diff(kept.epochs) > 0)
    assert len(kept.epochs) == len(kept.loss) == len(kept.held_out)
    shared = min(len(kept.loss), len(run.trace["loss"]))
    np.testing.assert_allclose(kept.loss[:shared], run.trace["loss"][:shared])


def test_every_weight_has_its_path_and_its_coefficient(run):
    told = tell(run)
    assert [p.name for p in told.weight_paths] == [n[2:] for n in run.trace if n.startswith("w:")]
    assert {len(p.values) for p in told.weight_paths} == {len(run.trace["loss"])}
    assert dict(told.coefficients)["<i>x</i>"] == pytest.approx(3, abs=0.1)


def test_scatters_show_the_training_rows_in_the_units_of_the_file(run):
    told = {s.feature: s for s in tell(run).scatters}
    assert set(told) == {"<i>x</i>", "day"}
    s = told["<i>x</i>"]
    assert len(s.x) == len(s.y) == run.prepared.train.rows
    assert np.corrcoef(s.x, s.y)[0, 1] > 0.9
    slope, _ = np.polyfit(s.x, s.y, 1)
    assert slope == pytest.approx(3, abs=0.3)


def test_every_column_is_told_and_what_became_of_it(run):
    columns = {c.name: c for c in tell(run).columns}
    assert list(columns) == ["<i>x</i>", "kind", "day", "void", "y"]
    assert columns["y"].used_as == "target"
    assert columns["void"].missing == 60
    assert columns["void"].used_as.startswith("left out")
    assert columns["kind"].used_as == "kind=<b>0, kind=<b>1, kind=<b>2"


def test_how_to_reproduce_it_is_told(run):
    told = dict(tell(run).reproduce)
    assert told["command"] == run.command
    assert told["Python"] == run.code
    assert told["data SHA-256"] == str(run.data["sha256"])


def test_the_page_of_a_run_with_markup_in_its_names_is_well_formed(run):
    page = html.render(tell(run))
    root = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert not {e.tag.split("}")[-1] for e in root.iter()} & {"i", "b", "script"}
    assert any("<i>x</i>" in (e.text or "") for e in root.iter("th"))


def test_several_classes_name_the_class_of_each_coefficient(penguins):
    told = tell(ds.train(penguins, "species", optimizer="gd", max_epochs=20, progress=False))
    names = [name for name, _ in told.coefficients]
    assert {name.rpartition(" → ")[2] for name in names} == {"Adelie", "Chinstrap", "Gentoo"}
    assert len(set(names)) == len(names)
    assert told.numbers[0][0].startswith("test ")


def test_a_loaded_run_tells_what_it_still_knows(run):
    told = tell(dataclasses.replace(run, search_result=None, prepared=None))
    assert (told.curves, told.scatters, told.columns) == ((), (), ())
    assert dict(told.numbers)["gap to the optimum"] == "not known"
    assert len(told.weight_paths) == len(tell(run).weight_paths)
    ET.fromstring(html.render(told).removeprefix("<!DOCTYPE html>\n"))


def test_metrics_that_are_no_numbers_are_dashes(run):
    unknown = dataclasses.replace(run, metrics={"train": {"rmse": float("nan")}, "baseline": {"rmse": 123456.0}})
    assert tell(unknown).numbers[0] == ("training rmse", "–")
    assert tell(unknown).numbers[1] == ("baseline rmse", "123,456")
