"""A report shows what its run holds."""

import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import descend as ds
from descend.diagnosis import Finding
from descend.report import html
from descend.report.content import Mark
from descend.run.report_data import report_data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small table with an empty column, a date and a name that is markup, trained by two variants."""
    path, rng = tmp_path_factory.mktemp("report") / "t.csv", np.random.default_rng(0)
    x, kind = rng.standard_normal(60), rng.integers(0, 3, 60)
    y = 3 * x + kind + 0.1 * rng.standard_normal(60)
    days = [f"2024-01-{k % 28 + 1:02d}" for k in range(60)]
    rows = zip(x.tolist(), [f"<b>{k}" for k in kind], days, y.tolist(), strict=True)
    lines = [f"{a},{b},{c},,{d}" for a, b, c, d in rows]
    path.write_text("\n".join(["<i>x</i>,kind,day,void,y", *lines]) + "\n")
    return ds.train(path, "y", optimizer="gd,adam", progress=False)


def test_verdict_numbers_and_variants_are_the_runs(run):
    report = report_data(run)
    assert (report.status, report.verdict, report.target, report.metric) == (
        run.verdict.status, run.verdict.text, "y", run.metric,
    )  # fmt: skip
    assert [label for label, _ in report.numbers] == ["test RMSE", "baseline RMSE", "gap to the optimum", "time"]
    assert float(report.numbers[0][1]) == pytest.approx(run.metrics["test"]["rmse"], rel=1e-3)
    assert [(v.name, v.letter) for v in report.variants] == [("gd", "G"), ("adam", "D")]
    assert sum(v.best for v in report.variants) == 1


def test_curves_are_the_recorded_losses(run):
    report = {c.label: c for c in report_data(run).curves}
    best = next(v.name for v in report_data(run).variants if v.best)
    assert set(report) == {"gd", "adam"}
    best_curve = report[best]
    assert best_curve.epochs[0] == 0
    assert np.all(np.diff(best_curve.epochs) > 0)
    assert len(best_curve.epochs) == len(best_curve.loss) == len(best_curve.held_out)
    shared = min(len(best_curve.loss), len(run.trace["loss"]))
    np.testing.assert_allclose(best_curve.loss[:shared], run.trace["loss"][:shared])


def test_every_weight_has_its_path_and_its_coefficient(run):
    report = report_data(run)
    assert [p.name for p in report.weight_paths] == [n[2:] for n in run.trace if n.startswith("w:")]
    assert {len(p.values) for p in report.weight_paths} == {len(run.trace["loss"])}
    coefficients = {row.feature: row for row in report.coefficients}
    assert coefficients["<i>x</i>"].value == pytest.approx(3, abs=0.1)
    assert coefficients["<i>x</i>"].standardised == pytest.approx(
        run.model.W[run.model.schema.names.index("<i>x</i>"), 0]
    )
    assert coefficients["intercept"].standardised is None


def test_scatters_show_the_training_rows_in_the_units_of_the_file(run):
    report = {s.feature: s for s in report_data(run).scatters}
    assert set(report) == {"<i>x</i>", "day"}
    s = report["<i>x</i>"]
    assert len(s.x) == len(s.y) == run.prepared.train.rows
    assert np.corrcoef(s.x, s.y)[0, 1] > 0.9
    slope, _ = np.polyfit(s.x, s.y, 1)
    assert slope == pytest.approx(3, abs=0.3)


def test_every_column_has_its_use(run):
    columns = {c.name: c for c in report_data(run).columns}
    assert list(columns) == ["<i>x</i>", "kind", "day", "void", "y"]
    assert columns["y"].used_as == "target"
    assert columns["void"].missing == 60
    assert columns["void"].used_as.startswith("left out")
    assert columns["kind"].used_as == "kind=<b>0, kind=<b>1, kind=<b>2"


def test_the_report_says_how_to_reproduce_the_run(run):
    report = dict(report_data(run).reproduce)
    assert report["command"] == run.command
    assert report["Python"] == run.code
    assert report["data SHA-256"] == str(run.data["sha256"])


def test_the_page_of_a_run_with_markup_in_its_names_is_well_formed(run):
    page = html.render(report_data(run))
    root = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert not {e.tag.split("}")[-1] for e in root.iter()} & {"i", "b"}
    assert any("<i>x</i>" in (e.text or "") for e in root.iter("th"))


def test_several_classes_name_the_class_of_each_coefficient(penguins):
    report = report_data(ds.train(penguins, "species", optimizer="gd", max_epochs=20, progress=False))
    names = [(row.feature, row.output) for row in report.coefficients]
    assert {output for _, output in names} == {"Adelie", "Chinstrap", "Gentoo"}
    assert len(set(names)) == len(names)
    assert {s.classes for s in report.scatters} == {("Adelie", "Chinstrap", "Gentoo")}
    assert report.numbers[0][0].startswith("test ")


def test_a_loaded_run_has_what_its_folder_holds(run):
    report = report_data(dataclasses.replace(run, search_result=None, prepared=None))
    full = report_data(run)
    best = next(v for v in full.variants if v.best)
    assert [curve.label for curve in report.curves] == [best.name]
    assert report.curves[0].loss.tolist() == run.trace["loss"]
    assert (report.scatters, report.columns) == ((), ())
    assert report.numbers == full.numbers
    assert len(report.weight_paths) == len(report_data(run).weight_paths)
    ET.fromstring(html.render(report).removeprefix("<!DOCTYPE html>\n"))


def test_metrics_that_are_no_numbers_are_dashes(run):
    unknown = dataclasses.replace(run, metrics={"train": {"rmse": float("nan")}, "baseline": {"rmse": 123456.0}})
    assert report_data(unknown).numbers[0] == ("training RMSE", "–")
    assert report_data(unknown).numbers[1] == ("baseline RMSE", "123,456")


def test_coefficients_are_ordered_by_their_standardised_size_and_intercepts_are_last(run):
    rows = report_data(run).coefficients
    sizes = [abs(row.standardised) for row in rows[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert [row.feature for row in rows if row.standardised is None] == ["intercept"]
    assert rows[-1].feature == "intercept"
    assert sorted((row.feature, row.value) for row in rows) == sorted((n, v) for _, n, v in run.model.coefficients())


@pytest.fixture(scope="module")
def failed():
    """A run that diverged in its first steps."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 13))
    return ds.train(X, X @ np.arange(13.0), optimizer="gd", lr=1e6, progress=False)


