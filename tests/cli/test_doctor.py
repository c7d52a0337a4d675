"""`descend doctor` from the shell."""

import json

import pytest

import descend as ds


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory):
    path = request.config.rootpath / "examples" / "data" / "penguins.csv"
    place = tmp_path_factory.mktemp("runs") / "one"
    ds.train(path, "body_mass_g", optimizer="gd", lr=50.0, max_epochs=50, progress=False, run_dir=place)
    return place


def test_findings_proof_and_what_to_read(descend, folder):
    code, out, _ = descend("-q", "doctor", str(folder))

    assert code == 0
    assert "✖ D101 learning rate 50 is" in out
    assert "  fix      --lr auto\n" in out
    assert "tried    --lr auto: train rmse failed → " in out
    assert "  more     descend explain D101\n" in out


def test_one_document_of_several_runs(descend, folder):
    code, out, _ = descend("doctor", str(folder), str(folder), "--json")
    document = json.loads(out)

    assert (code, document["schema"], len(document["runs"])) == (0, "descend.doctor/1", 2)
    assert document["runs"][0]["findings"][0]["proof"][0]["helped"] is True


def test_a_folder_that_is_no_run_is_exit_5(descend, tmp_path):
    code, _, err = descend("doctor", str(tmp_path / "nothing"))
    assert code == 5
    assert err.startswith("error: there is no run ")
