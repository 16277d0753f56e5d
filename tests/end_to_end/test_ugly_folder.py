"""A folder as they really are: every file kept and accounted for, none guessed at."""

import io

import pandas as pd
import pytest
from PIL import Image
from refusals import refuses
from shapes import draw_shapes

import labelscan

SETTINGS = labelscan.settings(folds=3, epochs=2, overrides={"executor.processes": 1, "store.image_size": 8})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make thirty sound images in class folders with spaces and umlauts, then one of each kind of trouble."""
    root = tmp_path_factory.mktemp("ugly") / "Fotos für uns"
    images, labels = draw_shapes(30)
    names = ["Bär und Maus", "cross", "square"]
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = root / names[label] / "unter ordner" / f"Bild {row:02} ä.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    cross = root / "cross"
    buffer = io.BytesIO()
    Image.fromarray(images[0]).resize((200, 200)).save(buffer, "JPEG")
    (cross / "empty.jpg").write_bytes(b"")
    (cross / "truncated.jpg").write_bytes(buffer.getvalue()[:900])
    (cross / "text.png").write_text("this is not an image")
    (cross / "notes.txt").write_text("not listed")
    (root / "alone").mkdir()
    (root / "alone" / "one.jpg").write_bytes(buffer.getvalue())
    return root


@pytest.fixture(scope="module")
def files_before(folder):
    return files(folder)


@pytest.fixture(scope="module")
def run(folder, files_before, tmp_path_factory):
    return labelscan.detect(folder, settings=SETTINGS, output=tmp_path_factory.mktemp("ugly") / "run")


def files(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


UNREADABLE = {"empty.jpg": "empty", "truncated.jpg": "truncated", "text.png": "not an image"}


def test_every_file_is_accounted_for(folder, run):
    examples = pd.read_csv(run.folder / "examples.csv", dtype=str, keep_default_na=False).set_index("example_id")
    listed = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".txt"}
    assert set(examples.index) == listed
    for name, reason in UNREADABLE.items():
        status = examples.loc[f"cross/{name}", "status"]
        assert status.startswith("unreadable: ")
        assert reason in status
    assert examples.loc["alone/one.jpg", "status"] == "unscored: the only example of its class"
    summary = run.summary
    assert (summary.n_examples, summary.n_unreadable, summary.n_unscored) == (len(listed), 3, 1)
    assert summary.n_scored == len(listed) - 4


def test_all_rows_are_in_scores_and_those_without_a_score_are_last_and_empty(run):
    scores = pd.read_csv(run.folder / "scores.csv", dtype=str, keep_default_na=False)
    assert len(scores) == run.summary.n_examples
    last = scores.iloc[-4:]
    assert (last["label_quality"] == "").all()
    assert (last["status"] != "scored").all()
    assert (scores.iloc[:-4]["status"] == "scored").all()


def test_unreadable_images_stop_the_run_when_asked_to_and_all_are_named(folder, tmp_path):
    settings = labelscan.settings(
        folds=3, epochs=2, overrides={"dataset.on_unreadable": "error", "store.image_size": 8}
    )
    with pytest.raises(labelscan.DatasetError) as caught:
        labelscan.detect(folder, settings=settings, output=tmp_path / "run")
    assert len(caught.value.problems) == 3
    assert "--on-unreadable keep" in caught.value.problems[0].hint
    assert {problem.where.rpartition("/")[2] for problem in caught.value.problems} == set(UNREADABLE)


def test_the_users_files_are_as_they_were(folder, files_before, run):
    assert files(folder) == files_before


def test_a_folder_in_which_nothing_can_be_read_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "broken.jpg").write_bytes(b"")
    with refuses(labelscan.DatasetError, "unreadable"):
        labelscan.detect(tmp_path / "data", settings=SETTINGS, output=tmp_path / "run")
