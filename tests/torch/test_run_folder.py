"""A watched loop as a run folder: plain values, a page, and a verdict."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.diagnosis.test_steps import STILL

import descend as ds
from descend.cli import main
from descend.diagnosis import Finding
from descend.diagnosis.finding import Level
from descend.diagnosis.steps import Failure
from descend.errors import ModelError
from descend.store import read_document, read_trace
from descend.torch.run_folder import Watched, write

FINDING = Finding(code="D601", level=Level.ERROR, text="zero_grad is <missing>", fix=("call optimizer.zero_grad()",))
WATCHED = Watched(
    model="Net", parameters=12, optimizers=("Adam",), losses=(4.0, 2.0, 1.0), steps=replace(STILL, loss=np.array([4.0, 2.0, 1.0])),
    findings=(FINDING,), seconds=1.5,
)  # fmt: skip


def test_the_document_has_findings_verdict_and_losses(tmp_path):
    write(tmp_path / "run", WATCHED)
    document = read_document(tmp_path / "run")
    assert (document["status"], document["kind"]) == ("ok", "torch")
    assert document["verdict"] == {
        "status": "budget", "text": "the loop ended after 3 steps: loss 4 → 1; zero_grad is <missing>",
    }  # fmt: skip
    assert [finding["code"] for finding in document["findings"]] == ["D601"]
    assert read_trace(tmp_path / "run") == {"step": [1, 2, 3], "loss": [4.0, 2.0, 1.0]}


def test_a_failure_is_one(tmp_path):
    failure = Failure(step=2, place="the loss")
    failed = replace(WATCHED, steps=replace(STILL, failure=failure), losses=(1.0, float("nan")))
    write(tmp_path / "run", failed)
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert document["status"] == "failed"
    assert document["verdict"] == {"status": "nonfinite", "text": "training failed: zero_grad is <missing>"}
    assert document["metrics"] == {}


def test_a_loop_without_a_step_has_no_losses(tmp_path):
    write(tmp_path / "run", replace(WATCHED, losses=(), findings=()))
    assert read_document(tmp_path / "run")["verdict"]["text"] == "the loop took no step"


def test_the_page_asks_for_nothing_and_everything_is_escaped(tmp_path):
    write(tmp_path / "run", WATCHED)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "zero_grad is &lt;missing&gt;" in page
    assert not re.search(r"""<(script|img|link)[^>]*(src|href)=|url\(|@import""", page)
    assert re.findall(r'<section id="(\w+)"', page) == ["verdict", "next", "curves", "layers"]


def command(capsys, *arguments):
    code = main([*map(str, arguments)])
    return code, *capsys.readouterr()


def test_commands_read_the_folder(tmp_path, capsys):
    write(tmp_path / "run", WATCHED)
    code, out, _ = command(capsys, "doctor", tmp_path / "run")
    assert code == 0
    assert "D601" in out
    assert "not tried: a training in torch is tried again by its own code" in out
    code, out, _ = command(capsys, "info", tmp_path / "run")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()][:5] == ["run", "verdict", "model", "chosen", "loss"]
    write(tmp_path / "other", WATCHED)
    code, out, _ = command(capsys, "diff", tmp_path / "run", tmp_path / "other")
    assert code == 0
    assert "it is a training in torch, which keeps its weights itself" in out
    assert command(capsys, "report", tmp_path / "run")[:2] == (0, f"{tmp_path / 'run' / 'report.html'}\n")
    code, out, _ = command(capsys, "runs", tmp_path)
    assert code == 0
    assert "Adam" in out


def test_a_model_is_not_in_it_which_is_said(tmp_path):
    write(tmp_path / "run", WATCHED)
    with pytest.raises(ModelError) as caught:
        ds.load(tmp_path / "run")
    assert str(caught.value) == (
        f"the run {str(tmp_path / 'run')!r} holds no model: it is a training in torch, which keeps its weights itself; read its report.html, or "
        "call descend doctor on it"
    )
