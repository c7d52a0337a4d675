"""Where Chromium is, and a page that is open in it."""

import dataclasses
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


@dataclasses.dataclass
class Opened:
    """A page, and what it asked for and complained of."""

    page: object
    requests: list
    errors: list
