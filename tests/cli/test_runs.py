"""`descend runs`."""

import json


def test_each_run_has_a_line_with_its_score_and_findings(descend, runs):
    code, out, err = descend("runs", runs)

    lines = {line.split()[0].rpartition("/")[2]: line for line in out.splitlines()}
    assert (code, err) == (0, "")
    assert set(lines) == {"run", "mass", "sex", "failed"}
    assert "penguins.csv  body_mass_g  gd" in lines["mass"]
    assert "test rmse 292.2       converged" in lines["mass"]
    assert "test rmse –" in lines["failed"]
    assert "diverged   D101" in lines["failed"]


def test_json_holds_the_cards_in_the_order_asked_for(descend, runs):
    document = json.loads(descend("runs", runs, "--sort", "rmse", "--json")[1])

    assert (document["schema"], document["status"], document["damaged"]) == ("descend.runs/1", "ok", [])
    assert document["runs"][0]["folder"].endswith("mass")
    assert document["runs"][0]["metrics"]["rmse"] < 300


def test_an_unknown_metric_is_a_usage_error(descend, runs):
    code, out, err = descend("runs", runs, "--sort", "acuracy")
    assert (code, out) == (2, "")
    assert err.endswith("sort by accuracy\n")


def test_no_runs_and_no_folder(descend, tmp_path):
    (tmp_path / "mine").mkdir()
    assert descend("runs", "mine") == (0, "no runs in mine\n", "")
    code, out, err = descend("runs")
    assert (code, out) == (5, "")
    assert err == "error: there is no folder 'runs'; name the folder that holds the runs, or train one first\n"


def test_a_damaged_run_is_left_out_and_said(descend, tmp_path):
    (tmp_path / "mine" / "a").mkdir(parents=True)
    (tmp_path / "mine" / "a" / "run.json").write_text("{")

    code, out, err = descend("runs", "mine")

    assert (code, out) == (0, "no runs in mine\n")
    assert err.startswith("left out: ")
    assert descend("-q", "runs", "mine")[2] == ""
