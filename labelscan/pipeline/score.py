"""Only the detectors, on out-of-fold probabilities made elsewhere."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelscan.arrays import as_array, as_strings
from labelscan.config import LEADING_DETECTOR
from labelscan.correction.review import GivenDecisions, Review, read_review
from labelscan.data.prob_files import read_probabilities
from labelscan.data.probabilities import Probabilities, probabilities_from_arrays
from labelscan.detection.detectors import needs_threshold_runs
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError
from labelscan.events import Listener, Noted, StepDone, StepStarted, ignore
from labelscan.pipeline.judge import judge_and_write
from labelscan.results.finished_run import Run
from labelscan.results.issues import SCORED
from labelscan.results.run_files import DEFAULT_PARENT
from labelscan.results.run_folder import RunFolder, describe, open_run

COMMAND = "score"
"""The command as run.json has it: neither ``score`` nor ``detect`` resumes a run of the other."""


def score(
    probs: str | Path | ArrayLike,
    given_labels: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    example_ids: Sequence[str] | None = None,
    true_labels: ArrayLike | None = None,
    detector: str | None = None,
    label_column: str = "",
    output: Path | str | None = None,
    fresh: bool = False,
    decisions: GivenDecisions | None = None,
    notify: Listener = ignore,
) -> Run:
    """Judge labels by out-of-fold probabilities made elsewhere, and leave a run folder.

    Args:
        probs: a file as ``labelscan score`` reads it, or (N, K) probabilities: an array, lists, a torch tensor.
        given_labels: (N,) class indices, or class names as text. It and the next three go with probabilities in
            memory only.
        class_names: K names in the order of the columns.
        example_ids: N ids, each once; the order of rows then makes no difference.
        true_labels: (N,) labels known to be right, in the form of ``given_labels``.
        detector: which detector's flags and ranking lead.
        label_column: the column or array of given labels in a file.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        fresh: whether an earlier run in the folder is deleted.
        decisions: as in ``detect``.
        notify: receives the steps, and notes on how the data was read.

    Raises:
        UsageError: probabilities or labels that cannot be judged, with the row, or a folder of another run.
    """
    detector = detector or LEADING_DETECTOR
    if needs_threshold_runs(detector):  # refused here, as an unknown name is, before the file is read
        raise ConfigError(
            f"{detector} needs trainings of its own, and probabilities are nothing to train on",
            where="detector",
            hint="use confident-learning or noise-posterior, or labelscan detect on the data itself",
        )
    review = None if decisions is None else read_review(decisions)
    started = monotonic()
    notify(StepStarted("read"))
    beside = {"given_labels": given_labels, "class_names": class_names}
    beside |= {"example_ids": example_ids, "true_labels": true_labels}
    probabilities = _read(probs, label_column, beside)
    notify(StepDone("read", monotonic() - started))
    for note in probabilities.dataset.notes:
        notify(Noted(note))
    fingerprint = probabilities.fingerprint()
    with open_run(
        Path(output or DEFAULT_PARENT / f"{probabilities.dataset.name}-{fingerprint[:8]}"),
        settings={"detection": {"detector": detector}},
        # The detector is left out: it judges in seconds, so a run is resumed with another one.
        results_depend_on={"command": COMMAND},
        data=describe(probabilities.dataset, fingerprint),
        fresh=fresh,
    ) as run:
        file = str(Path(probs).expanduser().absolute()) if isinstance(probs, str | Path) else ""
        # ``labelscan apply`` reads the labels again from there.
        run.record(command=COMMAND, source={"file": file, "label_column": label_column})
        return _judge(probabilities, detector, run, review, notify)


def _read(probs: str | Path | ArrayLike, label_column: str, beside: Mapping[str, ArrayLike | None]) -> Probabilities:
    """Return the probabilities in a file, or those in memory with the labels and names given ``beside`` them."""
    if isinstance(probs, str | Path):
        _refuse(beside, "goes with probabilities in memory only", "leave it out: the file holds it")
        return read_probabilities(Path(probs), label_column=label_column)
    _refuse({"label_column": label_column or None}, "goes with a file only", "leave it out")
    if beside["given_labels"] is None:
        problem, hint = "probabilities in memory need labels", "score(probs, given_labels)"
        raise ConfigError(problem, where="given_labels", hint=hint)
    arrays: dict[str, Any] = {name: None if values is None else _array(values) for name, values in beside.items()}
    return probabilities_from_arrays(_array(probs), **arrays)


def _refuse(given: Mapping[str, object], problem: str, hint: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError(problem, where=name, hint=hint)


def _array(values: ArrayLike) -> NDArray[Any]:
    with suppress(TypeError, ValueError):  # what is not an array is refused by name where it is read
        return as_array(values)
    return cast(NDArray[Any], values)


def _judge(probabilities: Probabilities, detector: str, run: RunFolder, review: Review | None, notify: Listener) -> Run:
    started, dataset = monotonic(), probabilities.dataset
    notify(StepStarted("detection"))
    evidence = Evidence(
        pred_probs=probabilities.pred_probs,
        given_labels=dataset.given_labels,
        class_names=dataset.class_names,
        example_ids=dataset.example_ids,
        index=np.arange(len(dataset), dtype=np.int64),
        fold_names=as_strings([""] * len(dataset)),
    )
    status = as_strings([SCORED] * len(dataset))
    dataset.write(run.path / "examples.csv", status)
    result, _ = judge_and_write(dataset, evidence, status, detector, run, review=review, notify=notify)
    notify(StepDone("detection", monotonic() - started))
    return result
