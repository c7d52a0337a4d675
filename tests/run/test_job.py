"""The main job on real tables, against scikit-learn on the very same columns and split."""

import dataclasses
import json
import tempfile
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import descend as ds
from descend.errors import ModelError, OutputError, UsageError
from descend.run import job
from descend.table.prepare import Note
from descend.training import Progress, checkpoint

TO_CONVERGENCE = {
    "optimizer": "nesterov",
    "momentum": 0.99,
    "l2": 0,
    "tol": 1e-9,
    "progress": False,
    "max_epochs": 200_000,
}


def training_rows(run):
    """Unscaled features and target of the training rows, as the run used them."""
    prepared = run.prepared
    X = prepared.scale.center + prepared.train.X * prepared.scale.width
    y = prepared.train.y
    return X, y * prepared.scale.target_width + prepared.scale.target_center if prepared.loss.scales_target else y


def standard(X):
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)


@pytest.mark.parametrize(("table", "target"), [("penguins", "body_mass_g"), ("penguins_raw", "Body Mass (g)")])
def test_a_number_is_learned_as_well_as_by_linear_regression(request, table, target):
    run = ds.train(request.getfixturevalue(table), target, **TO_CONVERGENCE)
    X, y = training_rows(run)
    theirs = np.mean((LinearRegression().fit(standard(X), y).predict(standard(X)) - y) ** 2)
    assert run.verdict.status == "converged"
    assert run.metrics["train"]["rmse"] ** 2 == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("table", "target"), [("penguins", "sex"), ("penguins_raw", "Sex")])
def test_a_class_is_learned_as_well_as_by_logistic_regression(request, table, target):
    # Without a penalty the raw table's classes are told apart perfectly; with one both have the same optimum.
    l2 = 0.0 if table == "penguins" else 1e-3
    run = ds.train(request.getfixturevalue(table), target, **{**TO_CONVERGENCE, "l2": l2, "tol": 1e-8})
    X, y = run.prepared.train.X, run.prepared.train.y
    theirs = LogisticRegression(C=np.inf if l2 == 0 else 1 / (l2 * len(y)), tol=1e-12, max_iter=100_000).fit(X, y)
    p, w = theirs.predict_proba(X)[:, 1], np.r_[theirs.coef_[0], theirs.intercept_]
    objective = -np.mean(np.log(np.where(y == 1, p, 1 - p))) + l2 / 2 * np.square(w[:-1]).sum()
    assert run.search_result.fit.loss[run.search_result.best] == pytest.approx(objective, rel=1e-6)


def test_the_comparison_with_scikit_learn_can_fail(penguins):
    run = ds.train(penguins, "body_mass_g", **{**TO_CONVERGENCE, "max_epochs": 3})
    X, y = training_rows(run)
    theirs = np.mean((LinearRegression().fit(standard(X), y).predict(standard(X)) - y) ** 2)
    assert run.metrics["train"]["rmse"] ** 2 > 1.01 * theirs


def test_three_classes_are_learned_by_softmax(penguins):
    run = ds.train(penguins, "species", progress=False)
    assert run.model.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert run.metrics["test"]["accuracy"] > 0.95
    prediction = run.predict(penguins)
    assert prediction.probabilities.shape == (344, 3)
    np.testing.assert_allclose(prediction.probabilities.sum(axis=1), 1)


