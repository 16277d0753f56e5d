"""Another package adds parts of every kind: one file and one line of entry points each."""

import json
import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

PARTS = {
    "loss": """
        from torch.nn.functional import cross_entropy


        class Halved:
            \"\"\"Half of cross-entropy.

            Args:
                share: of cross-entropy.
            \"\"\"

            default_delay = 0.0

            def __init__(self, share: float = 0.5) -> None:
                self.share = share

            def __call__(self, logits, given_labels):
                return self.share * cross_entropy(logits.float(), given_labels, reduction="none")

            def stalls(self, n_classes):
                return ""
    """,
    "reader": """
        from pathlib import Path

        import numpy as np

        from labelscan.data.dataset import make_dataset
        from labelscan.data.inputs import FeatureTable

        SETTINGS = frozenset()


        def reads(config):
            return config.data.endswith(".blobs")


        def read(config, notify):
            n = int(Path(config.data).read_text())
            labels = np.arange(n) % 2
            features = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32) + 6 * labels[:, None]
            return make_dataset(
                name="blobs",
                inputs=FeatureTable(features),
                labels=[str(label) for label in 1 - labels[:1]] + [str(label) for label in labels[1:]],
                example_ids=[str(row) for row in range(n)],
                where=str,
                ids_depend_on_order=True,
            )
    """,
    "model": """
        import math

        from torch import nn

        from labelscan.training.recipe import Recipe


        class OneLayer:
            \"\"\"One layer.\"\"\"

            kind, takes = "network", "features"

            def make(self, input_shape, n_classes):
                return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(input_shape), n_classes))

            def recipe(self, n_examples, input_shape):
                return Recipe(epochs=3, batch_size=8, learning_rate=0.1, weight_decay=0.0)
    """,
    "noise": """
        class FirstToOne:
            \"\"\"Makes the first label 1.\"\"\"

            needs_pred_probs = False

            def plant(self, clean, generator):
                given_labels = clean.true_labels.copy()
                given_labels[0] = 1
                return given_labels
    """,
    "detector": """
        from labelscan.detection.protocol import Detection


        class Least:
            \"\"\"Doubts the one label that is least probable.\"\"\"

            def detect(self, evidence):
                quality = evidence.pred_probs[range(len(evidence)), evidence.given_labels].astype(float)
                return Detection(label_quality=quality, flagged=quality == quality.min())
    """,
    "executor": """
        from pathlib import Path

        from labelscan.jobs.run_job import run_job


        class TakingTurns:
            \"\"\"Runs folds one after another, and writes down which.\"\"\"

            runs_elsewhere = submits = False
            folds_per_gpu = None

            def threads_per_fold(self, n_jobs, device):
                return 1

            def side_by_side(self, n_jobs, core_seconds, device, threads, folds_per_gpu):
                return 1

            def run(self, jobs, driver):
                for job in jobs:
                    state, _ = driver.begin(job)
                    result = run_job(job, driver.where(job), driver.rows_of(job), state, driver.notify)
                    driver.notify(driver.store(job, result))
                    with Path("turns.txt").open("a") as file:
                        file.write(f"{job.id.fold}\\n")
    """,
    "gate_format": """
        def as_shout(verdict, top):
            return f"{'FINE' if verdict.passed else 'NO'}! {len(verdict.suspects[:top])}\\n"
    """,
}
ENTRY_POINTS = """\
[labelscan.loss]
halved = extras.loss:Halved
[labelscan.model]
one-layer = extras.model:OneLayer
[labelscan.noise]
first-to-one = extras.noise:FirstToOne
[labelscan.reader]
blobs = extras.reader
[labelscan.detector]
least = extras.detector:Least
[labelscan.executor]
taking-turns = extras.executor:TakingTurns
[labelscan.gate_format]
shout = extras.gate_format:as_shout
"""


@pytest.fixture
def installed(tmp_path):
    """Install a package of parts into a folder of its own; return what runs labelscan beside it."""
    package, metadata = tmp_path / "site" / "extras", tmp_path / "site" / "extras-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").touch()
    for kind, text in PARTS.items():
        (package / f"{kind}.py").write_text(dedent(text))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: extras\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    paths = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])

    def run(*words):
        return subprocess.run(
            [sys.executable, *words],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_parts_of_every_kind_are_used_by_name_listed_and_found_when_misspelt(installed, tmp_path):
    (tmp_path / "forty.blobs").write_text("40")
    program = """
        import sys

        import numpy as np

        import labelscan
        import labelscan.noise.plant
        from labelscan.__main__ import main

        overrides = {"executor.name": "taking-turns", "model.name": "one-layer", "training.batch_size": 8}
        settings = labelscan.settings(
            "forty.blobs", loss="halved:0.25", detector="least", epochs=10, folds=2, overrides=overrides
        )
        run = labelscan.detect(settings=settings, output="run")
        print(*run.issues.flagged["example_id"])
        print(*labelscan.noise.plant.plant(np.zeros(3, dtype=int), 2, "first-to-one", seed=0))
        print(*[main(line.split()) for line in sys.argv[1:]])
    """
    lines = ["gate run --max-issues 0 --format shout", "gate run --max-issues 0 --format shoud", "apply run --drop"]
    done = installed("-c", dedent(program), *lines, "list losses")
    first, planted, gated, *others, codes = done.stdout.splitlines()
    assert (first, planted, gated, codes) == ("0", "1 0 0", "NO! 1", "1 2 0 0"), done.stderr
    assert "did you mean shout?" in done.stderr
    assert "labelscan detect run/corrected.npz" in "\n".join(others)
    assert any(line.startswith("halved ") for line in others)
    assert (tmp_path / "turns.txt").read_text().split() == ["0", "1"]
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (member,) = record["choices"]["opinions"]
    assert member["loss"].startswith("halved:share=0.25")
    assert member["model"] == "one-layer"
    with np.load(tmp_path / "run" / "corrected.npz") as made:
        assert made["ids"].tolist() == [str(row) for row in range(1, 40)], "what is in no file is written whole"
