"""data_report: what is known of a table, and how it shows itself: JSON, a page, and a few lines."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from descend.checks.page import render
from descend.checks.records import Contents
from descend.report import summary
from descend.report.summary import Summary
from descend.version import VERSION

SCHEMA = "descend.check/1"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DataReport(Contents):
    """The contents, and how they are shown."""

    def document(self) -> dict[str, Any]:
        """Return the report as one JSON document."""
        return {
            "schema": SCHEMA, "version": VERSION, "status": "ok",
            "data": {"name": self.name, "rows": self.rows, "columns": len(self.columns), **self.source},
            "target": self.target, "task": self.task, "counts": self.counts, "checks": _documents(self.checks),
            "columns": _documents(self.columns), "sampled_rows": self.sampled,
            "correlated": _documents(self.correlated), "notes": [{"topic": a, "text": b} for a, b in self.notes],
        }  # fmt: skip

    def html(self) -> str:
        """Return the report as one self-contained page without script."""
        return render(self)

    def __repr__(self) -> str:
        return summary.text(self._summary())

    def _repr_html_(self) -> str:
        return summary.html(self._summary())

    def _summary(self) -> Summary:
        return Summary(
            title=self.title, verdict=self.verdict, header=("check", "status"),
            rows=tuple((c.name, c.status.value) for c in self.by_urgency),
            facts=(("target", self.target), ("task", str(self.task))) if self.target else (),
            findings=tuple(f"{c.name}: {c.text}" for c in (*self.problems, *self.tips)), more=".checks, .columns, .html(), .document()",
        )  # fmt: skip


def _documents(records: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(record) for record in records]
