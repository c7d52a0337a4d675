"""The public names are exactly one list, loaded lazily."""

import inspect
import subprocess
import sys

import descend as ds
from descend.options import OPTIONS


def test_the_public_names_are_exactly_these():
    assert sorted(ds.__all__) == dir(ds) == [
        "Comparison", "DataError", "DataReport", "DescendError", "DescentClassifier", "DescentRegressor", "DivergenceError", "Finding", "LRResult", "ModelError", "OutputError",
        "RULES", "ResumeError", "Rule", "Run", "Suggestion", "UsageError", "__version__", "callbacks", "check", "compare", "diff", "doctor", "explain", "find_lr", "load", "resume", "rules", "runs", "suggest_lr", "train",
    ]  # fmt: skip
    assert all(getattr(ds, name) is not None for name in ds.__all__)


def test_importing_descend_imports_nothing_heavy():
    code = "import sys, descend; print([m for m in ('numpy', 'numba', 'duckdb', 'sklearn', 'rich', 'click') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_signature_of_train_lists_every_option():
    parameters = inspect.signature(ds.train).parameters
    assert [o.name for o in OPTIONS if o.name not in parameters] == []


def test_every_option_says_what_it_is_for():
    assert all(o.help and not o.help.endswith(".") for o in OPTIONS)
    assert len({o.flag for o in OPTIONS}) == len({o.name for o in OPTIONS}) == len(OPTIONS)
