"""The detectors alone, on out-of-fold probabilities made elsewhere: the line from evidence to reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import as_strings
from labelscan.config import LEADING_DETECTOR
from labelscan.data.probabilities import Probabilities, probabilities_from_arrays, read_probabilities
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError
from labelscan.events import Listener, Noted, StepDone, StepStarted, ignore
from labelscan.results.finished_run import Run
from labelscan.results.issues import SCORED
from labelscan.results.run_files import DEFAULT_PARENT
from labelscan.results.run_folder import open_run
from labelscan.results.write_results import judge

COMMAND = "score"
"""What run.json says made the run; a run of ``detect`` is never taken up by it, nor the other way round."""


def score(
    probs: str | Path | Sequence[Sequence[float]] | NDArray[Any],
    given_labels: Sequence[int] | Sequence[str] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    example_ids: Sequence[str] | None = None,
    true_labels: Sequence[int] | Sequence[str] | NDArray[Any] | None = None,
    detector: str = LEADING_DETECTOR,
    label_column: str = "",
    output: Path | None = None,
    fresh: bool = False,
    notify: Listener = ignore,
) -> Run:
    """Judge labels by probabilities that were made elsewhere, and write the run folder.

    Args:
        probs: a file as ``read_probabilities`` takes it, or (N, K) probabilities.
        given_labels: (N,) places in ``class_names``, or names; with probabilities in memory only, as are the next
            three.
        class_names: K names in the order of the columns.
        example_ids: N ids, each once.
        true_labels: (N,) labels known to be right, as ``given_labels``.
        detector: which detector's flags and ranking lead.
        label_column: the column or array of given labels in a file.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        fresh: whether an earlier run in the folder is deleted.
        notify: told of the steps, and of how the data was read.

    Raises:
        UsageError: probabilities or labels that no detector may judge, with the row, or a folder of another run.
    """
    if needs_threshold_runs(detector):  # told now, as a wrong name is, not after the file is read
        raise ConfigError(
            f"{detector} judges by trainings of its own, and probabilities are nothing to train on",
            where="detector",
            hint="use confident-learning or noise-posterior, or labelscan detect on the data itself",
        )
    started = monotonic()
    notify(StepStarted("read"))
    if isinstance(probs, (str, Path)):
        beside: dict[str, object] = {"given_labels": given_labels, "class_names": class_names}
        beside |= {"example_ids": example_ids, "true_labels": true_labels}
        _refuse(beside, "goes with probabilities in memory only", "leave it out: the file holds it")
        probabilities = read_probabilities(Path(probs), label_column=label_column)
    else:
        _refuse({"label_column": label_column or None}, "goes with a file only", "leave it out")
        if given_labels is None:
            raise ConfigError(
                "probabilities in memory need labels", where="given_labels", hint="score(probs, given_labels)"
            )
        probabilities = probabilities_from_arrays(
            probs, given_labels, class_names=class_names, example_ids=example_ids, true_labels=true_labels
        )
    notify(StepDone("read", monotonic() - started))
    for note in probabilities.dataset.notes:
        notify(Noted(note))
    source = {"file": str(Path(probs).expanduser().absolute()) if isinstance(probs, (str, Path)) else ""}
    source["label_column"] = label_column
    return _judge(probabilities, detector, output, fresh, notify, source=source)


def _refuse(given: Mapping[str, object], problem: str, hint: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError(problem, where=name, hint=hint)


def _judge(
    probabilities: Probabilities,
    detector: str,
    output: Path | None,
    fresh: bool,
    notify: Listener,
    *,
    source: Mapping[str, str],
) -> Run:
    dataset, n_examples = probabilities.dataset, len(probabilities.dataset)
    fingerprint = probabilities.fingerprint()
    with open_run(
        output or DEFAULT_PARENT / f"{dataset.name}-{fingerprint[:8]}",
        settings={"detection": {"detector": detector}},
        # Not the detector: it judges in seconds, so another one takes up the same run.
        results_depend_on={"command": COMMAND},
        data={"fingerprint": fingerprint, "examples": n_examples, "classes": len(dataset.class_names)},
        fresh=fresh,
    ) as run:
        started = monotonic()
        notify(StepStarted("detection"))
        run.record(command=COMMAND, source=source)  # where ``labelscan apply`` finds the labels again
        evidence = Evidence(
            pred_probs=probabilities.pred_probs,
            given_labels=dataset.given_labels,
            class_names=dataset.class_names,
            example_ids=dataset.example_ids,
            index=np.arange(n_examples, dtype=np.int64),
            fold_names=as_strings([""] * n_examples),
        )
        status = as_strings([SCORED] * n_examples)
        dataset.write(run.path / "examples.csv", status)
        result, _ = judge(dataset, evidence, status, detector, run)
        notify(StepDone("detection", monotonic() - started))
        return result
