"""Install a dependency group of pyproject.toml with the pip of this interpreter, whatever pip's age."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(group: str) -> int:
    """Install the group under the project's constraints and return pip's exit code."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"][group]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    return subprocess.call([*pip, "-c", str(ROOT / "constraints.txt"), *wanted])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
