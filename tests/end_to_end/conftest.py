"""What several tests of the whole line share: tiny images with planted errors, a finished run on them, a browser."""

import shutil

import pytest
from shapes import draw_shapes, plant_errors
from tiny_detect import PLANTED, quick

import labelscan
from labelscan.reporting.formats.html import write_html


@pytest.fixture(scope="session")
def shapes():
    """Return 180 images, their true labels, and labels of which six are wrong."""
    images, true_labels = draw_shapes(180)
    return images, true_labels, plant_errors(true_labels, PLANTED)


@pytest.fixture(scope="session")
def finished(shapes, tmp_path_factory):
    """Return an undisturbed run by the quick settings, which tests only read."""
    images, _, given = shapes
    return labelscan.detect(images, given, settings=quick(), output=tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def run_folder(finished, tmp_path):
    """Return a copy of the finished run's folder, to be changed at will."""
    return shutil.copytree(finished.folder, tmp_path / "run")


@pytest.fixture(scope="session")
def browser():
    """Return a chromium; without one, or without playwright, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens a report as a new visitor; nothing may go wrong on the page."""
    contexts, wrong = [], []

    def visit(page, *, name="report.html", **options):
        write_html(page, tmp_path / name)
        context = browser.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        tab.goto((tmp_path / name).as_uri())
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert not wrong
