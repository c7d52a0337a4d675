"""Model: all that prediction needs, from the columns of a file to the units of its target."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.losses import LOSSES, Loss
from descend.metrics import predicted_class
from descend.problem.network import Network
from descend.problem.network import scores as network_scores
from descend.problem.response import decision, has_probabilities, probabilities
from descend.table.columns import Coded, Schema
from descend.table.reading import Kind, Reading
from descend.table.scale import Scale
from descend.table.table import Table
from descend.table.target import labels_of

BLOCK_CELLS = 1 << 20  # features that are made at once: 8 MB (arbitrary)
ALIGNED = 64  # rows of a block come in multiples of it, so that BLAS sums each as it would among all
REPR_ROWS = 6  # rows that repr shows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Prediction:
    """Predictions in the order of the rows; an array of them to NumPy, to `len`, to `[]` and to `==`.

    Args:
        values: a number a row, or a class label a row (rows,).
        probabilities: (rows, classes), or None for regression and for losses that have none.
        classes: labels, in the order of the columns of `probabilities`.
        unseen: cells a column whose level was never seen in training.
        filled: cells a column that were missing and filled.
        scores: log odds of the second of two classes (rows,); of several (rows, classes); None for
            regression.

    >>> prediction = Prediction(values=np.array([1.5, 2.0]), probabilities=None, classes=(), unseen={}, filled={})
    >>> np.asarray(prediction).sum(), len(prediction), prediction[0], (prediction == [1.5, 0]).tolist()
    (np.float64(3.5), 2, np.float64(1.5), [True, False])
    >>> prediction
    Prediction of 2 rows
       prediction
    0  1.5
    1  2
    """

    values: Array
    probabilities: Array | None
    classes: tuple[str, ...]
    unseen: dict[str, int]
    filled: dict[str, int]
    scores: Array | None = None

    @property
    def rows(self) -> int:
        """The number of predictions."""
        return len(self.values)

    @property
    def columns(self) -> dict[str, Array]:
        """The predictions and, where there are some, the probabilities p_CLASS, by name (rows,)."""
        shares: Any = [] if self.probabilities is None else self.probabilities.T
        return {"prediction": self.values, **{f"p_{c}": p for c, p in zip(self.classes, shares, strict=False)}}

    def to_pandas(self) -> Any:
        """Return a data frame with the columns `prediction` and p_CLASS; needs pandas."""
        return importlib.import_module("pandas").DataFrame(self.columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype) if copy else np.asarray(self.values, dtype)

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def __getitem__(self, rows: Any) -> Any:
        return self.values[rows]

    def __eq__(self, other: object) -> Any:
        return self.values == np.asarray(other)

    def __ne__(self, other: object) -> Any:
        return self.values != np.asarray(other)

    def __repr__(self) -> str:
        shown = {n: [_cell(v) for v in values[:REPR_ROWS].tolist()] for n, values in self.columns.items()}
        cells = [["", *map(str, range(min(self.rows, REPR_ROWS)))], *([n, *v] for n, v in shown.items())]
        widths = [max(map(len, column)) for column in cells]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in zip(*cells, strict=True)]
        return "\n".join([f"Prediction of {self.rows:,} rows", *lines, *(["…"] if self.rows > REPR_ROWS else [])])


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, eq=False)
class Model:
    """A model of a table: linear, or a network.

    Args:
        schema: how columns become features.
        scale: how features, and the target, are centred and scaled.
        weights: in scaled units (params,): W (features, outputs) row by row, then b (outputs,); or those of the network.
        loss: the loss it was trained on, and its constants.
        target: the name of the target's column.
        classes: labels as text, empty for regression.
        network: its shape; None for a linear model.
        labels: the classes with the dtype of the data, which predictions have (classes,).
        target_reading: how the target's column was read.
        threshold: the probability above which the second of two classes is predicted.
    """

    schema: Schema
    scale: Scale
    weights: Array
    loss: Loss
    constants: dict[str, float]
    target: str
    classes: tuple[str, ...]
    network: Network | None = None
    labels: Array = field(default_factory=lambda: np.zeros(0))
    target_reading: Reading = Reading(Kind.NUMBER)
    threshold: float = 0.5

    @property
    def cut(self) -> float:
        """The score above which the second of two classes is predicted: the log odds of the threshold."""
        return float(np.log(self.threshold / (1 - self.threshold)))

    @property
    def readings(self) -> dict[str, Reading]:
        """How each column was read in training, target included: what is predicted or evaluated is read in the same way."""
        return {**self.schema.kinds, self.target: self.target_reading}

    @property
    def W(self) -> Array:
        """The weights of a linear model (features, outputs)."""
        return self.weights[: -self._outputs].reshape(-1, self._outputs)

    @property
    def b(self) -> Array:
        """The biases of a linear model (outputs,)."""
        return self.weights[-self._outputs :]

    @property
    def _outputs(self) -> int:
        return len(self.classes) if self.loss.outputs == "classes" else 1

    def predict(self, table: Table) -> Prediction:
        """Predict every row of a table; columns are found by name, in any order.

        Raises ModelError when a column is missing or holds another kind of values.
        """
        coded = self.schema.coded(table)
        if self.network is None and coded.matrix is None:
            return self.respond(self._scores_by_column(coded), coded.unseen, coded.filled)
        step = max(BLOCK_CELLS // len(self.schema.names), 1) // ALIGNED * ALIGNED or ALIGNED
        blocks = [self.scores(coded.features(slice(k, k + step))) for k in range(0, max(table.rows, 1), step)]
        return self.respond(np.concatenate(blocks), coded.unseen, coded.filled)

    def scores(self, X: Array) -> Array:
        """Return predictions (rows, outputs), before any link, of features in the units of the file, float64."""
        if self.network is not None:
            return network_scores(self.network, self.weights.astype(np.float64), self.scale.transform(X, np.float64))
        z: Array = self.scale.transform(X, np.float64) @ self.W.astype(np.float64) + self.b
        return z

    def _scores_by_column(self, coded: Coded) -> Array:
        """What `scores` returns but for rounding, without features: a level of a column adds one number an output to its rows.

        On 336,776 flights of 132 features it takes a 30th of the time.
        """
        W, center, width = self.W.astype(np.float64), self.scale.center, self.scale.width
        z, at = np.tile(self.b.astype(np.float64), (len(coded.columns[0][0]), 1)), 0
        for column, size in coded.columns:
            part = slice(at, at + size)
            if column.ndim == 1:
                none = -(center[part] / width[part]) @ W[part]  # of a row of zeros, which an unknown level has
                z += np.concatenate([none + W[part] / width[part, None], none[None]])[column]
            else:
                for j, values in enumerate(column.T, at):
                    z += ((values - center[j]) / width[j])[:, None] * W[j]
            at += size
        return z

    def respond(self, z: Array, unseen: dict[str, int], filled: dict[str, int]) -> Prediction:
        """Return the prediction that scores z (rows, outputs) stand for."""
        if not self.classes:
            mean = self.loss.mean(z[:, 0])
            values = np.asarray(mean * self.scale.target_width + self.scale.target_center)
            return Prediction(values=values, probabilities=None, classes=(), unseen=unseen, filled=filled)
        labels = self.labels if len(self.labels) else labels_of(self.classes)
        shares = probabilities(self.loss, z) if has_probabilities(self.loss) else None
        return Prediction(
            values=labels[predicted_class(decision(z), self.cut)],
            probabilities=shares,
            classes=self.classes,
            unseen=unseen,
            filled=filled,
            scores=decision(z),
        )

    def coefficients(self) -> list[tuple[str, str, float]]:
        """Return (output, feature, value) in the units of the file, the intercepts last; none of a network."""
        if self.network is not None:
            return []
        W, b = self.scale.to_file_units(self.W.astype(np.float64), self.b.astype(np.float64))
        outputs = self.classes if W.shape[1] > 1 else (self.classes[1] if self.classes else self.target,)
        named = [(o, n, float(W[j, k])) for k, o in enumerate(outputs) for j, n in enumerate(self.schema.names)]
        return named + [(o, "intercept", float(b[k])) for k, o in enumerate(outputs)]

    def tensors(self) -> dict[str, Array]:
        """Return the arrays of the model file."""
        own = {"W": self.W, "b": self.b} if self.network is None else {"weights": self.weights}
        return {
            **own, "center": self.scale.center, "width": self.scale.width,
            "target": np.array([self.scale.target_center, self.scale.target_width]),
        }  # fmt: skip

    def document(self) -> dict[str, Any]:
        """Return the rest of the model file, as JSON."""
        return {
            "columns": self.schema.to_json(), "loss": self.loss.name, "constants": self.constants,
            "link": self.loss.mean.__name__, "target": self.target, "classes": list(self.classes),
            "labels": self.labels.tolist(), "target_reading": str(self.target_reading),
            "network": None if self.network is None else asdict(self.network), "threshold": self.threshold,
        }  # fmt: skip

    @classmethod
    def of(cls, tensors: Mapping[str, Array], document: Mapping[str, Any]) -> "Model":
        """Read a model from what `tensors` and `document` returned."""
        center, width = (float(x) for x in tensors["target"])
        shape = document.get("network")
        network = None if shape is None else Network(**{**shape, "sizes": tuple(shape["sizes"])})
        weights = np.append(tensors["W"], tensors["b"]) if network is None else tensors["weights"]
        if network is not None and weights.shape != (network.params,):
            raise KeyError(f"{network.params} weights")
        threshold = float(document.get("threshold", 0.5))
        if not 0 < threshold < 1:
            raise KeyError("a threshold between 0 and 1")
        return cls(
            Schema.from_json(document["columns"]), Scale(tensors["center"], tensors["width"], center, width),
            weights, LOSSES[document["loss"]], dict(document["constants"]),
            document["target"], tuple(document["classes"]), network,
            labels_of(document.get("labels", ())), Reading.of(document.get("target_reading", "number")),
            threshold,
        )  # fmt: skip
