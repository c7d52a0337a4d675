"""The flags of train, made from the table of options."""

import pytest

from descend.cli.flags import shown
from descend.options import BY_NAME, OPTIONS

HELP = """\
Usage: descend train [OPTIONS] [DATA]

  Train a model of a table: DATA is a CSV, Parquet, JSON lines or Arrow file,
  or - for standard input.

  What is typed wins; auto fills the blanks and says why. The answer goes to
  standard output, notes and progress to standard error.

  Exit codes: 0 done, 1 a --fail-if gate tripped, 2 usage, or the run had to
  be saved elsewhere, 3 data, 4 diverged, or --resume met other data or
  options, 7 another process of a torchrun was lost, 130 interrupted (the best
  model so far is saved).

Data:
  -t, --target COL       column to predict  (required)
"""
LAST = """\
Output:
  --run-dir DIR           folder of the run  [runs/<name>-<n>]
  --resume                go on from the checkpoint of the same training,
                          which was killed
  --force                 replace what the run folder holds
  --no-report             leave out report.html
  --json                  one JSON document on standard output, nothing else
  --events FILE           notes and progress as JSON lines, live; - is
                          standard output
  --config FILE           settings from a TOML file, such as lr = 0.1; flags
                          win
  --print-config          show each setting and where it came from, and stop
  --rank-timeout SECONDS  seconds that a process started by torchrun waits for
                          another  [60]  [x>=0.1]
  --dry-run               read and check, but train and write nothing

Gate:
  --fail-if EXPR  exit 1 when this holds, such as 'rmse>70000', 'train.r2<0.5'
                  or 'finding>=warning'; may be repeated

Other:
  -h, --help  Show this message and exit.
"""


def test_the_help_of_train(descend):
    code, out, err = descend("train", "--help")

    assert (code, err) == (0, "")
    assert out.startswith(HELP)
    assert out.endswith(LAST)
    sections = [line[:-1] for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert sections == [
        "Data", "Model", "Optimizer", "Budget", "Preparation", "Validation", "Output", "Gate", "Other"
    ]  # fmt: skip


def test_every_option_of_the_table_is_a_flag(descend):
    out = descend("train", "--help")[1]

    for option in OPTIONS:
        assert f"  {option.flag.split('/')[0]} " in out


@pytest.mark.parametrize(
    ("name", "text"),
    [("l2", "0.0001"), ("betas", "0.9,0.999"), ("time_budget", "30s"), ("scale", "scale"), ("drop", ""), ("clip", "")],
)
def test_defaults_are_shown_as_they_would_be_typed(name, text):
    assert shown(BY_NAME[name]) == text


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--lr", "0"], "--lr is '0', it must be a finite number above 0; try --lr auto, which finds it"),
        (["--lr", "nan"], "--lr is 'nan', it must be a finite number above 0; try --lr auto, which finds it"),
        (["--batch", "0"], "--batch is '0', it must be a whole number of at least 1, full or auto; try --batch auto"),
        (["--test", "1"], "--test is '1', it must be a share of at least 0 and below 1, a file, or none; try 0.2"),
        (["--betas", "0.9"], "--betas is '0.9', it must be two numbers of at least 0 and below 1; try 0.9,0.999"),
        (["--time", "5 parsecs"], "--time is '5 parsecs', it must be a time above 0, such as 30s, 5m or 1h; try 30s"),
        (["--missing", "mean"], "--missing is 'mean', it must be one of median, drop, error; try 'median'"),
        (["--seed", "-1"], "--seed is '-1', it must be a whole number from 0 to 2^63 - 1; try 0"),
        (["--optimizer", "sgd", "--batch", "64"],
         "sgd takes one row a step, but batch_size is 64; use --optimizer minibatch for that"),
        (["--val", "none", "--patience", "3"],
         "patience waits for the validation loss, but validation is none; leave out --patience or --val none"),
        (["--fail-if", "rmse"],
         "--fail-if is 'rmse': it must read METRIC SIGN NUMBER, or finding>=LEVEL; "
         "try 'rmse>70000' or 'finding>=warning'"),
        (["--test", "none", "--fail-if", "rmse>1"],
         "--fail-if 'rmse>1' asks for test rows, but there are none; "
         "compare train.rmse, or leave out --test none"),
        (["--json", "--events", "-"], "--json and --events - both claim standard output; give --events a file"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_before_anything_is_read(descend, flags, sentence):
    code, _, err = descend("train", "no.csv", "-t", "y", *flags)

    assert (code, err) == (2, f"error: {sentence}\n")


def test_data_and_target_are_needed(descend):
    assert descend("train", "a.csv") == (
        2,
        "",
        "error: descend train needs --target, the column to predict; add --target COL\n",
    )
    assert descend("train", "-t", "y") == (
        2, "", "error: descend train needs DATA, a file or - for standard input; try descend train DATA --target COL\n"
    )  # fmt: skip
