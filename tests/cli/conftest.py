"""Running the command line in this process, and runs that were never trained, for what is said about runs."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from descend.cli import main
from descend.diagnosis import Finding
from descend.evaluation.reference import Reference
from descend.evaluation.usage import Importance
from descend.options import Options


@dataclass(frozen=True)
class Verdict:
    status: str
    text: str


@dataclass(frozen=True)
class Trial:
    variant: str
    letter: str
    lr: float
    batch: str
    epochs: int
    score: float | None
    result: str
    best: bool = False
    leader: bool = True
    spread: float | None = None

    @property
    def shown(self):
        return self.score


@dataclass(frozen=True)
class Run:
    verdict: Verdict = Verdict("converged", "converged in 41 epochs; the gap to the exact optimum is 0.01 %")
    findings: tuple[Finding, ...] = ()
    tried: tuple[Trial, ...] = (
        Trial("gd", "G", 0.46, "full", 500, 71902.4, "D201 not converged in budget"),
        Trial("adam", "D", 0.031, "256", 41, 69214.2, "best", best=True),
        Trial("adam", "D", 0.31, "256", 44, 69300.0, "stopped", leader=False),
        Trial("momentum", "H", 90.0, "full", 3, None, "D101 diverged by step 3"),
    )
    metrics: dict[str, dict[str, float]] = field(
        default_factory=lambda: {
            "train": {"rmse": 68000.0, "r2": 0.65}, "test": {"rmse": 69214.2, "r2": 0.641},
            "baseline": {"rmse": 115530.0}, "optimum": {"rmse": 69208.0},
        }
    )  # fmt: skip
    metric: str = "rmse"
    held_out: Any = None
    options: Any = field(default_factory=Options)
    intervals: dict[str, dict[str, tuple[float, float]]] = field(
        default_factory=lambda: {"test": {"rmse": (66000.0, 72500.0), "r2": (0.6, 0.68)}}
    )
    chosen: dict[str, Any] = field(default_factory=lambda: {"optimizer": "adam", "lr": 0.031, "batch": 256})
    importances: tuple[Importance, ...] = (
        Importance(column="area", mean=31000.0, std=400.0), Importance(column="rooms", mean=812.5, std=90.0),
        Importance(column="id", mean=-3.0, std=20.0),
    )  # fmt: skip
    references: tuple[Reference, ...] = ()
    model: Any = field(default_factory=lambda: SimpleNamespace(network=None))
    failed: bool = False
    interrupted: bool = False

    @property
    def scored_part(self):
        return "test" if "test" in self.metrics else "train"

    @property
    def trials(self):
        return tuple(t for t in self.tried if t.leader)

    def save(self, folder, *, force=False, report=True, command=None):
        names = [
            "trace.jsonl",
            *([] if self.failed else ["model.safetensors"]),
            *(["report.html"] if report else []),
            "run.json",
        ]
        return {name.partition(".")[0]: str(folder / name) for name in names}

    def document(self, command=None, artifacts=None):
        return {
            "schema": "descend.run/2",
            "command": command,
            "status": "ok",
            "artifacts": artifacts,
            "loss": float("nan"),
        }


TOO_FAST = Finding(
    code="D101",
    level="error",
    text="learning rate 90 is 24 × the stability limit 3.8",
    evidence={"lr": 90.0, "limit": 3.8},
    fix=("--lr auto", "--scale"),
)
DIVERGED = replace(
    Run(), failed=True, verdict=Verdict("diverged", "training failed"), findings=(TOO_FAST,), tried=Run().tried[3:]
)
INTERRUPTED = replace(Run(), interrupted=True, verdict=Verdict("interrupted", "interrupted after 12 epochs"))


@pytest.fixture
def descend(capfd, tmp_path, monkeypatch):
    """Run `descend ARGS` in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "DESCEND_RUN_DIR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        code = main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def fakes():
    """Runs that were never trained: one that converged, one that failed, one that was stopped."""
    return SimpleNamespace(
        good=Run(), diverged=DIVERGED, interrupted=INTERRUPTED, too_fast=TOO_FAST, verdict=Verdict, finding=Finding
    )


@pytest.fixture(scope="session")
def penguins():
    """The tidy table of penguins that ships with the project."""
    return Path(__file__).parents[2] / "examples" / "data" / "penguins.csv"


@pytest.fixture(scope="session")
def runs(penguins, tmp_path_factory):
    """Real run folders of the penguins: `mass` a number, `sex` a class, `failed` a run that diverged."""
    root = tmp_path_factory.mktemp("runs")
    common = ["--optimizer", "gd", "--no-report"]
    wanted = {
        "mass": (0, ["body_mass_g", "--epochs", "300"]), "sex": (0, ["sex", "--epochs", "50"]),
        "failed": (4, ["body_mass_g", "--lr", "50"]),
    }  # fmt: skip
    for name, (code, flags) in wanted.items():
        assert main(["-q", "train", str(penguins), "--run-dir", str(root / name), *common, "-t", *flags]) == code
    return root
