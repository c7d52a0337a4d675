"""descend.callbacks: what hears a fit while it trains, by scikit-learn's callback interface (from scikit-learn 1.9 on).

>>> from descend.callbacks import EarlyStopping, History
>>> history, stopping = History(), EarlyStopping("loss", patience=20)

An estimator takes them by `set_callbacks(history, stopping)`.
"""

from descend.callbacks.early_stopping import EarlyStopping
from descend.callbacks.history import History
from descend.callbacks.json_lines import JSONLines
from descend.callbacks.mlflow import MLflow
from descend.callbacks.tensorboard import TensorBoard
from descend.callbacks.trackio import Trackio

__all__ = ["EarlyStopping", "History", "JSONLines", "MLflow", "TensorBoard", "Trackio"]
