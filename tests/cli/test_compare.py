"""`descend compare` from the shell's side."""

import json


def test_a_line_a_variant_and_a_verdict(descend, penguins):
    code, out, _ = descend("-q", "compare", str(penguins), "-t", "body_mass_g", "--variants", "gd,nesterov,sgd")

    lines = out.splitlines()
    assert code == 0
    assert lines[0].split()[:5] == ["variant", "lr", "batch", "epochs", "gradients"]
    assert {line.split()[1] for line in lines[1:4]} == {"gd", "nesterov", "sgd"}
    assert "has the best test rmse" in lines[-1] or "tie in test rmse" in lines[-1]


def test_one_json_document(descend, penguins):
    code, out, _ = descend("-q", "compare", str(penguins), "-t", "species", "--variants", "gd,adam", "--json")

    document = json.loads(out)
    assert (code, document["schema"], document["metric"]) == (0, "descend.compare/1", "accuracy")
    assert [row["variant"] for row in document["variants"]]
    assert document["verdict"]


def test_when_nothing_trains_the_code_is_four(descend, penguins):
    code, out, _ = descend("-q", "compare", str(penguins), "-t", "body_mass_g", "--variants", "gd", "--lr", "100")

    assert code == 4
    assert out.splitlines()[-1] == "no variant trained: gd failed"


def test_an_unknown_variant_is_told_what_there_is(descend, penguins):
    code, out, err = descend("compare", str(penguins), "-t", "body_mass_g", "--variants", "adm")

    assert (code, out) == (2, "")
    assert "try 'adam'" in err
