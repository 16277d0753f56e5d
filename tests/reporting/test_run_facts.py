"""What was run, in words."""

import json
from pathlib import Path

from finished import a_run
from shapes import draw_shapes

import labelscan
from labelscan.reporting.run_facts import make_run_facts
from labelscan.results.run import FinishedRun


def test_facts_say_how_a_run_was_made_and_how_to_repeat_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{number},{number % 2},{'ab'[number % 2]}" for number in range(12)]
    Path("flowers.csv").write_text("\n".join(["petal,sepal,label", *rows]) + "\n")
    labelscan.detect(settings=labelscan.settings("flowers.csv", epochs=1, folds=2, seed=7), output="a run")
    facts = dict(make_run_facts(FinishedRun.read(Path("a run"))))
    assert facts["data"].startswith("flowers.csv: 12 examples, 2 classes, fingerprint ")
    assert facts["model"].startswith("mlp")
    assert facts["loss"].startswith("blurry:gamma=")
    assert (facts["folds"], facts["seed"], facts["detector"]) == ("2", "7", "noise-posterior")
    assert facts["training"].startswith("epochs 1, batch size ")
    assert facts["device"].endswith(", float32")
    assert f"labelscan {labelscan.__version__}, python " in facts["versions"]
    assert facts["took"].endswith(" s")
    assert facts["in folder"] == str(tmp_path)
    assert facts["again"] == "labelscan detect --config 'a run/run.json' -o 'a run'"
    again = labelscan.settings(config="a run/run.json")
    assert (again.dataset.data, again.seed, again.folds.n_folds) == ("flowers.csv", 7, 2)


def test_a_run_knows_after_how_many_epochs_its_trainings_had_settled(tmp_path):
    images, labels = draw_shapes(150)
    asked = labelscan.settings(model="small-cnn", folds=2, overrides={"executor.processes": 1})
    run = labelscan.detect(images, labels, settings=asked, output=tmp_path / "run")
    logs = {job: (run.folder / job / "log.jsonl").read_text().splitlines() for job in ("fold-0-0", "fold-0-1")}
    ends = {job: json.loads(lines[-1]) for job, lines in logs.items()}
    finished = FinishedRun.read(run.folder)
    assert {job: end["epoch"] for job, end in ends.items()} == finished.record.settled == dict.fromkeys(logs, 24)
    assert {end["n_epochs"] for end in ends.values()} == {24}
    training = dict(make_run_facts(finished))["training"]
    assert training.startswith("epochs 40, ")
    assert training.endswith("; epochs of those that had settled: 24 (2 trainings)")


def test_probabilities_have_no_model_and_what_is_not_known_is_left_out():
    facts = dict(make_run_facts(a_run(record={"results_depend_on": {"command": "score"}})))
    assert facts["data"] == "pets: 10 examples, 2 classes, fingerprint abc"
    assert {"model", "loss", "training", "again", "device"}.isdisjoint(facts)
