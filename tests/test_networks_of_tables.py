"""Networks from files: trained, saved, loaded, predicted with, and refused in a sentence."""

import json
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import descend as ds
from descend.engines import start
from descend.errors import UsageError
from descend.plan import THE_EIGHT, Plan
from descend.run.model import Model
from descend.table.read import read

OPTIONS = {
    "hidden_layer_sizes": (8, 8),
    "optimizer": "adam",
    "lr": 0.01,
    "max_epochs": 15,
    "seeds": 1,
    "progress": False,
}


@pytest.fixture(scope="module")
def run(request):
    path = request.config.rootpath / "examples" / "data" / "penguins.csv"
    return ds.train(path, "species", batch_norm=True, dropout=0.1, **OPTIONS)


def test_a_network_comes_back_from_its_folder_as_it_was(run, tmp_path, penguins):
    run.save(tmp_path / "run")
    again = ds.load(tmp_path / "run")

    np.testing.assert_array_equal(again.predict(penguins).probabilities, run.predict(penguins).probabilities)
    assert again.model.network == run.model.network
    assert run.evaluate(penguins)["accuracy"] > 0.9


def test_the_record_says_what_each_layer_did(run):
    assert len(run.trace["gradient:1"]) == len(run.trace["epoch"])
    assert {name.partition(":")[0] for name in run.trace} - {"seconds"} == {
        "epoch", "loss", "val", "lr", "gradient", "weight", "update", "dead", "saturated", "nonfinite",
    }  # fmt: skip
    assert np.isfinite(run.trace["gradient:3"][1:]).all()


def test_the_document_names_the_network_and_the_command_repeats_it(run):
    document = json.loads(json.dumps(run.document()))

    assert document["chosen"]["network"] == {
        "sizes": [15, 8, 8, 3], "activation": "relu", "batch_norm": True, "residual": False, "dropout": 0.1,
    }  # fmt: skip
    assert "--hidden 8,8" in run.command
    assert "--batch-norm" in run.command


def test_the_report_has_no_coefficients_and_all_its_pictures(run):
    page = run.report()

    assert "<svg" in page
    assert "nan" not in page.lower().replace("nantucket", "")


def test_a_damaged_network_is_refused(run):
    tensors, document = run.model.tensors(), run.model.document()

    with pytest.raises(KeyError):
        Model.of({**tensors, "weights": tensors["weights"][:-1]}, document)


def test_predictions_are_those_of_the_network_in_the_units_of_the_file(penguins):
    run = ds.train(penguins, "body_mass_g", **OPTIONS)
    values = run.predict(penguins).values

    assert 2500 < values.mean() < 6000
    assert run.evaluate(penguins)["r2"] > 0.75
    np.testing.assert_allclose(run.model.scores(run.model.schema.encode(read(penguins)).X)[:, 0] * run.model.scale.target_width + run.model.scale.target_center, values)  # fmt: skip


def test_auto_tries_every_variant_and_keeps_the_best_of_each(penguins):
    run = ds.train(penguins, "species", hidden_layer_sizes=(8,), max_epochs=12, seeds=1, progress=False)

    assert {t.variant for t in run.trials} == set(THE_EIGHT)
    assert len(run.trials) == 8
    assert len(run.tried) in (8 * 5 + 1, 8 * 5 + 2)  # and the neighbours of the best rate
    assert run.metrics["test"]["accuracy"] > 0.9


def test_restarts_are_reported(penguins):
    run = ds.train(penguins, "species", restarts=3, **OPTIONS)
    why = run.chosen["why"]["restarts"]

    assert len(why["losses"]) == 3
    assert why["losses"][why["seed"]] == min(why["losses"])
    assert why["spread"] == pytest.approx(np.std(why["losses"], ddof=1))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"hidden_layer_sizes": "64,x"}, "hidden_layer_sizes is 'x', it must be whole numbers of at least 1, with commas between; try 64,64"),
        ({"hidden_layer_sizes": (8, -1)}, "hidden_layer_sizes is -1, it must be whole numbers of at least 1, with commas between; try 64,64"),
        ({"restarts": 3}, "restarts is 3, but a linear model has no hidden layers; add hidden_layer_sizes, such as hidden_layer_sizes=(64, 64)"),
        ({"hidden_layer_sizes": 8, "dropout": 1}, "dropout is 1, it must be a number of at least 0 and below 1; try 0.2"),
        ({"hidden_layer_sizes": 8, "init": "normal:x"}, "the initialisation 'normal:x' has no standard deviation of at least 0 after its colon; write it as in normal:0.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(given, text, penguins):
    with pytest.raises(UsageError) as error:
        ds.train(penguins, "species", progress=False, **given)

    assert str(error.value) == text


def test_200_layers_can_be_trained(penguins):
    run = ds.train(
        penguins, "species", **{**OPTIONS, "hidden_layer_sizes": (4,) * 200, "max_epochs": 2, "residual": True}
    )

    assert not run.failed
    assert len(run.model.network.layers) == 201


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_a_network_is_no_worse_than_a_line_on_the_penguins(target, penguins):
    line, network = (
        ds.train(penguins, target, hidden_layer_sizes=hidden, seeds=1, progress=False) for hidden in ((), (32,))
    )

    assert held_out(network) < held_out(line)


def held_out(run):
    return float(run.search_result.fit.held_out[run.search_result.best])


@pytest.mark.slow
def test_digits_are_told_as_well_as_the_issue_asks():
    """64-100-10, Adam, everything else found: the mean over five splits."""
    X, y = load_digits(return_X_y=True)
    scores = []
    for seed in range(5):
        own, held, labels, wanted = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=y)
        model = ds.DescentClassifier(hidden_layer_sizes=(100,), optimizer="adam", random_state=seed)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            scores.append(model.fit(own, labels).score(held, wanted))

    assert np.mean(scores) >= 0.975


def test_more_parameters_than_memory_holds_is_said_before_anything_is_allocated(penguins):
    with pytest.raises(UsageError) as error:
        ds.train(penguins, "species", hidden_layer_sizes=(2_000_000, 2_000_000), progress=False)

    assert error.value.code == "too-large"
    assert str(error.value).startswith("1 network of 4,000,0")


def test_weights_set_by_hand_must_be_finite(run):
    problem = run.search_result.fit.problem
    plan = Plan(run.search_result.fit.plan.settings[:1], np.full(problem.params, np.nan))

    with pytest.raises(UsageError) as error:
        start(problem, plan)

    assert str(error.value) == f"the start has {problem.params} weights that are not finite; start from finite weights"
