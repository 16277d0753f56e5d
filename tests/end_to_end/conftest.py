"""What several tests of the whole line share: tiny images with planted errors, and a finished run on them."""

import shutil

import pytest
from shapes import draw_shapes, plant_errors
from tiny_detect import PLANTED, quick

import labelscan


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
