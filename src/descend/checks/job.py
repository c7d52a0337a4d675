"""job: from data to a DataReport."""

from collections.abc import Callable
from typing import Any

from descend.blas import one_blas_thread
from descend.checks import checks
from descend.checks.association import correlated
from descend.checks.data_report import DataReport
from descend.checks.facts import Facts
from descend.checks.profiles import profiles
from descend.options import read_options
from descend.options.flags import in_keywords
from descend.table.prepare import Note


@in_keywords()
@one_blas_thread()
def check(
    data: Any, target: Any = None, *, on_event: Callable[[Note], None] = lambda note: None, **options: Any
) -> DataReport:
    """Return what a table holds and what would hinder training, without training.

    Args:
        data: a path, "-" for standard input, a data frame (pandas, polars, Arrow), or an array (rows, features).
        target: a column's name, or an array (rows,); None for a table alone.
        on_event: receives every Note.
        options: as those of `descend.train`; those of reading, columns and rows matter.

    Raises UsageError for a bad option or a column that is not there, and DataError where there is no table to read. A
    target that cannot be learned is no error: the check "training" says so.
    """
    facts = Facts.of(data, target, read_options(options), on_event)
    source, prepared = facts.table.source, facts.prepared
    sampled = facts.table.rows if facts.sample is None else len(facts.sample)
    own = {name: value for name, value in vars(source).items() if name != "name" and value is not None}
    return DataReport(
        name=source.name, rows=facts.table.rows, sampled=sampled, source=own, target=facts.target,
        task=None if prepared is None else prepared.target.task, columns=profiles(facts),
        correlated=() if facts.gram is None else tuple(correlated(facts, facts.gram)), checks=checks.made(facts),
        notes=tuple((note.topic, note.text) for note in facts.notes),
    )  # fmt: skip
