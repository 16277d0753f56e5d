"""What a page needs in order to measure, from the files of a run."""

import shutil

import numpy as np
import pytest
from refusals import refuses
from signed import forget_checksums

import labelscan
from labelscan.detection.decisions.decided_labels import Bins
from labelscan.detection.evidence import Evidence
from labelscan.errors import RunFolderError
from labelscan.reporting.make_report import make_report_page
from labelscan.reporting.measurement import MOST_TO_DECIDE
from labelscan.results.run import FinishedRun


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a run of 500 labels, some 30 of which look wrong."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 500)
    probs = generator.dirichlet(np.ones(3), 500) + 3 * np.eye(3)[labels]
    labels[:30] = (labels[:30] + 1) % 3
    probs /= probs.sum(axis=1, keepdims=True)
    folder = tmp_path_factory.mktemp("made")
    return labelscan.score(probs, labels, class_names=["cat", "dog", "fox"], output=folder / "run").folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def page_of(folder, **options):
    return make_report_page(FinishedRun.read(folder), **options)


def test_the_labels_to_decide_are_the_first_of_the_sample_in_its_order(folder):
    page = page_of(folder, top=0)
    rows = (folder / "measure.csv").read_text().splitlines()[1 : MOST_TO_DECIDE + 1]
    assert [one.example_id for one in page.measurement.to_decide] == [row.split(",")[1] for row in rows]
    assert page.suspects == ()
    assert all(one.flagged_by == () for one in page.measurement.to_decide if one.rank > page.n_flagged)


def test_every_scored_label_is_in_one_stretch_and_one_ends_with_the_list(folder):
    page = page_of(folder)
    ends = [last_rank for last_rank, _ in page.measurement.stretches]
    assert ends == sorted(set(ends))
    assert ends[-1] == 500
    assert page.n_flagged in ends
    sizes = [sum(n for _, n in bins) for _, bins in page.measurement.stretches]
    np.testing.assert_array_equal(np.cumsum(sizes), ends)


def test_log_odds_belong_to_the_example_and_its_bin(folder):
    page = page_of(folder)
    measurement = page.measurement
    with np.load(folder / "log_odds.npz") as arrays:
        log_odds = arrays["error_log_odds"]
    bins = Bins.of(log_odds.astype(np.float64))
    np.testing.assert_array_equal(measurement.centres, bins.centres)
    row_of = {name: row for row, name in enumerate(Evidence.read(folder / "evidence.npz").example_ids)}
    assert measurement.error_odds.keys() == {one.example_id for one in (*page.suspects, *measurement.to_decide)}
    for name, error_odds in measurement.error_odds.items():
        assert error_odds == (log_odds[row_of[name]], bins.of_example[row_of[name]])
    for one in measurement.to_decide:
        sizes = next(sizes for last_rank, sizes in measurement.stretches if one.rank <= last_rank)
        assert measurement.error_odds[one.example_id][1] in dict(sizes)


@pytest.mark.parametrize("missing", ["log_odds.npz", "measure.csv"])
def test_a_run_without_one_of_its_files_has_no_measurement_and_says_so(folder, missing):
    (folder / missing).unlink()
    page = page_of(folder)
    assert page.measurement is None
    assert page.suspects
    labelscan.report(folder)
    hint = "measure.csv or log_odds.npz is missing: the same command that made the run makes it again."
    assert hint in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("measure.csv", b"order,label\n1,cat\n", "damaged"),
        ("measure.csv", b"order,example_id\n1,of another run\n", "damaged"),
        ("log_odds.npz", b"no archive", "unreadable"),
        ("evidence.npz", b"no archive", "unreadable"),
        ("log_odds.npz", np.zeros(7), "damaged"),
        ("log_odds.npz", np.full(500, np.nan), "damaged"),
    ],
)
def test_a_damaged_file_is_named(folder, name, content, code):
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        stratum = np.zeros(len(content), dtype=np.int8)
        np.savez(folder / name, error_log_odds=content, stratum=stratum, number_by_agreement=np.nan)
    forget_checksums(folder)
    with refuses(RunFolderError, code, name):
        page_of(folder)
