"""What several tests of the whole line share: tiny images with planted errors, a finished run on them, a browser."""

import multiprocessing
import os
import shutil
from importlib.util import find_spec

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
def detect(shapes):
    """Return a function that runs on these images in a folder, by the quick settings with changes by key."""
    images, _, given = shapes

    def detect(folder, changes=None, **options):
        return labelscan.detect(images, given, settings=quick(**(changes or {})), output=folder, **options)

    return detect


@pytest.fixture(scope="session")
def finished(detect, tmp_path_factory):
    """Return an undisturbed run by the quick settings, which tests only read."""
    return detect(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def run_folder(finished, tmp_path):
    """Return a copy of the finished run's folder, to be changed at will."""
    return shutil.copytree(finished.folder, tmp_path / "run")


@pytest.fixture(scope="session")
def processes():
    """Return a context whose processes need not import labelscan: one that has done so is forked."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs processes that can be forked and killed")
    context = multiprocessing.get_context("forkserver")
    used = ("api", "cli", "pipeline.detect", "training.models")
    context.set_forkserver_preload([*(f"labelscan.{name}" for name in used), "torchvision", "sklearn.metrics"])
    return context


@pytest.fixture(scope="session")
def browser():
    """Return a chromium; without one, or what drives it, tests fail in CI (CI=true) and are skipped elsewhere."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None or not all(map(find_spec, ("playwright", "axe_playwright_python"))):
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("needs chromium, playwright and axe-playwright-python")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def violations(browser):
    """Return a function that lists what makes a page inaccessible."""
    from axe_playwright_python.sync_playwright import Axe

    return lambda tab: [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(tab).response["violations"]]


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
