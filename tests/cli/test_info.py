"""`descend info`: variants, rules, runs."""

import json

import pytest

from descend.cli.conventions import CONVENTIONS
from descend.plan import VARIANTS
from descend.plan.rule import RULES
from descend.version import VERSION

ADAM = """\
adam: Adam (Kingma and Ba 2015, algorithm 1); eps is added to the root of the corrected v.

  m = beta1 * m + (1 - beta1) * g
  v = beta2 * v + (1 - beta2) * g**2
  m_hat = m / (1 - beta1**t)
  v_hat = v / (1 - beta2**t)
  return lr * m_hat / (sqrt(v_hat) + eps), m, v

defaults  lr 0.001  beta1 0.9  beta2 0.999  eps 1e-08
memory    m from 0, v from 0
g is the gradient, t counts steps from 1; the first value of the last line is subtracted from the weight

in other frameworks
  torch and Optax add eps 1e-8 to the root of the corrected v, as here; Optax can add one inside, too.
  Keras (1e-7) and scikit-learn's MLP (1e-8) add it to the root of the raw v (rule adam_keras).
"""


def test_the_variants_and_versions(descend):
    code, out, err = descend("info")

    assert (code, err) == (0, "")
    table = out.partition("\n\n")[0].splitlines()[1:]
    assert [line.split()[:4] for line in table] == [[v.letter, v.name, v.rule, v.batch] for v in VARIANTS.values()]
    assert f"descend {VERSION} · python 3" in out
    read = json.loads(descend("info", "--json")[1])
    assert (read["schema"], len(read["variants"]), "numpy" in read["versions"]) == ("descend.info/1", 13, True)


def test_a_rule(descend):
    assert descend("info", "adam") == (0, ADAM, "")


def test_a_variant_has_its_rule_and_batch(descend):
    out = descend("info", "gd")[1]

    assert out.startswith("gd, the rule sgd: Gradient descent (Robbins and Monro 1951).\n\n  return (lr * g,)\n")
    assert "batch     all rows a step\n" in out


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_how_others_differ_takes_two_lines(descend, name):
    assert len(descend("info", name)[1].partition("in other frameworks\n")[2].splitlines()) == 2
    assert set(CONVENTIONS) <= set(RULES)


@pytest.mark.parametrize("name", [*RULES, *VARIANTS])
def test_every_rule_and_variant_has_a_page(descend, name):
    code, out, _ = descend("info", name, "--json")

    assert code == 0
    assert json.loads(out)["formula"][-1].startswith("return ")


def test_the_card_of_a_run(descend, runs):
    code, out, _ = descend("info", runs / "mass")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()][:6] == ["run", "verdict", "data", "target", "chosen", "RMSE"]
    assert "data     penguins.csv · 344 rows × 8 columns · sha256 f204db2c753b\n" in out
    assert json.loads(descend("info", runs / "mass", "--json")[1])["schema"] == "descend.run/2"


def test_a_run_that_failed_has_a_card_too(descend, runs):
    code, out, _ = descend("info", runs / "failed")

    assert code == 0
    assert "finding  D101 learning rate 50 is " in out


def test_what_is_neither_is_refused(descend):
    assert descend("info", "adm") == (
        2, "", "error: 'adm' is neither a rule, nor a variant, nor a run folder; "
        "try 'adam', or a folder such as runs/houses-1\n",
    )  # fmt: skip
