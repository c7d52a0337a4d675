"""`descend check`: the columns, every check with its reason, JSON, a page; bad tables."""

import json

import numpy as np
import pytest

LEAKY = "x,twice,k,y\n" + "".join(
    f"{n * 5 % 46 + 20},{2.5 * (n * 7 % 23) + 1},{'uvw'[n % 3]},{n * 7 % 23}\n" for n in range(20, 66)
)


def test_people_see_the_columns_and_every_check_with_its_reason(descend, tmp_path):
    (tmp_path / "t.csv").write_text(LEAKY)

    code, out, err = descend("-q", "check", "t.csv", "-t", "y")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    x, y = np.arange(20, 66) * 5 % 46 + 20, np.arange(20, 66) * 7 % 23
    groups = np.array([y[np.arange(20, 66) % 3 == k].mean() for k in range(3)])[np.arange(20, 66) % 3]
    r, eta = np.corrcoef(x, y)[0, 1], groups.std() / y.std()
    assert lines[:7] == [
        "t.csv · 46 rows × 4 columns",
        "",
        " column  kind      missing  different  smallest  median  largest  assoc.  used as",
        f" x       number          0         46        20      42       65    {r:.2f}  x",
        " twice   number          0         23         1    28.5       56    1.00  twice",
        f" k       category        0          3         –       –        –    {eta:.2f}  k=u, k=v, k=w",
        " y       number          0         23         0      11       22       –  target",
    ]
    conditioning = next(line for line in lines if " conditioning " in line)
    assert [line for line in lines[8:] if line != conditioning] == [
        "✖ leak          target leakage suspected: column 'twice' alone predicts the target almost exactly (100.0% of its "
        "variation); it may be known only after the target, or be the target in another form",
        "                fix   --drop twice",
        "                more  descend explain D402",
        "! size          36 training rows for 6 weights of a linear model, fewer than 10 a weight: it can fit noise",
        "                fix   --l2 0.01   or   leave out columns with --drop   or   bring more rows",
        "✔ reading       46 rows read, and nothing had to be guessed",
        "✔ missing       none of 184 cells is missing",
        "✔ categories    3 levels in 1 column, a feature each",
        "✔ unused        no column is constant, empty or an identifier",
        "✔ sentinels     no number that is repeated at an end of its column is far from all others",
        "✔ extremes      no cell of 3 columns hides all others",
        "✔ copies        0 of 46 rows repeat another, in all that a model sees; 0 of 10 test rows are also training rows",
        "✔ correlations  no two columns have a correlation beyond 0.95",
        "✔ outliers      no few rows decide the squares of the target",
        "✔ training      y is learned as numbers with the squared loss, by a linear model of 5 features (6 weights), from 36 "
        "training rows; 10 test rows score it",
        "– imbalance     not applicable: the target is a number",
        "– time          not applicable: there is no column of dates",
        "",
        "1 problem, 1 tip, 11 passed, 2 not applicable",
    ]
    assert conditioning.startswith("✔ conditioning  condition number ")


def test_what_was_read_is_noted_as_by_train(descend, tmp_path):
    (tmp_path / "t.csv").write_text(LEAKY)
    err = descend("check", "t.csv", "-t", "y")[2]
    assert err.splitlines()[:2] == [
        "read     t.csv · 46 rows × 4 columns · comma, UTF-8, header",
        "target   y · numeric → regression",
    ]


def test_one_json_document(descend, tmp_path):
    (tmp_path / "t.csv").write_text(LEAKY)

    code, out, err = descend("-q", "check", "t.csv", "--target", "y", "--json")

    document = json.loads(out)
    assert (code, err, document["schema"], document["target"]) == (0, "", "descend.check/1", "y")
    assert document["counts"] == {"problem": 1, "tip": 1, "passed": 11, "skipped": 0, "not applicable": 2}
    assert next(c for c in document["checks"] if c["name"] == "leak")["evidence"]["column"] == "twice"


def test_a_page_is_written_once(descend, tmp_path):
    (tmp_path / "t.csv").write_text(LEAKY)
    code, out, _ = descend("-q", "check", "t.csv", "--html", "page.html")
    assert (code, out.splitlines()[-1]) == (0, "page     page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert descend("-q", "check", "t.csv", "--html", "page.html") == (
        2, "", "error: the file 'page.html' cannot be written: it exists already; name another file, or add --force\n"
    )  # fmt: skip
    assert descend("-q", "check", "t.csv", "--html", "page.html", "--force")[0] == 0
    assert descend("-q", "check", "t.csv", "--html", "t.csv", "--force")[0] == 2


def test_options_of_reading_and_columns_are_obeyed(descend, tmp_path):
    (tmp_path / "t.csv").write_text(LEAKY)
    document = json.loads(
        descend("-q", "check", "t.csv", "-t", "k", "--drop", "twice", "--kind", "x=text", "--json")[1]
    )
    assert (document["task"], [(c["name"], c["kind"]) for c in document["columns"]]) == (
        "classification", [("x", "category"), ("k", "category"), ("y", "number")]
    )  # fmt: skip


def test_many_columns_are_cut_and_it_is_said(descend, tmp_path):
    names = [f"c{j}" for j in range(40)]
    (tmp_path / "w.csv").write_text(
        "\n".join([",".join(names), *(",".join(f"{(i * j) % 7 + j}" for j in range(40)) for i in range(9))])
    )
    assert " … 10 more columns; -v shows them, --json has them" in descend("-q", "check", "w.csv")[1]
    shown = descend("-v", "check", "w.csv")[1].splitlines()
    assert [line.split()[0] for line in shown[3:43]] == names


def test_hostile_names_stay_on_their_line(descend, tmp_path):
    name = "\u202egnp\x1b[2J" + "n" * 10_000
    cells = ["<script>alert(1)</script>" + "x" * 10_000, "שלום", "b"]
    (tmp_path / "t.csv").write_text(f"{name},y\n" + "".join(f"{cells[n % 3]},{n % 5}\n" for n in range(60)))
    code, out, _ = descend("-q", "check", "t.csv", "-t", "y", "--html", "p.html")
    assert code == 0
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) < 2_000
    assert (tmp_path / "p.html").read_text().count("<script") == 1  # the page's own


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        ("", (), 3, "error: the file 't.csv' is empty; bring a table with a header and rows\n"),
        ("a,b\n", (), 3, "error: the file 't.csv' has a header of 2 columns and no rows; bring a table with rows\n"),
        ("a,b\n1,2\n", ("-t", "c"), 2, "error: there is no column 'c' in 't.csv'; the nearest are 'a', 'b'\n"),
        ("a,b\n1,2\n", ("--missing", "fill"), 2, "error: --missing is 'fill', it must be one of median, drop, error; try 'median'\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_said(descend, tmp_path, text, arguments, code, said):
    (tmp_path / "t.csv").write_text(text)
    assert descend("-q", "check", "t.csv", *arguments) == (code, "", said)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a,y\n1,2\n", ["training"]),
        ("a,y\n" + "NA,NA\n" * 9, ["missing", "training"]),
        ("a,y\n" + "1,2\n" * 9, ["training"]),
    ],
)
def test_a_table_that_training_refuses_is_checked_all_the_same(descend, tmp_path, text, problems):
    (tmp_path / "t.csv").write_text(text)
    code, out, _ = descend("-q", "check", "t.csv", "-t", "y", "--json")
    assert (code, [c["name"] for c in json.loads(out)["checks"] if c["status"] == "problem"]) == (0, problems)
