"""descend: train by gradient descent, with the learning rate found, the gap to the best known, and the fault named.

>>> import descend as ds
>>> ds.rules.adam.__name__
'adam'
"""

import importlib
from typing import TYPE_CHECKING, Any

from descend.version import VERSION as __version__

if TYPE_CHECKING:
    from descend import rules
    from descend.comparison import Comparison, compare
    from descend.diagnosis import Finding, explain
    from descend.doctor import doctor
    from descend.errors import DataError, DescendError, DivergenceError, ModelError, OutputError, UsageError
    from descend.estimators import DescentClassifier, DescentRegressor
    from descend.range_test import Suggestion, suggest_lr
    from descend.rates import LRResult, find_lr
    from descend.rule import RULES, Rule
    from descend.run import Run, load, train

_HOMES = {
    "train": "descend.run",
    "compare": "descend.comparison",
    "Comparison": "descend.comparison",
    "find_lr": "descend.rates",
    "LRResult": "descend.rates",
    "doctor": "descend.doctor",
    "explain": "descend.diagnosis",
    "Finding": "descend.diagnosis",
    "suggest_lr": "descend.range_test",
    "Suggestion": "descend.range_test",
    "load": "descend.run",
    "Run": "descend.run",
    "DescentRegressor": "descend.estimators",
    "DescentClassifier": "descend.estimators",
    "Rule": "descend.rule",
    "RULES": "descend.rule",
    "DescendError": "descend.errors",
    "UsageError": "descend.errors",
    "OutputError": "descend.errors",
    "DataError": "descend.errors",
    "DivergenceError": "descend.errors",
    "ModelError": "descend.errors",
}

__all__ = [
    "RULES",
    "Comparison",
    "DataError",
    "DescendError",
    "DescentClassifier",
    "DescentRegressor",
    "DivergenceError",
    "Finding",
    "LRResult",
    "ModelError",
    "OutputError",
    "Rule",
    "Run",
    "Suggestion",
    "UsageError",
    "__version__",
    "compare",
    "doctor",
    "explain",
    "find_lr",
    "load",
    "rules",
    "suggest_lr",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562), so that importing descend costs nothing."""
    if name == "rules":
        return importlib.import_module("descend.rules")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'descend' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
