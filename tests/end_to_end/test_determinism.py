"""The same settings, data and seed give the same bytes on one machine, however the folds are run."""

import json

import pytest
from tiny_detect import N_FOLDS, contents, quick

import labelscan
from labelscan.comparison.compare import compare
from labelscan.jobs.executors.local import LocalExecutor
from labelscan.results.run import FinishedRun

MACHINE = {"system", "processor", "cpu", "blas", "libjpeg"}
HARDWARE = {"device", "precision", "threads", "torch_cpu", "torch_libraries"}


@pytest.mark.parametrize("processes", [2, N_FOLDS])
def test_the_number_of_processes_changes_no_byte(shapes, finished, tmp_path, processes):
    images, _, given = shapes
    settings = quick(**{"executor.processes": processes})
    run = labelscan.detect(images, given, settings=settings, output=tmp_path / "run")
    assert contents(run.folder) == contents(finished.folder)


def test_the_order_of_the_folds_changes_no_byte(shapes, finished, tmp_path, monkeypatch):
    run_plan, begun = LocalExecutor.run, []

    def in_another_order(self, jobs, *others):
        begun.extend(job.id.fold for job in reversed(jobs))
        return run_plan(self, jobs[::-1], *others)

    monkeypatch.setattr(LocalExecutor, "run", in_another_order)
    images, _, given = shapes
    run = labelscan.detect(images, given, settings=quick(), output=tmp_path / "run")
    assert begun == [2, 1, 0]
    assert contents(run.folder) == contents(finished.folder)


def test_a_run_records_the_machines_that_have_worked_on_it(shapes, run_folder, monkeypatch):
    images, _, given = shapes
    record = json.loads((run_folder / "run.json").read_text())
    (machine,) = record["machines"]
    assert set(machine) >= MACHINE | HARDWARE
    assert machine["threads"] == 1
    assert {"torch", "numpy", "pillow", "scipy"} <= set(record["versions"])
    monkeypatch.setattr("labelscan.runs.folder.platform.machine", lambda: "arm64")
    labelscan.detect(images, given, settings=quick(), output=run_folder)  # which only shows it
    assert json.loads((run_folder / "run.json").read_text())["machines"] == [machine]
    (run_folder / "fold-0-1" / "DONE").unlink()
    labelscan.detect(images, given, settings=quick(), output=run_folder)
    elsewhere = json.loads((run_folder / "run.json").read_text())["machines"]
    assert elsewhere[0] == machine
    assert elsewhere[1]["system"].endswith("arm64")


def test_other_threads_are_named_where_results_differ(shapes, finished, tmp_path):
    images, _, given = shapes
    settings = quick(**{"executor.threads": 2})
    labelscan.detect(images, given, settings=settings, output=tmp_path / "run")
    found = compare(FinishedRun.read(finished.folder), FinishedRun.read(tmp_path / "run"))
    differ = "though the runs differ by the machine" if found.same_results else "they differ by the machine"
    assert found.explanation.startswith("same settings, data and seed")
    assert differ in found.explanation
    assert "threads 1 and 2" in found.explanation
