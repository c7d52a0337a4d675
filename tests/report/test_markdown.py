"""The summary: short, and whole whatever the names."""

import dataclasses

import pytest
from tests.report.made import HOSTILE, a_report

from descend.report import markdown
from descend.report.content import FindingRow


def test_the_summary_is_short_and_whole():
    report = dataclasses.replace(
        a_report(),
        findings=(FindingRow(code="D101", level="error", text="lr is too high", fixes=("--lr auto", "--scale")),),
    )
    assert markdown.render(report) == (
        "## name\n\n**converged** \u00b7 name\n\n"
        "| name | name | name | name |\n|---|---|---|---|\n| name | name | name | name |\n\n"
        "| variant | lr | batch | epochs | name | result |\n|---|---|---|---|---|---|\n"
        "| name | 0.1 | name | 3 | 1.5 \u00b1 0.1 | name |\n\n"
        "- **D101** lr is too high --lr auto or --scale\n"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_leave_the_summary_its_shape(name):
    page = markdown.render(a_report(name))
    assert "<" not in page
    assert len(page.splitlines()) == len(markdown.render(a_report("name")).splitlines())
    assert not set(page) & set("\u202e\u2066\u2067\u2068\x00")


def test_markdown_escapes_tables_and_html():
    page = markdown.render(a_report("a|b <i> *c*\nd"))
    assert "<i>" not in page
    assert all(line.count("|") - line.count("\\|") in (0, 5, 7) for line in page.splitlines())
