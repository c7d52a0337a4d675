"""The version is one string that packaging reads, too."""

import re
import tomllib
from pathlib import Path

import descend
from descend.version import VERSION

ROOT = Path(__file__).parent.parent


def test_the_version_is_that_of_the_package_and_of_its_metadata():
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]
    found = re.search(hatch["pattern"], (ROOT / hatch["path"]).read_text())
    assert found["version"] == VERSION == descend.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+)?", VERSION)
