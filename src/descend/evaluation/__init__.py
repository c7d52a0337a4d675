"""evaluation: how good predictions are on rows whose targets are known, with a 95 % interval for every figure."""

from descend.evaluation.classification import ClassificationEvaluation as ClassificationEvaluation
from descend.evaluation.evaluation import Evaluation as Evaluation
from descend.evaluation.intervals import Estimate as Estimate
from descend.evaluation.regression import RegressionEvaluation as RegressionEvaluation