def test_auto_trains_the_eight_variants_and_ends_near_the_optimum(penguins):
    run = ds.train(penguins, "body_mass_g", progress=False)
    assert sorted(t.variant for t in run.trials) == sorted(
        ["gd", "sgd", "minibatch", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
    )
    assert sum(t.best for t in run.trials) == 1
    assert run.verdict.status == "converged"
    assert run.search_result.landscape.gap(float(run.search_result.fit.loss[run.search_result.best])) < 1e-4
    assert run.metrics["test"]["rmse"] < run.metrics["baseline"]["rmse"] / 2


def test_coefficients_are_in_the_units_of_the_file(penguins):
    run = ds.train(penguins, "body_mass_g", **TO_CONVERGENCE)
    values = {name: value for _, name, value in run.model.coefficients()}
    kept = np.flatnonzero(run.prepared.target.kept)
    encoded = run.model.schema.encode(run.prepared.table.take(kept))
    by_hand = encoded.X @ np.array([values[n] for n in encoded.names]) + values["intercept"]
    np.testing.assert_allclose(run.predict(penguins).values[kept], by_hand, rtol=1e-9)


def test_a_path_a_frame_and_arrays_are_one_and_the_same(penguins):
    frame = pd.read_csv(penguins)
    given = {"optimizer": "nesterov", "max_epochs": 50, "progress": False}
    path = ds.train(penguins, "body_mass_g", **given)
    for data in (frame, pl.read_csv(penguins, null_values="NA"), pa.Table.from_pandas(frame)):
        run = ds.train(data, "body_mass_g", **given)
        np.testing.assert_allclose(run.predict(data).values, path.predict(penguins).values, rtol=1e-10)


@pytest.mark.parametrize(
    "form", [list, np.array, lambda y: np.array(y)[:, None], pd.Series, lambda y: pd.DataFrame({"y": y})]
)
def test_case_c23_all_forms_of_a_target_give_the_same_fit(form):
    X = np.random.default_rng(0).standard_normal((40, 2))
    y = (X @ [1.0, -2.0] + 0.5).tolist()
    given = {"optimizer": "nesterov", "max_epochs": 30, "progress": False, "test": 0}
    expected = ds.train(X, np.array(y), **given).predict(X).values
    np.testing.assert_array_equal(ds.train(X, form(y), **given).predict(X).values, expected)
    assert ds.train(X, form(y), **given).predict(X[:1]).values.shape == (1,)


def test_a_saved_run_predicts_the_same_after_loading(penguins, tmp_path):
    run = ds.train(penguins, "species", progress=False, max_epochs=50)
    artifacts = run.save(tmp_path / "run")
    loaded = ds.load(tmp_path / "run")
    assert sorted(artifacts) == ["model", "report", "run", "trace"]
    assert loaded.predict(penguins).values.tolist() == run.predict(penguins).values.tolist()
    np.testing.assert_array_equal(loaded.predict(penguins).probabilities, run.predict(penguins).probabilities)
    assert loaded.verdict == run.verdict
    assert loaded.history[-1]["loss"] == run.history[-1]["loss"]


def test_an_existing_folder_is_not_overwritten_without_force(penguins, tmp_path):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=5, progress=False)
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError):
        run.save(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_a_run_that_cannot_be_saved_where_it_should_be_is_saved_elsewhere_and_returned(penguins, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def take(event):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "theirs.txt").touch()

    with pytest.warns(UserWarning, match="exists and is not empty, so the run is saved in"):
        run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=5, run_dir=tmp_path / "run", on_event=take)

    (made,) = (tmp_path / "temporary").iterdir()
    assert ds.load(made / "run").verdict == run.verdict


