"""Data, images, tables of runs and decisions are never written over, whatever writes and wherever it is told to."""

import shutil

import numpy as np
import pytest
from PIL import Image
from refusals import refuses
from signed import forget_checksums

import labelscan
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.errors import UsageError
from labelscan.reporting.formats import FORMATS
from labelscan.results.protected_paths import refuse_data, refuse_only_read, refuse_run_file
from labelscan.results.run import FinishedRun


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a run on 12 listed images, two of them without the name of an image."""
    here = tmp_path_factory.mktemp("made")
    (here / "photos" / "dark").mkdir(parents=True)
    rows = []
    for number in range(12):
        file = here / "photos" / "dark" / f"{number}{'' if number < 2 else '.png'}"
        Image.fromarray(np.full((8, 8), 20 * number + 5, np.uint8)).save(file, format="png")
        rows.append(f"photos/dark/{file.name},{'ab'[number % 2]}\n")
    (here / "labels.csv").write_text("path,label\n" + "".join(rows))
    settings = labelscan.settings(here / "labels.csv", epochs=1, folds=2, overrides={"executor.processes": 1})
    labelscan.detect(settings=settings, output=here / "run")
    write_decisions([Decision(example_id="photos/dark/3.png", verdict="drop")], here / "run" / "decisions.csv")
    return here


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """Return a folder of one's own with it; the data is found in place of the one that it was made from."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    for name in ("run.json", "scores.csv"):
        file = tmp_path / "run" / name
        file.write_text(file.read_text().replace(str(made), str(tmp_path)))
    forget_checksums(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ONLY_READ = ("labels.csv", "photos/dark/3.png", "photos/dark/1", "run/decisions.csv", "run/scores.csv", "link")


@pytest.mark.parametrize("place", ONLY_READ)
def test_nothing_that_is_only_read_is_written_over(here, place):
    (here / "link").symlink_to(here / "labels.csv")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    for form in FORMATS:
        with refuses(UsageError, "protected-file"):
            labelscan.report("run", format=form, output=place, pictures=form == "label-studio")
    with refuses(UsageError, "protected-file"):
        labelscan.apply("run", output=place, overwrite=True)
    with pytest.raises(UsageError):
        labelscan.update_baseline("run", place)
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_what_a_form_is_usually_called_in_the_run_may_be_rewritten_but_not_data_that_lies_elsewhere_now(here):
    for _ in range(2):
        labelscan.report("run", output="run/report.html", pictures=False)
    run = FinishedRun.read(here / "run")
    (here / "report.html").write_text("an earlier one")
    (here / "labels.csv").rename(here / "moved.csv")
    for place in ("report.html", "photos/new.csv", "moved.csv"):
        refuse_only_read(here / place, run)
    with refuses(UsageError, "protected-file"):
        refuse_only_read(here / "moved.csv", run, data="moved.csv")


def test_class_folders_take_no_file_but_those_of_a_run_among_them(here):
    with refuses(UsageError, "protected-file"):
        refuse_data(here / "photos" / "dark" / "new.csv", "photos")
    refuse_data(here / "photos" / "baseline.csv", "photos")
    refuse_data(here / "photos" / "dark" / "run" / "new.csv", "photos", run_folder=here / "photos" / "dark" / "run")
    refuse_data(here / "digits", "demo:digits")


def test_decisions_and_tables_of_other_runs_are_left_alone(here):
    (here / "run").rename(here / "other")
    (here / "other" / "decisions.csv").unlink()
    for name in ("decisions.csv", "scores.csv"):
        with pytest.raises(UsageError):
            refuse_run_file(here / "other" / name)
    refuse_run_file(here / "other" / "report.html", makes=["report.html"])
    refuse_run_file(here / "decisions.csv")
