"""--fail-if: what can be written, what trips, what is refused."""

import pytest

from descend.cli.gate import describe, judge_evaluation, judge_run, read_gate
from descend.errors import UsageError

METRICS = {"test": {"rmse": 342.0, "r2": 0.81}, "train": {"rmse": 330.0, "r2": 0.83}}


@pytest.mark.parametrize(
    ("text", "tripped", "seen"),
    [
        ("rmse>300", True, 342.0),
        ("rmse > 342", False, 342.0),
        ("rmse>=342", True, 342.0),
        ("test.rmse<=341", False, 342.0),
        ("train_rmse<331", True, 330.0),
        ("train rmse!=330", False, 330.0),
        ("r2==0.81", True, 0.81),
        ("rmse>3.4e2", True, 342.0),
        ("finding>=warning", True, "error"),
        ("finding==note", False, None),
        ("finding>error", False, None),
    ],
)
def test_a_gate_compares_what_it_names(text, tripped, seen):
    judged = judge_run(read_gate(text), METRICS, ["warning", "error"])

    assert (judged.tripped, judged.seen) == (tripped, seen)


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_metric_that_is_no_number_trips_every_gate(value):
    for text in ("rmse>1", "rmse<1", "rmse==1"):
        assert judge_evaluation(read_gate(text), {"rmse": value}).tripped


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rmse", "--fail-if is 'rmse': it must read METRIC SIGN NUMBER, or finding>=LEVEL; "
                 "try 'rmse>70000' or 'finding>=warning'"),
        ("rms>1", "--fail-if is 'rms>1': a metric is one of rmse, mae, r2, accuracy, balanced_accuracy, auc, logloss; try rmse"),
        ("rmse>x", "--fail-if is 'rmse>x': 'x' is no finite number; try 'rmse>70000' or 'finding>=warning'"),
        ("rmse>inf", "--fail-if is 'rmse>inf': 'inf' is no finite number; try 'rmse>70000' or 'finding>=warning'"),
        ("finding>=warn", "--fail-if is 'finding>=warn': a level is one of note, warning, error; try warning"),
        ("__import__('os').system('true')>0",
         '--fail-if is "__import__(\'os\').system(\'true\')>0": it must read METRIC SIGN NUMBER, or finding>=LEVEL; '
         "try 'rmse>70000' or 'finding>=warning'"),
    ],
)  # fmt: skip
def test_what_is_no_gate_is_refused(text, sentence):
    with pytest.raises(UsageError) as caught:
        read_gate(text)

    assert str(caught.value) == sentence


def test_a_gate_on_what_is_not_there_is_refused():
    with pytest.raises(UsageError) as caught:
        judge_run(read_gate("auc<0.5"), METRICS, [])
    assert str(caught.value) == (
        "--fail-if 'auc<0.5' asks for auc, but the test part has rmse, r2; compare a metric that is there"
    )

    with pytest.raises(UsageError) as caught:
        judge_run(read_gate("rmse>1"), {"train": {"rmse": 1.0}}, [])
    assert str(caught.value) == (
        "--fail-if 'rmse>1' asks for test rows, but there are none; compare train.rmse, or leave out --test none"
    )

    with pytest.raises(UsageError) as caught:
        judge_evaluation(read_gate("finding>=note"), {"rmse": 1.0})
    assert str(caught.value) == (
        "--fail-if 'finding>=note' asks for what only train knows; compare a plain metric, such as rmse>1"
    )


def test_people_read_what_a_gate_saw():
    assert describe(judge_run(read_gate("rmse>300"), METRICS, [])) == "rmse>300 · tripped, it is 342"
    assert describe(judge_run(read_gate("rmse>400"), METRICS, [])) == "rmse>400 · passed, it is 342"
    assert describe(judge_run(read_gate("finding>=note"), METRICS, ["note"])) == "finding>=note · tripped, it is note"
    assert describe(judge_run(read_gate("finding>=note"), METRICS, [])) == "finding>=note · passed, no such finding"
    assert describe(judge_evaluation(read_gate("rmse>1"), {"rmse": None})) == "rmse>1 · tripped, it is not a number"