def test_a_checkpoint_that_cannot_be_written_costs_no_training(penguins, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(checkpoint, "INTERVAL", -1.0)
    run = ds.train(
        penguins, "body_mass_g", optimizer="gd", max_epochs=5, progress=False, checkpoint=tmp_path / "file" / "state"
    )
    assert not run.failed


def test_evaluate_gives_the_metrics_of_the_held_out_rows(penguins):
    run = ds.train(penguins, "body_mass_g", progress=False)
    held_out = run.prepared.table.take(run.prepared.rows[1])
    assert run.evaluate(held_out)["rmse"] == pytest.approx(run.metrics["test"]["rmse"], rel=1e-9)


def test_evaluate_without_the_target_says_so(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=5, progress=False)
    table = run.prepared.table.keep(["species", "island"])
    with pytest.raises(ModelError) as caught:
        run.evaluate(table)
    assert str(caught.value) == (
        "the data have no column 'body_mass_g', which is the target of this model; pass data with that column, or use predict"
    )


def test_the_document_is_json_and_says_why_each_value_was_chosen(penguins):
    run = ds.train(penguins, "body_mass_g", progress=False)
    document = json.loads(json.dumps(run.document(), allow_nan=False))
    assert document["schema"] == "descend.run/2"
    assert document["status"] == "ok"
    assert document["data"]["rows"] == 344
    assert document["data"]["delimiter"] == ","
    assert document["chosen"]["why"]["lr"]["rule"] == "auto"
    assert (
        document["chosen"]["why"]["lr"]["stability_limit"] is None
        or document["chosen"]["why"]["lr"]["stability_limit"] > 0
    )
    assert {"train", "test", "baseline", "optimum"} == set(document["metrics"])


def test_what_was_typed_is_what_is_trained(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="adam", lr=0.07, batch_size=32, momentum=0.5, betas=(0.8, 0.99),
                   max_epochs=20, progress=False)  # fmt: skip
    assert run.chosen["lr"] == 0.07
    assert run.chosen["batch"] == 32
    assert run.chosen["constants"] == {"lr": 0.07, "beta1": 0.8, "beta2": 0.99, "eps": 1e-8}
    assert run.chosen["why"]["lr"]["rule"] == "typed"
    assert "--optimizer adam --lr 0.07 --batch 32" in run.command


def test_a_rule_of_the_users_own_trains_without_registration(penguins):
    def my_rule(g, v, t, lr=0.01, beta=0.5):
        v = beta * v + g
        return lr * v, v

    run = ds.train(penguins, "body_mass_g", optimizer=my_rule, progress=False)
    assert run.chosen["optimizer"] == "my_rule"
    assert run.metrics["test"]["rmse"] < 320


def test_a_rule_that_cannot_be_compiled_is_trained_by_the_plain_engine(penguins):
    def my_rule(g, t, lr=0.01):
        return (lr * np.nan_to_num(np.asarray(g), nan=np.float64("0")),)

    run = ds.train(penguins, "body_mass_g", optimizer=my_rule, lr=0.05, max_epochs=40, progress=False)
    assert run.chosen["engine"] == "plain"
    assert run.metrics["test"]["rmse"] < 400


def test_listeners_hear_notes_in_order_and_progress(penguins):
    heard = []
    ds.train(penguins, "body_mass_g", optimizer="gd", on_event=heard.append)
    topics = [h.topic for h in heard if isinstance(h, Note)]
    assert list(dict.fromkeys(topics)) == ["read", "target", "columns", "scaling", "split", "curve"]
    assert any(isinstance(h, Progress) for h in heard)


def test_ctrl_c_keeps_the_best_so_far(penguins):
    def stop(event):
        if isinstance(event, Progress) and event.epoch >= 5:
            raise KeyboardInterrupt

    run = ds.train(penguins, "body_mass_g", on_event=stop)
    assert run.interrupted
    assert run.verdict.status == "interrupted"
    assert run.metrics["test"]["rmse"] < run.metrics["baseline"]["rmse"]


def test_same_seed_same_model_for_any_number_of_threads(penguins):
    given = {"progress": False, "max_epochs": 60, "time_budget": None}
    one, two = (ds.train(penguins, "body_mass_g", threads=t, **given) for t in (1, 2))
    np.testing.assert_array_equal(one.model.W, two.model.W)


def test_a_diverging_run_is_an_outcome_with_step_and_reason(penguins, tmp_path):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", lr=5.0, progress=False, run_dir=tmp_path / "r")
    assert run.failed
    assert run.findings[0].code == "D101"
    assert run.verdict.text.startswith("training failed: learning rate 5 is 22.7 × the stability limit 0.221")
    assert (tmp_path / "r" / "report.html").exists()
    assert not (tmp_path / "r" / "model.safetensors").exists()
    with pytest.raises(ModelError, match="holds no model: its training failed"):
        ds.load(tmp_path / "r")


def test_unknown_options_name_the_nearest(penguins):
    with pytest.raises(UsageError) as caught:
        ds.train(penguins, "body_mass_g", optimiser="adam", progress=False)
    assert str(caught.value) == "there is no option 'optimiser'; try 'optimizer'"


def test_the_time_counts_from_when_it_is_said_to_have_begun(penguins):
    long_ago = time.monotonic() - 100
    run = ds.train(
        penguins, "species", hidden_layer_sizes=(8,), time_budget=50, begun=long_ago, seeds=1, progress=False
    )
    assert time.monotonic() - long_ago < 100 + 50 / 2
    assert not run.failed


def test_held_out_rows_decide_nothing(penguins):
    """Another target in the held-out rows alone changes their score and nothing else."""
    frame = pd.read_csv(penguins).dropna(subset=["body_mass_g"]).reset_index(drop=True)
    options = {"hidden_layer_sizes": (4,), "optimizer": "adam", "max_epochs": 15, "seeds": 1, "progress": False}
    one = ds.train(frame, "body_mass_g", **options)
    held = one.prepared.rows[1]
    frame.loc[held, "body_mass_g"] *= 3
    other = ds.train(frame, "body_mass_g", **options)

    assert one.metrics["test"] != other.metrics["test"]
    np.testing.assert_array_equal(one.model.weights, other.model.weights)
    assert one.chosen["lr"] == other.chosen["lr"]


def test_run_json_tells_why_each_value_was_chosen(penguins):
    why = ds.train(penguins, "body_mass_g", progress=False).document()["chosen"]["why"]

    assert why["optimizer"]["source"].startswith("lowest training loss of 8 variants")
    assert len(why["optimizer"]["scores"]) == 8
    assert why["lr"]["stability_limit"] > 0
    assert {"lr", "score", "epochs", "status"} <= set(why["lr"]["tried"][0])
    assert why["batch"]["advice"].startswith("at the start, steps get better up to about ")
    assert why["schedule"]["rule"] == "default"


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), MemoryError()])
def test_folds_that_fail_do_not_cost_the_run(penguins, monkeypatch, error):
    def broken(*arguments):
        raise error

    monkeypatch.setattr("descend.run.job.cross_validated", broken)
    run = ds.train(penguins, "body_mass_g", optimizer="gd", cv=3, progress=False)
    assert run.metrics["test"]["rmse"] > 0
    assert "cv" not in run.metrics
    assert run.notes[-1].topic == "folds"
    assert run.notes[-1].text.endswith("; the run is complete without it")


