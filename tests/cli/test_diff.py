"""`descend diff`."""

import json


def test_the_changes_and_the_verdict(descend, runs):
    code, out, err = descend("diff", runs / "mass", runs / "failed")

    assert (code, err) == (0, "")
    assert "--epochs" in out
    assert "--lr 50" in out
    assert out.splitlines()[-1].startswith("not compared row by row: the run ")


def test_json_holds_the_same_and_the_curves(descend, runs):
    document = json.loads(descend("diff", runs / "mass", runs / "mass", "--json")[1])

    assert (document["schema"], document["status"]) == ("descend.diff/1", "ok")
    assert document["verdict"].startswith("the second ties with the first by rmse on the same 69 test rows")
    assert document["paired"]["verdict"] == "tie"
    assert len(document["curves"]) == 2
    assert document["options"] == []


def test_a_folder_that_is_no_run(descend, runs, tmp_path):
    code, out, err = descend("diff", runs / "mass", tmp_path)
    assert (code, out) == (5, "")
    assert "is no run folder: it has no run.json" in err
