"""descend: train by gradient descent, with the learning rate found, the gap to the best known, and the fault named.

>>> import descend as ds
>>> ds.rules.adam.__name__
'adam'
"""

import importlib
from typing import TYPE_CHECKING, Any

from descend.version import VERSION as __version__

if TYPE_CHECKING:
    from descend import callbacks, rules
    from descend.checks.data_report import DataReport
    from descend.checks.job import check
    from descend.diagnosis import Finding, explain
    from descend.errors import (
        DataError,
        DescendError,
        DivergenceError,
        ModelError,
        OutputError,
        ResumeError,
        UsageError,
    )
    from descend.estimators import DescentClassifier, DescentRegressor
    from descend.plan.rule import RULES, Rule
    from descend.run.comparison import Comparison, compare
    from descend.run.diff import diff
    from descend.run.doctor import doctor
    from descend.run.document import load
    from descend.run.job import train
    from descend.run.listing import runs
    from descend.run.lr_sweep import LRResult, find_lr
    from descend.run.record import Run
    from descend.run.resume import resume
    from descend.search.range_test import Suggestion, suggest_lr

_HOMES = {
    "train": "descend.run.job",
    "compare": "descend.run.comparison",
    "Comparison": "descend.run.comparison",
    "find_lr": "descend.run.lr_sweep",
    "LRResult": "descend.run.lr_sweep",
    "resume": "descend.run.resume",
    "runs": "descend.run.listing",
    "diff": "descend.run.diff",
    "check": "descend.checks.job",
    "DataReport": "descend.checks.data_report",
    "doctor": "descend.run.doctor",
    "explain": "descend.diagnosis",
    "Finding": "descend.diagnosis",
    "suggest_lr": "descend.search.range_test",
    "Suggestion": "descend.search.range_test",
    "load": "descend.run.document",
    "Run": "descend.run.record",
    "DescentRegressor": "descend.estimators",
    "DescentClassifier": "descend.estimators",
    "Rule": "descend.plan.rule",
    "RULES": "descend.plan.rule",
    "DescendError": "descend.errors",
    "UsageError": "descend.errors",
    "OutputError": "descend.errors",
    "DataError": "descend.errors",
    "DivergenceError": "descend.errors",
    "ResumeError": "descend.errors",
    "ModelError": "descend.errors",
}

__all__ = [
    "RULES",
    "Comparison",
    "DataError",
    "DataReport",
    "DescendError",
    "DescentClassifier",
    "DescentRegressor",
    "DivergenceError",
    "Finding",
    "LRResult",
    "ModelError",
    "OutputError",
    "ResumeError",
    "Rule",
    "Run",
    "Suggestion",
    "UsageError",
    "__version__",
    "callbacks",
    "check",
    "compare",
    "diff",
    "doctor",
    "explain",
    "find_lr",
    "load",
    "resume",
    "rules",
    "runs",
    "suggest_lr",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562), so that importing descend costs nothing."""
    if name in ("rules", "callbacks"):
        return importlib.import_module(f"descend.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'descend' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