def test_a_proof_that_fails_does_not_cost_the_record(monkeypatch):
    def broken(*arguments):
        raise ValueError("bad")

    monkeypatch.setattr("descend.run.job.prove_within", broken)
    X = np.random.default_rng(0).normal(size=(40, 3))
    run = ds.train(X, X @ [1.0, 2.0, 3.0], optimizer="gd", lr=1e6, progress=False)
    assert run.failed
    assert run.findings[0].code == "D101"
    assert run.findings[0].proof == ()
    assert (run.notes[-1].topic, run.notes[-1].text) == (
        "proof", "left out: internal error ValueError (bad); the run is complete without it",
    )  # fmt: skip


def many_rows(folder, rows=3_000):
    """A table that takes longer to read than a tiny budget."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 5)), columns=list("abcde"))
    frame.assign(y=frame["a"] + rng.normal(size=rows)).to_csv(folder / "many.csv", index=False)
    return folder / "many.csv"


def test_where_there_was_no_time_for_an_epoch_it_is_said_and_nothing_is_a_model(tmp_path, monkeypatch):
    path = many_rows(tmp_path)
    monkeypatch.setattr("descend.search.trainings.SHORTEST", 1e-9)
    run = ds.train(path, "y", hidden_layer_sizes=(64,), time_budget=1e-3, progress=False, run_dir=tmp_path / "run")

    assert run.failed
    assert run.verdict.status == "untrained"
    assert run.verdict.text.startswith("training failed: no epoch was trained: ")
    assert run.verdict.text.endswith(" of 0.001 seconds went to reading, preparing and the optimum")
    assert run.findings[0].fix[0].startswith("--time ")
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_no_epochs_that_were_asked_for_are_no_failure(penguins):
    assert not ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=0, progress=False).failed


@pytest.mark.parametrize(
    ("target", "options"),
    [("species", {"hidden_layer_sizes": (64, 64)}), ("body_mass_g", {"cv": 4, "hidden_layer_sizes": (32,)})],
)
def test_the_time_bounds_the_whole_call_and_what_ends_by_it_is_said(penguins, target, options):
    begun = time.monotonic()
    run = ds.train(penguins, target, time_budget=4, progress=False, **options)
    assert time.monotonic() - begun < 3 * 4  # generous, since machines that run tests are busy
    assert any(n.topic == "budget" for n in run.notes)


def rare(tmp_path):
    """Two classes, and one row of a third."""
    rng = np.random.default_rng(21)
    y = np.array(["a"] * 30 + ["b"] * 29 + ["c"])
    X = np.c_[(y == "a") * 4.0, (y == "b") * 4.0] + rng.normal(size=(60, 2))
    frame = pd.DataFrame(X, columns=["u", "v"]).assign(y=y)
    frame.to_csv(tmp_path / "rare.csv", index=False)
    return tmp_path / "rare.csv"


@pytest.mark.parametrize("group", [False, True])
def test_a_class_with_fewer_rows_than_folds_is_said_and_costs_no_run(tmp_path, group):
    path = rare(tmp_path)
    if group:
        frame = pd.read_csv(path)
        frame.assign(g=[f"g{k % 7}" for k in range(60)]).to_csv(path, index=False)
    run = ds.train(path, "y", cv=3, progress=False, optimizer="nesterov", group="g" if group else None)

    assert run.metrics["cv"]["accuracy"] > 0.7
    assert ("folds", "1 rows are not scored: their class has no other row to train on") in [
        (n.topic, n.text) for n in run.notes
    ]


@pytest.mark.parametrize("options", [{"validation": 0.0}, {"test": 0.0}, {"patience": 3}, {"optimizer": "gd", "batch_size": "full"},
                                     {"hidden_layer_sizes": (4,), "restarts": 2, "dropout": 0.1}])  # fmt: skip
def test_a_run_that_was_saved_can_be_loaded_whatever_its_options(penguins, tmp_path, options):
    run = ds.train(penguins, "body_mass_g", max_epochs=5, seeds=1, progress=False, run_dir=tmp_path / "r", **options)
    loaded = ds.load(tmp_path / "r")
    np.testing.assert_array_equal(loaded.predict(penguins).values, run.predict(penguins).values)
    assert loaded.options == run.options


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_without_validation_rows_the_training_objective_decides_and_it_is_said(penguins, hidden):
    run = ds.train(
        penguins, "species", validation=0.0, hidden_layer_sizes=hidden, max_epochs=20, seeds=1, progress=False
    )
    said = [n.text for n in run.notes if n.topic == "split"]
    text = "no validation rows: the training loss decides when to stop and what to keep"
    assert (text in said) == bool(hidden)
    assert "val" not in run.metrics
    assert run.data["validation_rows"] == 0


def test_a_network_without_test_rows_still_has_validation_rows(penguins):
    run = ds.train(penguins, "species", test=0.0, hidden_layer_sizes=(8,), max_epochs=20, seeds=1, progress=False)
    assert run.data["test_rows"] == 0
    assert run.data["validation_rows"] > 0
    assert "val" in run.metrics


def test_an_optimum_for_which_the_time_is_not_enough_is_left_out_in_a_word(penguins, monkeypatch):
    monkeypatch.setattr("descend.run.job.OPTIMUM_COST", 1e9)
    run = ds.train(penguins, "sex", time_budget=5, optimizer="nesterov", seeds=1, progress=False)

    assert "optimum" not in run.metrics
    assert run.gap is None
    assert any(n.topic == "curve" and n.text.endswith(" s were not enough") for n in run.notes)
    assert "not computed: " in run.verdict.text
    assert run.data["validation_rows"] > 0
    assert run.metrics["test"]["accuracy"] > 0.8


def test_compilation_is_said_and_not_counted(penguins, monkeypatch):
    def compiled_first(*given, search=job.search, **named):
        result = search(*given, **named)
        return dataclasses.replace(result, fit=dataclasses.replace(result.fit, compiling=12.3))

    monkeypatch.setattr(job, "search", compiled_first)
    run = ds.train(penguins, "body_mass_g", optimizer="gd", progress=False)

    assert [n.text for n in run.notes if n.topic == "kernels"] == [
        "12 s went to compiling what later runs find in the cache; --time does not count them"
    ]


def test_a_schedule_that_is_cut_is_said_with_its_rate(penguins):
    def stop(event):
        if isinstance(event, Progress) and event.epoch >= 40:
            raise KeyboardInterrupt

    options = {"optimizer": "gd", "lr": 0.01, "schedule": "cosine", "max_epochs": 200, "tol": 0}
    run = ds.train(penguins, "body_mass_g", on_event=stop, **options)
    epochs = run.epochs
    rate = 0.01 * 0.5 * (1 + np.cos(np.pi * (epochs - 1) / 200))

    assert [n.text for n in run.notes if n.topic == "schedule"] == [
        f"the schedule cosine was cut at epoch {epochs} of 199, at rate {rate:.3g} of 0.01"
    ]


def test_a_schedule_comes_to_its_end_before_patience_ends_a_run(penguins):
    options = {"hidden_layer_sizes": (4,), "optimizer": "adam", "lr": 0.03, "schedule": "cosine", "seeds": 1}
    run = ds.train(penguins, "body_mass_g", patience=2, max_epochs=80, progress=False, **options)

    assert run.epochs == 80
    assert run.trace["lr"][-1] == pytest.approx(0, abs=1e-6)
    assert not any(n.topic == "schedule" for n in run.notes)


def test_validation_rows_do_not_prefer_a_lucky_epoch_to_the_optimum():
    """Batches of four rows at a rate that is too large: the plateau lowers it, and the optimum is reached."""
    rng = np.random.default_rng(15)
    X = rng.normal(size=(1500, 8))
    y = X @ np.linspace(1, 2, 8) + rng.normal(0, 1.5, 1500)
    options = {"optimizer": "minibatch", "batch_size": 4, "lr": 0.05, "patience": 3, "max_epochs": 400}
    constant, plateau = (ds.train(X, y, schedule=s, progress=False, **options) for s in ("none", "plateau"))

    assert plateau.gap < 0.01 * constant.gap
    assert plateau.verdict.status == "converged"
    assert constant.verdict.status == "stopped"
