"""product: calls of the product, with what it said beside the answer."""

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

# Codes by which the product says that an answer is not the right one: failures, ends short of the optimum, rounding.
NOT_THERE = ("D1", "D2", "D5")
SAID_GAP = 1e-3  # of what can be gained: a run that stops at a larger one warns
NOT_CONVERGED = ("budget", "separable", "interrupted", "diverged", "nonfinite")


class Refusal(Exception):
    """The product answered with one sentence in place of a result."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """What came back.

    Args:
        model: an estimator or a Run.
        words: what was said about its being not the right answer; empty for silence.
        verdict: the sentence of the verdict.
    """

    model: Any
    words: tuple[str, ...]
    verdict: str


@dataclass
class Heard:
    """Warnings of a call: those of the product, and those that leaked out of NumPy and others."""

    said: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)


def call(work: Callable[[], Any]) -> tuple[Any, Heard]:
    """Return a result and the warnings; raises Refusal where the product refuses in a sentence of its own."""
    from sklearn.exceptions import ConvergenceWarning

    import descend as ds

    heard = Heard()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = work()
        except ds.DescendError as error:
            raise Refusal(f"{type(error).__name__}: {error}") from error
        except ValueError as error:  # scikit-learn's contract asks for it; one that NumPy raised is no sentence
            if "sklearn" in str(type(error)) or _is_sentence(error):
                raise Refusal(f"ValueError: {error}") from error
            raise
    for w in caught:
        kind = heard.said if issubclass(w.category, (ConvergenceWarning, UserWarning)) else heard.leaked
        kind.append(f"{w.category.__name__}: {w.message}")
    return result, heard


def _is_sentence(error: ValueError) -> bool:
    """Whether the estimators themselves, or scikit-learn's checks of arguments, raised it."""
    trace, last = error.__traceback__, ""
    while trace is not None:
        last, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return last.endswith("descend/estimators.py") or "sklearn/utils" in last


def estimator(classifies: bool, **options: Any) -> Any:
    import descend as ds

    return (ds.DescentClassifier if classifies else ds.DescentRegressor)(**{"random_state": 0, **options})


def fitted(X: Any, y: Any, weight: Any = None, *, classifies: bool, **options: Any) -> Answer:
    """Fit an estimator."""
    model, heard = call(lambda: estimator(classifies, **options).fit(X, y, sample_weight=weight))
    words = [*heard.said, *_findings(model.findings_)]
    if model.verdict_.status in NOT_CONVERGED:
        words.append(model.verdict_.text)
    return Answer(model=model, words=tuple(words), verdict=model.verdict_.text)


def trained(data: Any, target: Any, **options: Any) -> Answer:
    """Call `train`, without test rows, validation rows and time budget unless told."""
    import descend as ds

    given = {"test": 0, "validation": 0, "time_budget": None, "seeds": 1, "max_epochs": 200, **options}
    run, heard = call(lambda: ds.train(data, target, progress=False, **given))
    words = [*heard.said, *_findings(run.findings)]
    if run.verdict.status in NOT_CONVERGED:
        words.append(run.verdict.text)
    return Answer(model=run, words=tuple(words), verdict=run.verdict.text)


def stated_gap(answer: Answer) -> float:
    """The share of what can be gained that is missing where training stopped early, as the product states it; 0 elsewhere."""
    gap = answer.model.gap_ if hasattr(answer.model, "gap_") else answer.model.gap
    return min(gap or 0.0, SAID_GAP) if answer.verdict.startswith("stopped") else 0.0


def _findings(findings: Any) -> list[str]:
    return [f"{f.code} {f.text}" for f in findings if f.code.startswith(NOT_THERE)]


def predictions(model: Any, X: Any) -> np.ndarray:
    """Numbers, or probabilities (scores where there are none), of an estimator or a Run, as float64."""
    if hasattr(model, "verdict"):
        got = call(lambda: model.predict(X))[0]
        scores = got.values if got.scores is None else got.scores
        return np.asarray(scores if got.probabilities is None else got.probabilities, np.float64)
    return np.asarray(
        call(lambda: (model.decision_function if hasattr(model, "classes_") else model.predict)(X))[0], np.float64
    )


def frame(X: np.ndarray, y: Any = None, names: Any = None) -> pd.DataFrame:
    """A table with columns c0, c1, ... and the target y."""
    table = pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])] if names is None else names)
    return table if y is None else table.assign(y=y)


def csv(table: pd.DataFrame) -> bytes:
    text = io.StringIO()
    _wide(table).to_csv(text, index=False)
    return text.getvalue().encode()


def jsonl(table: pd.DataFrame) -> str:
    records = _wide(table).astype(object).where(table.notna(), None).to_dict("records")
    return "".join(json.dumps(r, default=lambda v: v.item()) + "\n" for r in records)


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """The same numbers in float64: as text, float32 would lose what lies behind its own digits."""
    return table.astype({name: np.float64 for name in table if table[name].dtype == np.float32})
