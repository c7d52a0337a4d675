"""Cells that a real kernel runs: the bar below a cell, and what results show of themselves, converted to a page by nbconvert."""

import re
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
nbconvert = pytest.importorskip("nbconvert")
PENGUINS = Path(__file__).parents[2] / "examples" / "data" / "penguins.csv"
CELLS = {
    "bar": f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.display.made import HALF
        from descend.display import default_display
        default_display().show(HALF)""",
    "removed": """
        with default_display() as show:
            show(HALF)""",
    "run": f"""
        import descend as ds
        run = ds.train({str(PENGUINS)!r}, "species", optimizer="nesterov", max_epochs=30, seeds=1)
        run""",
    "hostile": """
        import pandas as pd
        table = pd.DataFrame({"<script>alert(1)</script>": [1.0, 2.0, 3.0, 5.0] * 10, "x" * 10_000: [2.0, 1.0, 4.0, 3.0] * 10})
        ds.train(table, "<script>alert(1)</script>", optimizer="gd", max_epochs=5, seeds=1, progress=False)""",
    "plot": 'run.plot("confusion")',
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The notebook after its kernel has run every cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(dedent(source)) for source in CELLS.values()])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute(cwd=str(tmp_path_factory.mktemp("book")))
    return book


@pytest.fixture(scope="module")
def outputs(notebook):
    """What stands below each cell."""
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def test_the_bar_is_below_the_cell(outputs):
    html = outputs["bar"][-1].data["text/html"]
    assert html == (
        '<div>training <progress value="0.400" max="1" aria-label="training"></progress> '
        "40 % · loss 0.3124 · held out 0.3391 · 5 of 45 runs · lr 0.031 · 0:00:30 left</div>"
    )


def test_the_bar_is_gone_at_the_end(outputs):
    assert [out.data["text/html"] for out in outputs["removed"]] == [""]
    assert "<progress" not in str(outputs["run"])


def test_notes_are_told_while_the_run_trains(outputs):
    said = "".join(out.text for out in outputs["run"] if out.output_type == "stream")
    assert "split    275 training rows / 69 test rows (20%, seed 0)" in re.sub(r"\x1b\[\d*m", "", said)


def test_a_run_is_a_table_after_conversion(notebook):
    page, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(notebook)
    ours = re.findall(r'<div class="descend">.*?</div>', page, re.DOTALL)
    assert len(ours) == 2
    assert "<strong>Run: species from penguins.csv</strong>" in ours[0]
    assert '<th scope="col">accuracy</th>' in ours[0]
    found = Tags()
    found.feed("".join(ours))
    assert found.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
    assert found.attributes <= {"class", "scope"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in ours[1]


def test_no_text_of_a_result_is_longer_than_a_screen(outputs):
    for name in ("run", "hostile"):
        text = outputs[name][-1].data["text/plain"]
        assert len(text.splitlines()) <= 30
        assert max(map(len, text.splitlines())) <= 250


def test_a_plot_is_a_picture_and_nothing_is_printed_as_an_error(outputs):
    assert "image/png" in outputs["plot"][-1].data
    assert not [out for outs in outputs.values() for out in outs if out.output_type == "error"]


class Tags(HTMLParser):
    """The elements and attributes of a piece of HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
