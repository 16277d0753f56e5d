"""What is written into a run folder besides the run: reports, corrected labels, decisions, a baseline."""

from pathlib import Path

import numpy as np
import pytest
import served
from refusals import refuses

import labelscan
from labelscan.correction.decisions import Decision
from labelscan.errors import RunFolderError
from labelscan.gating.run_gate import accept
from labelscan.reporting.formats import FORMATS
from labelscan.reporting.formats.label_studio import interface_path
from labelscan.results.run import FinishedRun


@pytest.fixture
def run(tmp_path):
    """Make a run of 40 probabilities with two wrong labels."""
    true_labels = np.arange(40) % 2
    given_labels = true_labels.copy()
    given_labels[[3, 25]] = 1 - given_labels[[3, 25]]
    pred_probs = 0.05 + 0.9 * np.eye(2)[true_labels]
    np.savez(tmp_path / "probs.npz", pred_probs=pred_probs, given_labels=given_labels)
    return labelscan.score(tmp_path / "probs.npz", output=tmp_path / "run").folder


@pytest.fixture
def theirs(tmp_path):
    """Make a file elsewhere, which nothing may write to."""
    file = tmp_path / "theirs"
    file.write_text("example_id,given_label\n3,1\n")
    yield file
    assert file.read_text() == "example_id,given_label\n3,1\n"


INTERFACE = interface_path(Path(FORMATS["label-studio"].file_name)).name


@pytest.mark.parametrize(
    ("form", "name"), [*((form, FORMATS[form].file_name) for form in FORMATS), ("label-studio", INTERFACE)]
)
def test_a_report_is_not_written_through_a_link_in_its_run_but_through_one_that_is_named(
    run, theirs, tmp_path, form, name
):
    (run / name).symlink_to(theirs)
    with refuses(RunFolderError, "link-outside", name):
        labelscan.report(run, format=form)
    named, end = tmp_path / "named", tmp_path / "end"
    named.symlink_to(end)
    labelscan.report(run, format=form, output=named)
    assert end.stat().st_size


def test_links_that_a_report_only_reads_through_do_not_matter(run, tmp_path):
    stored = tmp_path / "stored"  # as DVC and git-annex keep large files
    stored.mkdir()
    for path in list(run.iterdir()):
        path.rename(stored / path.name)
        path.symlink_to(stored / path.name)
    for form in FORMATS:
        labelscan.report(run, format=form)


@pytest.mark.parametrize("name", ["corrected.npz", "corrected.npz.changes.csv"])
def test_corrected_labels_are_not_written_through_a_link(run, theirs, name):
    (run / name).symlink_to(theirs)
    with refuses(RunFolderError, "link-outside"):
        labelscan.apply(run, decisions=[Decision(example_id="3", verdict="drop")], overwrite=True)


def test_a_review_is_not_served_where_decisions_would_go_elsewhere(run, theirs):
    decisions = run / "decisions.csv"
    decisions.symlink_to(theirs)
    serving = served.serving(lambda _: "", decisions, {})
    with refuses(RunFolderError, "link-outside"), serving:
        pass


def test_decisions_are_not_written_through_a_link_that_comes_later(run, theirs):
    decisions = run / "decisions.csv"
    with served.serving(lambda _: "", decisions, {"3": "1"}) as server:
        _, tag = server.decisions.read()
        decisions.symlink_to(theirs)
        with refuses(RunFolderError, "link-outside"):
            server.decisions.write([Decision(example_id="3", verdict="keep")], tag)


def test_a_baseline_in_a_run_folder_is_not_written_through_a_link_but_elsewhere_it_is(run, theirs, tmp_path):
    inside, outside, end = run / "known.csv", tmp_path / "known.csv", tmp_path / "end.csv"
    inside.symlink_to(theirs)
    outside.symlink_to(end)
    with refuses(RunFolderError, "link-outside"):
        accept(lambda: FinishedRun.read(run), inside)
    accept(lambda: FinishedRun.read(run), outside)
    assert end.is_file()
