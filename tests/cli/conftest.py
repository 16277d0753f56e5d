"""The command line, run in this process: the imports that it needs are then paid for once."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelscan.__main__ import main
from labelscan.cli.console import SERVICES


@dataclass(frozen=True)
class Ended:
    """What a command leaves in the terminal."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def quick_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a model for a moment only, in dry runs."""
    monkeypatch.setattr("labelscan.pipeline.estimate.SECONDS", 0.01)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs labelscan in an empty folder, in 80 columns without colour."""
    for name in [name for name in os.environ if name.startswith("LABELSCAN_")]:
        monkeypatch.delenv(name)
    for name in SERVICES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make 12 images of 8 x 8 pixels in two class folders, dark and light; one label is wrong."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            brightness = 200 if (name, number) == ("dark", 3) else level
            pixels = generator.integers(brightness - 20, brightness + 20, (8, 8)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def probs(tmp_path: Path) -> Path:
    """Make the out-of-fold probabilities of 40 examples of two classes; rows 3 and 25 have wrong labels."""
    generator = np.random.default_rng(0)
    true_labels = np.arange(40) % 2
    pred_probs = np.full((40, 2), 0.0)
    sure = generator.uniform(0.8, 0.95, 40)
    sure[[3, 25]] = 0.99
    pred_probs[np.arange(40), true_labels] = sure
    pred_probs[np.arange(40), 1 - true_labels] = 1 - sure
    given_labels = true_labels.copy()
    given_labels[[3, 25]] = 1 - given_labels[[3, 25]]
    names = np.array(["[red]cat[/red]", "dog\x1b[2J"])
    np.savez(
        tmp_path / "probs.npz",
        pred_probs=pred_probs,
        given_labels=given_labels,
        class_names=names,
        true_labels=true_labels,
    )
    return tmp_path / "probs.npz"


@pytest.fixture
def run(command: Command, probs: Path, tmp_path: Path) -> Path:
    """Make the run ``run`` of these probabilities: two labels are flagged."""
    assert command("score", "probs.npz", "-o", "run", "-q").code == 0
    return tmp_path / "run"
