"""The documents name everything that there is."""

import re
from pathlib import Path

import pytest

import descend
from descend.cli.commands import COMMANDS
from descend.losses import LOSSES
from descend.plan.rule import RULES
from descend.schedules import SCHEDULES

ROOT = Path(__file__).parent.parent
SOURCE = Path(descend.__file__).parent


def test_the_readme_names_every_command():
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"descend {name}" not in readme] == []


@pytest.mark.parametrize("known", [RULES, LOSSES], ids=["rules", "losses"])
def test_the_formulas_name_every_rule_and_loss(known):
    formulas = (ROOT / "docs" / "formulas.md").read_text()
    assert [name for name in known if not re.search(rf"\b{name}\b", formulas)] == []


def test_the_architecture_names_every_file():
    text = (ROOT / "docs" / "architecture.md").read_text()
    parts = [p.name for p in SOURCE.iterdir() if p.suffix == ".py" and not p.name.startswith("__")]
    parts += [f"{p.name}/" for p in SOURCE.iterdir() if p.is_dir() and p.name != "__pycache__"]
    parts += [p.name for p in (SOURCE / "engines").glob("*.py")]
    assert [name for name in parts if name not in text] == []


def test_tests_mirror_the_source():
    modules = {p.relative_to(SOURCE) for p in SOURCE.rglob("*.py") if not p.name.startswith("__")}
    without = {p.as_posix() for p in modules if not (ROOT / "tests" / p.parent / f"test_{p.name}").exists()}
    assert sorted(without) == []


def test_the_help_names_every_schedule():
    from descend.options import BY_NAME

    assert [name for name in SCHEDULES if name != "constant" and name not in BY_NAME["schedule"].help] == []


def test_python_in_the_readme_runs(tmp_path, monkeypatch, penguins):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples" / "data").mkdir(parents=True)
    (tmp_path / "examples" / "data" / "penguins.csv").write_bytes(penguins.read_bytes())
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    first = blocks[0].replace('"body_mass_g")', '"body_mass_g", max_epochs=30)')
    exec(compile(first, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102
    assert (tmp_path / "runs" / "mine" / "model.safetensors").exists()


def test_python_in_the_page_of_exports_runs(tmp_path, monkeypatch, penguins):
    monkeypatch.chdir(tmp_path)
    run = descend.train(penguins, "species", optimizer="adam", lr=0.05, max_epochs=5, seeds=1, progress=False)
    (tmp_path / "penguins.csv").write_bytes(penguins.read_bytes())
    for to, suffix in (("onnx", "onnx"), ("sklearn", "skops"), ("torch", "pt2")):
        run.export(f"model.{suffix}", to)
    own, found = run.predict(penguins).values.tolist(), {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL):
        exec(compile(block, "export.md", "exec"), found)  # noqa: S102
    assert found["prediction"].tolist() == own
    assert found["labels"] == own
    assert found["pipeline"].predict(found["pd"].read_csv("penguins.csv")).tolist() == own


def test_python_in_the_page_of_estimators_runs(tmp_path, monkeypatch):
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    monkeypatch.chdir(tmp_path)
    found = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "estimators.md").read_text(), re.DOTALL):
        exec(compile(block, "estimators.md", "exec"), found)  # noqa: S102
    assert len((tmp_path / "fit.jsonl").read_text().splitlines()) == len(found["history"]) > 0


def test_python_in_the_page_on_torch_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "torch.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile("\n".join(blocks), "torch.md", "exec"), {"__name__": "page"})  # noqa: S102
