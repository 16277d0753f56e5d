"""The same settings, data and seed give the same bytes on one machine, however the folds are run."""

import json

from tiny_detect import contents

from labelscan.comparison.compare import compare
from labelscan.jobs.executors.local import LocalExecutor
from labelscan.results.run import FinishedRun

MACHINE = {"system", "processor", "cpu", "blas", "libjpeg"}
HARDWARE = {"device", "precision", "threads", "torch_cpu", "torch_libraries"}


def test_the_order_of_the_folds_changes_no_byte(detect, finished, tmp_path, monkeypatch):
    run_plan, begun = LocalExecutor.run, []

    def in_another_order(self, jobs, *others):
        begun.extend(job.id.fold for job in reversed(jobs))
        return run_plan(self, jobs[::-1], *others)

    monkeypatch.setattr(LocalExecutor, "run", in_another_order)
    run = detect(tmp_path / "run")
    assert begun == [2, 1, 0]
    assert contents(run.folder) == contents(finished.folder)


def test_a_run_records_the_machines_that_have_worked_on_it(detect, run_folder, monkeypatch):
    record = json.loads((run_folder / "run.json").read_text())
    (machine,) = record["machines"]
    assert set(machine) >= MACHINE | HARDWARE
    assert machine["threads"] == 1
    assert {"torch", "numpy", "pillow", "scipy"} <= set(record["versions"])
    monkeypatch.setattr("labelscan.runs.folder.platform.machine", lambda: "arm64")
    detect(run_folder)  # which only shows it
    assert json.loads((run_folder / "run.json").read_text())["machines"] == [machine]
    (run_folder / "fold-0-1" / "DONE").unlink()
    detect(run_folder)
    elsewhere = json.loads((run_folder / "run.json").read_text())["machines"]
    assert elsewhere[0] == machine
    assert elsewhere[1]["system"].endswith("arm64")


def test_other_threads_are_named_where_results_differ(detect, finished, tmp_path):
    detect(tmp_path / "run", {"executor.threads": 2})
    found = compare(FinishedRun.read(finished.folder), FinishedRun.read(tmp_path / "run"))
    differ = "though the runs differ by the machine" if found.same_results else "they differ by the machine"
    assert found.explanation.startswith("same settings, data and seed")
    assert differ in found.explanation
    assert "threads 1 and 2" in found.explanation
