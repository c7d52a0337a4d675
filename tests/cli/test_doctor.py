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


def test_what_is_more_than_three_is_counted(descend, folder):
    from descend.cli.doctor import lines
    from descend.diagnosis import Finding
    from descend.run.doctor import Examined

    def made(code, cause=""):
        return Finding(code=code, level="warning", text=f"about {code}", cause=cause)

    one = Examined(
        "runs/a", "stopped", "it ended", (made("D101"), made("D305", "D101"), *map(made, ("D403", "D402", "D302"))), ""
    )
    said = lines(one, False, False)
    assert [line for line in said if "about" in line] == [
        "! D101 about D101", "  hence    D305 about D305", "! D403 about D403", "! D402 about D402",
    ]  # fmt: skip
    assert said[-1] == "  1 finding more, of less use: descend -v"
    assert any("D302" in line for line in lines(one, False, True))


@pytest.fixture(scope="module")
def slow_table(tmp_path_factory):
    """A table of which one column, a thousand times as large, is no trouble for a training with nothing typed."""
    import numpy as np
    import pandas as pd

    place = tmp_path_factory.mktemp("data") / "slow.csv"
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
    table.assign(y=table.a - table.b + 0.1 * rng.normal(size=120)).to_csv(place, index=False)
    return place


def test_a_table_is_trained_on_and_examined_in_one_go(descend, slow_table):
    code, out, err = descend("-q", "doctor", str(slow_table), "-t", "y", "--time", "4s")
    assert (code, err) == (0, "")
    assert out.startswith(f"{slow_table} · converged: converged in ")
    assert out.endswith("nothing to mend\n")


def test_the_command_with_the_best_cure_is_written(descend, folder, tmp_path):
    place = tmp_path / "cure.sh"
    code, out, _ = descend("-q", "doctor", str(folder), "--apply", str(place))
    command = place.read_text()

    assert code == 0
    assert command.startswith("descend train ")
    assert command.endswith("penguins.csv --target body_mass_g --optimizer gd --epochs 50\n")
    assert out.endswith(f"next     {command}")
    assert descend("-q", "doctor", str(folder), "--apply", "-")[1] == command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", "b", "-t", "y"), "error: --target is for one run, 2 were given; name one\n"),
        (("a", "b", "--apply", "x"), "error: --apply is for one run, 2 were given; name one\n"),
        (("a", "-t", "y", "--data", "b"), "error: --data and --target both name data; leave out --data: DATA is the argument\n"),
        (("a", "--json", "--apply", "-"), "error: --json and --apply - both claim standard output; give --apply a file\n"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(descend, words, said):
    assert descend("doctor", *words)[::2] == (2, said)
