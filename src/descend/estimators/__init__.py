"""estimators: DescentRegressor and DescentClassifier, which keep scikit-learn's contract."""

from descend.estimators.classifier import DescentClassifier
from descend.estimators.regressor import DescentRegressor

__all__ = ["DescentClassifier", "DescentRegressor"]