def test_a_failed_run_has_a_page_without_charts_and_without_coefficients(failed):
    report = report_data(failed)
    assert report.mark is Mark.FAILED
    assert report.coefficients == ()
    assert dict(report.numbers)["test RMSE"] == "–"
    assert dict(report.numbers)["gap to the optimum"] == "not known"
    assert report.model == "There is no usable model, since training failed."
    assert not any(row.best for row in report.variants)
    page = html.render(report)
    ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert page.count("No chart: fewer than two recorded losses are finite and at most ten times the first.") == 2


def test_the_mark_is_ok_only_for_a_converged_run_without_warnings_that_beats_a_constant(run):
    clean = dataclasses.replace(run, findings=(), verdict=dataclasses.replace(run.verdict, status="converged"))
    assert report_data(clean).mark is Mark.OK
    assert (
        report_data(dataclasses.replace(clean, verdict=dataclasses.replace(run.verdict, status="budget"))).mark
        is Mark.NEUTRAL
    )
    worse = {"test": {"rmse": 3.0}, "baseline": {"rmse": 2.0}}
    assert report_data(dataclasses.replace(clean, metrics=worse)).mark is Mark.NEUTRAL
    accuracy = {"test": {"accuracy": 0.4}, "baseline": {"accuracy": 0.5}}
    assert report_data(dataclasses.replace(clean, metrics=accuracy, metric="accuracy")).mark is Mark.NEUTRAL
    for level, mark in (("note", Mark.OK), ("warning", Mark.NEUTRAL), ("error", Mark.NEUTRAL)):
        finding = Finding(code="D203", level=level, text="text")
        assert report_data(dataclasses.replace(clean, findings=(finding,))).mark is mark


def test_a_network_is_described_by_its_shape():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((60, 3))
    run = ds.train(X, X[:, 0] ** 2, optimizer="adam", hidden_layer_sizes=(4,), max_epochs=3, progress=False)
    report = report_data(run)
    assert report.model == "A network of 3 \u2192 4 \u2192 1 units with relu: 21 weights and biases."
    assert report.coefficients == ()


def test_the_report_of_a_table_that_ships_with_the_project(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd,adam", progress=False)
    report = report_data(run)
    assert [v.name for v in report.variants] == ["gd", "adam"]
    assert {s.feature for s in report.scatters} == {"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "year"}
    assert {row.feature: row.value for row in report.coefficients}["flipper_length_mm"] > 0
    assert ET.fromstring(run.report().removeprefix("<!DOCTYPE html>\n")).tag == "html"
    assert "descend train penguins.csv --target body_mass_g --optimizer gd,adam" in run.report()
    assert "| variant |" in run.report(markdown=True)


@pytest.mark.parametrize(("hidden", "rows"), [((), "test"), ((4,), "validation")])
def test_the_curves_say_which_rows_they_show(penguins, hidden, rows):
    run = ds.train(penguins, "body_mass_g", optimizer="adam", hidden_layer_sizes=hidden, max_epochs=3, progress=False)
    report = report_data(run)
    assert report.curve_rows == rows
    assert f"Dashed: {rows} rows." in html.render(report)


def test_the_rates_of_each_variant_are_those_of_the_search(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd,adam", progress=False)
    found = {c.variant: c for c in report_data(run).rates}
    for variant in ("gd", "adam"):
        chosen = next(t for t in run.trials if t.variant == variant)
        assert found[variant].chosen == chosen.lr
        assert chosen.lr in found[variant].rates
        assert (np.diff(found[variant].rates) > 0).all()
    assert found["gd"].limit > found["gd"].chosen
    assert found["adam"].limit is None


def test_a_rate_that_was_typed_has_no_map_and_a_schedule_that_is_constant_no_chart(failed):
    report = report_data(failed)
    assert (report.rates, report.schedule, report.layers) == ((), None, ())


def test_a_network_shows_its_layers_and_its_schedule(penguins):
    run = ds.train(penguins, "sex", hidden_layer_sizes=(8, 8), optimizer="adam", lr=0.01, schedule="cosine", max_epochs=20,
                   activation="tanh", progress=False, random_state=0)  # fmt: skip
    report = report_data(run)
    assert [one.title for one in report.layers][:2] == ["gradient norm", "update / weights"]
    assert report.layers[0].values.shape == (3, len(run.trace["epoch"]) - 1)
    assert report.layers[0].values[0].tolist() == run.trace["gradient:1"][1:]
    assert report.schedule.values[0, -1] < report.schedule.values[0, 0]
    page = html.render(report)
    assert "Inside the training" in page
    assert "The learning rate went from 0.01 to" in page
