"""Pages in a real browser."""

import pytest
from tests.report.chromium import CHROMIUM, Opened

from descend.report import html


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        started = running.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        started.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Returns a function that opens a report, or a page, in a window of a width, and of a colour scheme."""
    contexts = []

    def show(report, *, width=1280, scheme="light", script=True):
        file = tmp_path / "a report.html"
        file.write_text(report if isinstance(report, str) else html.render(report), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        one = Opened(page, [], [])
        page.on("request", lambda request: one.requests.append(request.url))
        page.on("console", lambda message: one.errors.append(message.text))
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        page.goto(file.as_uri())
        return one

    yield show
    for context in contexts:
        context.close()
