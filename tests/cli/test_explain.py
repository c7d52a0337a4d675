"""`descend explain` from the shell."""

import json
import re
from pathlib import Path

import descend as ds


def test_explain_prints_what_the_docs_hold(descend):
    code, out, _ = descend("explain", "d202")
    assert code == 0
    assert out.startswith("D202 vanishing gradients\nmeans     On its way back")
    assert [line[:10].strip() for line in out.splitlines() if line[0] != " "][1:] == [
        "means",
        "detected",
        "helps",
        "read",
    ]


def test_explain_lists_all_and_speaks_json(descend):
    listed = descend("explain")[1].splitlines()
    document = json.loads(descend("explain", "D101", "--json")[1])
    assert (len(listed), listed[0]) == (56, "D101  learning rate above the stability limit")
    assert document["findings"][0]["code"] == "D101"


def test_every_code_that_a_finding_has_is_explained(descend):
    sources = (Path(ds.__file__).parent / "diagnosis").glob("*.py")
    codes = {code for path in sources for code in re.findall(r'Finding\(\s*code="(D\d{3})"', path.read_text())}
    assert len(codes) > 40
    for code in sorted(codes):
        status, out, _ = descend("explain", code)
        labels = [line.split()[0] for line in out.splitlines()[1:] if line[0] != " "]
        assert (status, out[:4], labels) == (0, code, ["means", "detected", "helps", "read"])


def test_an_unknown_code_is_a_usage_error(descend):
    code, _, err = descend("explain", "D999")
    assert (code, err) == (
        2,
        "error: there is no finding 'D999', there are D101 to D615; try 'D609' or 'D409' or 'D209'\n",
    )
