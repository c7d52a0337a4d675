"""`descend demo`: the tutorial's printed table, the true solution, the finding, the pictures."""

import json
import xml.etree.ElementTree as ET

import pytest

from descend.cli.demo import PICTURES, pictures, solve
from descend.demo_data import example

TABLE = """\
   epoch         w1         w2          b      loss
  before  -0.323925   0.557449   0.571043   19.9126
     100  -0.261803   0.444334  -0.177230   14.1803
     200  -0.211441   0.353934  -0.789236   10.3030
     300  -0.170637   0.281727  -1.289799    7.7120
     400  -0.137599   0.224081  -1.699218    5.9806
     500  -0.110865   0.178089  -2.034095    4.8235
     600  -0.089246   0.141415  -2.308004    4.0502
     700  -0.071777   0.112192  -2.532051    3.5333
     800  -0.057671   0.088921  -2.715314    3.1878
     900  -0.046289   0.070404  -2.865221    2.9569
    1000  -0.037113   0.055681  -2.987843    2.8026
"""
PRINTED = {  # the tutorial's own lines: weight, bias, loss
    100: ([-0.2618025, 0.44433367], -0.17722966, 14.1803), 500: ([-0.11086453, 0.17808875], -2.0340943, 4.8235),
    1000: ([-0.0371125, 0.05568104], -2.9878428, 2.8026),
}  # fmt: skip


def test_the_printed_table_and_its_fault(descend):
    code, out, err = descend("demo")

    assert (code, err) == (0, "")
    assert TABLE in out
    finding = " ".join(out.partition("✖ ")[2].partition("\n\n")[0].split())
    assert finding == (
        "D608 the prediction has shape (1000, 1) and the target (1000,), so their difference would silently become "
        "a table of shape (1000, 1000) Every prediction is compared with every target, so predicting the mean is "
        "the optimum: the weights shrink to 0 and the loss stalls at the variance of the target, 2.4912. "
        "fix use target.reshape(-1, 1) or prediction.squeeze(-1)"
    )
    assert "  w = [1.3, -1.0]   b = -3.5   loss " in out
    assert "X vs Y" in out
    assert "weight and bias against the loss" in out


def test_the_document_holds_the_numbers(descend):
    read = json.loads(descend("demo", "--json")[1])

    assert read["schema"] == "descend.demo/1"
    assert read["finding"]["code"] == "D608"
    lines = {line["epoch"]: line for line in read["tutorial"]}
    for epoch, (weight, bias, loss) in PRINTED.items():
        assert lines[epoch]["weight"] == pytest.approx(weight, abs=1e-6)
        assert lines[epoch]["bias"] == pytest.approx(bias, abs=1e-6)
        assert f"{lines[epoch]['loss']:.4f}" == f"{loss:.4f}"
    assert [*read["solved"]["weight"], read["solved"]["bias"]] == pytest.approx([1.3, -1.0, -3.5], abs=1e-6)
    assert read["solved"]["loss"] < 1e-12


def test_the_pictures_are_written_once(descend, tmp_path):
    code, out, _ = descend("demo", "--out", "deep/pics")

    assert code == 0
    assert out.endswith(f"\nsaved    deep/pics/{PICTURES[0]}\n         deep/pics/{PICTURES[1]}\n")
    for name in PICTURES:
        assert ET.parse(tmp_path / "deep" / "pics" / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert descend("demo", "--out", "deep/pics") == (
        2, "", f"error: the file 'deep/pics/{PICTURES[0]}' exists already; name another folder, or add --force\n"
    )  # fmt: skip
    assert descend("demo", "--out", "deep/pics", "--force", "--json")[0] == 0
    (tmp_path / "file").touch()
    assert descend("demo", "--out", "file") == (2, "", "error: 'file' is no folder; name another folder\n")


@pytest.mark.parametrize("width", [48, 80, 120])
def test_pictures_fit_the_screen(width):
    told = example()
    solved = solve(told)

    for ascii_only in (False, True):
        drawn = pictures(told, solved, width, ascii_only)
        assert max(map(len, drawn)) <= max(width, 70)
        assert all("⠀" not in line for line in drawn) == ascii_only
