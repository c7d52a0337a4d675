"""`descend eval`: metrics, gates, refusals."""

import json

from descend.run.document import load


def test_metrics_are_those_of_the_library(descend, runs, penguins):
    code, out, err = descend("eval", runs / "mass", penguins, "--json")

    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "schema": "descend.eval/1", "status": "ok", "run": str(runs / "mass"), "data": str(penguins), "rows": 344,
        "metrics": load(runs / "mass").evaluate(penguins), "gates": [],
    }  # fmt: skip


def test_people_get_one_line_a_metric(descend, runs, penguins):
    assert [line.split()[0] for line in descend("eval", runs / "mass", penguins)[1].splitlines()] == [
        "RMSE",
        "MAE",
        "R²",
    ]
    accuracy = load(runs / "sex").evaluate(penguins)["accuracy"]
    assert descend("eval", runs / "sex", penguins, "--metric", "accuracy")[1] == f"accuracy {accuracy:.4g}\n"


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
