"""sklearn: a model as a pipeline of scikit-learn's own classes, in a skops file, which holds no pickle."""

from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError
from descend.export.exportable import Exportable, InputColumn, Link
from descend.export.formats import optional
from descend.table.columns import MISSING, OTHER
from descend.table.reading import Kind

ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
OUTPUTS = {Link.IDENTITY: "identity", Link.EXP: "exp", Link.SIGMOID: "logistic", Link.SOFTMAX: "softmax"}
FREQUENT = 2  # rows that a level has in the table on which the encoder is made; "(other)" has one, and is infrequent


def render(model: Exportable) -> bytes:
    """Return the bytes of a skops file.

    Raises UsageError where skops or pandas is missing, and for a network that scikit-learn does not have.
    """
    _check_network(model)
    io = optional("skops.io", "sklearn")
    data: bytes = io.dumps(_pipeline(model))
    return data


def _check_network(model: Exportable) -> None:
    hidden = model.layers[:-1]
    other = next((layer.activation for layer in hidden if layer.activation not in ACTIVATIONS), None)
    what = ""
    if hidden and model.link == Link.STEP:
        what = f"network of the loss {model.loss}"
    elif any(layer.residual for layer in hidden):
        what = "network with residual layers"
    elif other is not None:
        what = f"network with the activation {other}, it has {', '.join(ACTIVATIONS)}"
    if what:
        raise UsageError(
            f"scikit-learn has no {what}", fix="use another format, such as --to onnx", code="no-such-model"
        )


def _pipeline(model: Exportable) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    columns, order = _columns(model), _order(model)
    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = np.append(model.center, 0.0)[order], np.append(model.width, 1.0)[order]
    scaler.var_, scaler.n_samples_seen_, scaler.n_features_in_ = scaler.scale_**2, 1, len(order)
    return Pipeline([("columns", columns), ("scale", scaler), ("model", _estimator(model, order))])


def _columns(model: Exportable) -> Any:
    """Numbers with medians in the gaps, then flags, then the levels of each category: fitted on rows made for it."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers, categories = _by_kind(model)
    flagged = [c.name for c in numbers if c.flag]
    encoder = OneHotEncoder(
        categories=[_levels(c) for c in categories], handle_unknown="infrequent_if_exist", min_frequency=FREQUENT,
        sparse_output=False,
    )  # fmt: skip
    gaps = (SimpleImputer(missing_values=gap, strategy="constant", fill_value=MISSING) for gap in (np.nan, None))
    of_text = Pipeline([*zip(("missing", "none"), gaps, strict=True), ("levels", encoder)])
    parts = [
        ("numbers", SimpleImputer(strategy="median"), [c.name for c in numbers]),
        ("missing", MissingIndicator(features="all"), flagged),
        ("categories", of_text, [c.name for c in categories]),
    ]
    columns = ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)
    return columns.fit(_rows(numbers, categories))


def _rows(numbers: list[InputColumn], categories: list[InputColumn]) -> Any:
    """Rows of which the medians are those of the model, and in which every level but the rare ones is frequent."""
    levels = {
        c.name: [level for level in _levels(c) for _ in range(1 if level == OTHER else FREQUENT)] for c in categories
    }
    count = max((len(texts) for texts in levels.values()), default=1)
    padded = {name: np.array([texts[0]] * (count - len(texts)) + texts, object) for name, texts in levels.items()}
    medians = {c.name: np.full(count, c.median) for c in numbers}
    return optional("pandas", "sklearn").DataFrame({**medians, **padded})


def _by_kind(model: Exportable) -> tuple[list[InputColumn], list[InputColumn]]:
    """The columns of numbers, and those of categories."""
    text = [c.kind == Kind.CATEGORY for c in model.columns]
    pairs = list(zip(model.columns, text, strict=True))
    return [c for c, is_text in pairs if not is_text], [c for c, is_text in pairs if is_text]


def _levels(column: InputColumn) -> list[str]:
    """The levels of a category; a missing cell that has no feature needs one of weight 0, or it would count as "(other)"."""
    return [*column.levels, *([MISSING] if column.other is not None and column.missing is None else [])]


def _order(model: Exportable) -> Array:
    """The features in the order of the pipeline: numbers, flags, levels, where the infrequent one is the last of its column.

    A level that is no feature of the model has the place behind all of them.
    """
    numbers: list[int] = []
    flags: list[int] = []
    levels: list[int] = []
    at = 0
    for column in model.columns:
        if column.kind == Kind.CATEGORY:
            levels += [at + k for k in range(column.width) if k != column.other]
            levels += [len(model.features)] * (len(_levels(column)) - column.width)
            levels += [] if column.other is None else [at + column.other]
        else:
            numbers.append(at)
            flags += [at + 1] * column.flag
        at += column.width
    return np.array(numbers + flags + levels)


def _estimator(model: Exportable, order: Array) -> Any:
    """The estimator of scaled features in this order."""
    from sklearn.model_selection import FixedThresholdClassifier

    matrices = [layer.W for layer in model.layers]
    matrices[0] = np.vstack([matrices[0], np.zeros_like(matrices[0][:1])])[order]
    made = _linear(model, matrices[0]) if len(matrices) == 1 else _network(model, matrices)
    if model.link != Link.SIGMOID or model.cut == 0:
        return made
    cut = FixedThresholdClassifier(made, threshold=model.threshold, response_method="predict_proba")
    cut.estimator_ = made
    return cut


def _linear(model: Exportable, W: Array) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.svm import LinearSVC

    b = model.layers[0].b
    if model.labels:
        classifier = LinearSVC() if model.link == Link.STEP else LogisticRegression()
        classifier.coef_, classifier.intercept_ = np.ascontiguousarray(W.T), b
        classifier.classes_, classifier.n_features_in_ = np.array(model.labels), len(W)
        return classifier
    regressor = LinearRegression()
    regressor.coef_, regressor.intercept_, regressor.n_features_in_ = W[:, 0], float(b[0]), len(W)
    if model.link == Link.IDENTITY:
        return regressor
    target = TransformedTargetRegressor(regressor=LinearRegression(), func=np.log, inverse_func=np.exp)
    target.fit(np.zeros((2, len(W))), np.ones(2))
    target.regressor_ = regressor
    return target


def _network(model: Exportable, matrices: list[Array]) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import LabelBinarizer

    shape = {
        "hidden_layer_sizes": tuple(W.shape[1] for W in matrices[:-1]),
        "activation": ACTIVATIONS[model.layers[0].activation],
    }
    if model.labels:
        network = MLPClassifier(**shape)
        network.classes_ = np.array(model.labels)
        network._label_binarizer = LabelBinarizer().fit(np.arange(len(model.labels)))
        network._label_binarizer.classes_ = network.classes_
    else:
        network = MLPRegressor(**shape, loss="poisson" if model.link == Link.EXP else "squared_error")
    network.coefs_, network.intercepts_ = matrices, [layer.b for layer in model.layers]
    network.n_layers_, network.n_outputs_ = len(matrices) + 1, matrices[-1].shape[1]
    network.n_features_in_ = len(matrices[0])
    network.out_activation_ = OUTPUTS[model.link]
    return network
