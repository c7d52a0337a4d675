"""torch predicts from the program what descend predicts, on every row."""

import io
import json
import zipfile
from dataclasses import replace

import pytest
import torch
from tests.export.made import JOBS, Document, agrees, export, rows

from descend.export.torch import render


def opened(data):
    """The program of a file, and the JSON document in it."""
    extra = {"descend.json": ""}
    program = torch.export.load(io.BytesIO(data), extra_files=extra)
    return program.module(), Document(extra["descend.json"])


def answer(name, data):
    """The labels or numbers of every row, and the probabilities or None."""
    program, document = opened(data)
    features = torch.tensor([document.encoded(row) for row in rows(name)], dtype=torch.float64)
    found = program(features)
    values, classes = found["prediction"].tolist(), document.model["classes"]
    return [classes[k] for k in values] if classes else values, found.get("probabilities")


@pytest.mark.parametrize("name", JOBS)
def test_the_program_predicts_every_row(name):
    agrees(name, *answer(name, render(export(name))))


def test_the_comparison_can_fail():
    wrong = replace(export("number"), width=export("number").width * 1.1)
    values, none = answer("number", render(wrong))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        agrees("number", values, none)


def test_every_number_of_rows_is_taken():
    program, document = opened(render(export("classes")))
    assert {numbers.dtype for numbers in program.buffers()} == {torch.float64}
    for count in (0, 1, 5):
        found = program(torch.zeros(count, len(document.model["features"]), dtype=torch.float64))
        assert found["prediction"].shape == (count,)
        assert found["probabilities"].shape == (count, 3)


def test_the_file_holds_tensors_and_no_other_pickle():
    with zipfile.ZipFile(io.BytesIO(render(export("residual")))) as archive:
        pickles = [name for name in archive.namelist() if name.endswith((".pt", ".pkl"))]
        held = [torch.load(io.BytesIO(archive.read(name)), weights_only=True) for name in pickles]
        weights = json.loads(archive.read(next(n for n in archive.namelist() if n.endswith("weights_config.json"))))
    assert len(held) == 1  # the shapes of the example that it was made by
    assert {entry["use_pickle"] for entry in weights["config"].values()} == {False}
