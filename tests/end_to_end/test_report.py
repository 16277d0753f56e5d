"""From a run to its page, whole: of the size that is promised, and found again after everything has moved."""

import re

import numpy as np
import pytest
from PIL import Image

import labelscan

MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Make a run on 60 photos of noise, the hardest to make small, all of whose labels are drawn by lot."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for number in range(60):
        path = folder / "data" / "abc"[number % 3] / f"<b>{number} ä&.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (300, 400, 3)).astype(np.uint8)).save(path)
    settings = labelscan.settings(
        folder / "data",
        epochs=1,
        folds=2,
        image_size=16,
        overrides={"executor.processes": 1, "model.name": "small-cnn"},
    )
    return labelscan.detect(settings=settings, output=folder / "run")


def test_a_page_holds_pictures_and_stays_small(run):
    path = labelscan.report(run)
    content = path.read_text(encoding="utf-8")
    n_shown = min(run.summary.n_flagged, 200)
    assert n_shown > 5
    pictures = re.findall(r"data:image/(?:png|webp|jpeg);base64,[\w+/]+=*", content)
    assert len(set(pictures)) >= n_shown
    assert len(content) / len(set(pictures)) < MOST_BYTES / 240
    assert "<b>1" not in content


def test_many_suspects_make_the_page_no_larger(tmp_path):
    generator = np.random.default_rng(0)
    sizes = []
    for n_examples in (2_000, 20_000):
        probs = generator.dirichlet(np.ones(10), n_examples)
        labels = generator.integers(0, 10, n_examples)
        run = labelscan.score(probs, labels, output=tmp_path / str(n_examples))
        assert run.summary.n_flagged > n_examples / 4
        sizes.append(labelscan.report(run).stat().st_size)
    assert sizes[1] < 1.05 * sizes[0]


def test_a_run_and_its_data_may_move(run, tmp_path):
    run.folder.parent.rename(tmp_path / "moved")
    try:
        path = labelscan.report(
            tmp_path / "moved" / "run", data=tmp_path / "moved" / "data", output=tmp_path / "a.html"
        )
        assert "data:image/" in path.read_text(encoding="utf-8")
        path = labelscan.report(tmp_path / "moved" / "run", output=tmp_path / "b.html")
        assert "name it by --data" in path.read_text(encoding="utf-8")
    finally:
        (tmp_path / "moved").rename(run.folder.parent)
