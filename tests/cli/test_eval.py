"""`descend eval`: metrics with intervals, tables, gates, refusals."""

import json

from descend.run.document import load


def test_metrics_are_those_of_the_library(descend, runs, penguins):
    code, out, err = descend("eval", runs / "mass", penguins, "--json")

    assert (code, err) == (0, "")
    found = load(runs / "mass").evaluate(penguins)
    assert json.loads(out) == {
        "schema": "descend.eval/1", "status": "ok", "run": str(runs / "mass"), "data": str(penguins), "rows": 344,
        "metrics": found, "intervals": {name: list(ends) for name, ends in found.intervals.items()},
        "residual_quantiles": {f"{q:g}": v for q, v in found.residual_quantiles.items()},
        "worst_rows": [vars(row) for row in found.worst()], "gates": [],
    }  # fmt: skip


def test_people_get_one_line_a_metric_and_tables(descend, runs, penguins):
    lines = descend("eval", runs / "mass", penguins)[1].splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["RMSE", "MAE", "R²"]
    assert "Worst rows, the first row is 0" in lines
    found = load(runs / "sex").evaluate(penguins).estimates["accuracy"]
    assert descend("eval", runs / "sex", penguins, "--metric", "accuracy")[1] == (
        f"accuracy {found.value:.4g}  ({found.low:.4g} to {found.high:.4g})\n"
    )


def test_no_rows_are_shown_where_none_are_asked_for(descend, runs, penguins):
    assert "Worst rows" not in descend("eval", runs / "mass", penguins, "--no-rows")[1]
    assert "worst_rows" not in json.loads(descend("eval", runs / "mass", penguins, "--no-rows", "--json")[1])


def test_classes_have_their_tables_in_json(descend, runs, penguins):
    found, got = load(runs / "sex").evaluate(penguins), json.loads(descend("eval", runs / "sex", penguins, "--json")[1])
    assert got["classes"] == ["female", "male"]
    assert got["confusion"] == found.confusion.tolist()
    assert [c["recall"]["value"] for c in got["by_class"]] == [c.recall.value for c in found.by_class]
    assert list(got["calibration"]) == ["male"]
    assert len(got["thresholds"]) == len(found.thresholds)


def test_rows_of_one_class_have_what_can_be_known_of_them(descend, runs, penguins, tmp_path):
    head, *rows = penguins.read_text().splitlines()
    (tmp_path / "male.csv").write_text("\n".join([head, *(r for r in rows if ",male," in r)]) + "\n")
    code, out, _ = descend("-q", "eval", runs / "sex", "male.csv")
    assert code == 0
    lines = {line.rsplit("  ", 1)[0].strip() if "(" in line else line for line in out.splitlines()[:4]}
    assert "AUC               –" in lines
    assert "from a probability on" not in out
    got = json.loads(descend("-q", "eval", runs / "sex", "male.csv", "--json")[1])
    assert got["metrics"]["auc"] is None
    assert got["intervals"]["auc"] == [None, None]


def test_a_gate_decides_on_the_exit_code(descend, runs, penguins):
    rmse = load(runs / "mass").evaluate(penguins)["rmse"]

    assert descend("eval", runs / "mass", penguins, "--metric", "r2", "--fail-if", "rmse>1e6")[::2] == (
        0, f"gate     rmse>1e6 · passed, it is {rmse:.6g}\n"
    )  # fmt: skip
    code, out, err = descend("-q", "eval", runs / "mass", penguins, "--fail-if", "rmse>1", "--json")
    assert (code, err) == (1, f"gate     rmse>1 · tripped, it is {rmse:.6g}\n")
    assert json.loads(out)["gates"] == [{"gate": "rmse>1", "seen": rmse, "tripped": True}]


def test_refusals(descend, runs, penguins, tmp_path):
    (tmp_path / "few.csv").write_text("species,year\nAdelie,2007\n")

    assert descend("eval", runs / "mass", penguins, "--metric", "auc") == (
        2, "", "error: --metric is 'auc', this model has rmse, mae, r2; try rmse\n"
    )  # fmt: skip
    assert descend("eval", runs / "mass", penguins, "--fail-if", "test.rmse>1") == (
        2, "", "error: --fail-if 'test.rmse>1' asks for what only train knows; compare a plain metric, such as rmse>1\n"
    )  # fmt: skip
    assert descend("eval", runs / "mass", "few.csv") == (
        5, "", "error: the data have no column 'body_mass_g', which is the target of this model; "
        "pass data with that column, or use predict\n",
    )  # fmt: skip
