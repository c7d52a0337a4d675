"""What MLflow's own client finds of a run in a file store."""

import pytest
from tests.export.test_record import a_record

from descend.errors import OutputError
from descend.export.mlflow import EXPERIMENT, MOST_METRICS, track

mlflow_tracking = pytest.importorskip("mlflow.tracking")


@pytest.fixture
def allowed(monkeypatch):
    """MLflow's own switches: its folders are allowed, and it tells nobody of its use."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def client(allowed, tmp_path):
    """A client of the folder `store` in tmp_path."""
    return mlflow_tracking.MlflowClient(tracking_uri=(tmp_path / "store").as_uri())


def runs_of(client):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_every_point_score_parameter_tag_and_file_is_read_back(client, tmp_path):
    said = track(a_record(), str(tmp_path / "store"))
    run = runs_of(client)["a"]
    history = [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run.info.run_id, "train_loss")]
    assert history == [(0, 1.0, 990_000), (1, 0.5, 990_500)]
    assert run.data.metrics == {"train_loss": 0.5, "gradient/layer 2": 0.5, "test_rmse": 2.5}
    assert (run.data.params, run.data.tags["descend.status"]) == ({"lr": "0.1"}, "converged")
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", 990_000, 1_000_000)
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["run.json"]
    assert said == f"run {run.info.run_id} of experiment descend in {(tmp_path / 'store').as_uri()}"


def test_a_second_run_stands_beside_the_first_and_a_failed_one_is_said_to_be(client, tmp_path):
    track(a_record(), str(tmp_path / "store"))
    track(a_record(name="b", failed=True), (tmp_path / "store").as_uri())
    assert {name: run.info.status for name, run in runs_of(client).items()} == {"a": "FINISHED", "b": "FAILED"}


def test_long_traces_go_in_batches_and_long_texts_are_cut(client, tmp_path):
    points = MOST_METRICS + 5
    trace = {"epoch": list(range(points)), "loss": [1.0] * points}
    track(a_record(trace=trace, params={"drop": "x" * 10_000}), str(tmp_path / "store"))
    run = runs_of(client)["a"]
    assert len(client.get_metric_history(run.info.run_id, "train_loss")) == points
    assert run.data.params == {"drop": "x" * 500}


def test_where_nothing_is_named_mlflow_decides(client, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    track(a_record(), None)
    assert list(runs_of(client)) == ["a"]


def test_what_mlflow_refuses_is_said_in_its_own_words(allowed, tmp_path):
    with pytest.raises(OutputError) as caught:
        track(a_record(), "nonsense://nowhere")
    assert caught.value.code == "tracker"
    assert str(caught.value).startswith("MLflow cannot log the run: ")
    assert str(caught.value).endswith("; name another place")
