"""`descend lr` from the shell's side."""

import json

import pytest


def test_a_table_the_suggestion_and_why(descend, penguins):
    code, out, err = descend("lr", str(penguins), "-t", "body_mass_g", "--variant", "gd,adam")

    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("loss after 200 epochs of 273 rows; ")
    assert lines[2].split()[:4] == ["variant", "lr", "stable", "below"]
    assert {line.split()[1] for line in lines[3:5]} == {"gd", "adam"}
    assert lines[-2].startswith("suggestion  --optimizer ")
    assert lines[-1].startswith("why         ")
    assert "curve" not in out


def test_one_json_document(descend, penguins):
    code, out, _ = descend("-q", "lr", str(penguins), "-t", "body_mass_g", "--variant", "gd", "--epochs", "5", "--json")

    document = json.loads(out)
    assert (code, document["schema"], document["epochs"]) == (0, "descend.lr/1", 5)
    assert document["lr"] < document["limit"]
    assert len(document["variants"][0]["rates"]) == len(document["variants"][0]["losses"]) > 10


def test_a_constant_target_is_an_answer(descend, tmp_path):
    (tmp_path / "flat.csv").write_text("x,y\n1,5\n2,5\n3,5\n")

    code, out, _ = descend("lr", "flat.csv", "-t", "y")

    assert code == 0
    assert out.splitlines() == [
        "suggestion  none", "why         no rate is better than another: the target 'y' is constant: every value is 5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--variant", "adm"), "there is no optimizer 'adm'"),
        (("--epochs", "-3"), "--epochs is '-3', it must be a whole number of at least 0; try 1000"),
        (("--seeds", "3"), "descend lr has no option --seeds; try --seed"),
    ],
)
def test_what_cannot_be_is_said(descend, penguins, arguments, text):
    code, out, err = descend("lr", str(penguins), "-t", "body_mass_g", *arguments)

    assert (code, out) == (2, "")
    assert text.lower() in err.lower()
