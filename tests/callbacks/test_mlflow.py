"""What MLflow's own client finds of fits in a file store."""

import sys

import pytest
from tests.callbacks.fits import epochs, tell

from descend.callbacks import MLflow
from descend.errors import UsageError

mlflow_tracking = pytest.importorskip("mlflow.tracking")


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    """MLflow's own switches: its folders are allowed, and it tells nobody of its use."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def test_each_fit_is_a_run_with_its_numbers_parameters_and_end(tmp_path):
    callback = MLflow(str(tmp_path / "store"))
    tell(callback, *epochs(1.0, 0.5))
    tell(callback, *epochs(3.0), ends=False)
    client = mlflow_tracking.MlflowClient(tracking_uri=(tmp_path / "store").as_uri())
    experiment = client.get_experiment_by_name("descend").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert {name: run.info.status for name, run in runs.items()} == {"Estimator-1": "FINISHED", "Estimator-2": "FAILED"}
    first = runs["Estimator-1"]
    history = [(m.step, m.value) for m in client.get_metric_history(first.info.run_id, "train_loss")]
    assert history == [(0, 1.0), (1, 0.5)]
    assert first.data.metrics == {"train_loss": 0.5, "val_loss": 1.0, "lr": 0.1}
    assert (first.data.params, first.data.tags["descend.estimator"]) == ({"lr": "0.5"}, "Estimator")


def test_a_place_that_mlflow_refuses_ends_nothing():
    with pytest.warns(UserWarning, match="^MLflow") as caught:
        assert tell(MLflow("nonsense://nowhere"), *epochs(2.0, 1.0)) == 2
    (text,) = [str(w.message) for w in caught]
    assert text.startswith("MLflow writes no more of this fit: MLflow cannot log the run: ")
    assert text.endswith("; name another place; training goes on")


def test_what_is_not_installed(monkeypatch):
    for name in ("mlflow", "mlflow.tracking"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError) as caught:
        MLflow()
    assert str(caught.value) == "mlflow is not installed; pip install 'descend[mlflow]'"
