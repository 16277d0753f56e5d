"""What was run, as pairs of a label and a text, for those who want to check or repeat a result."""

import shlex
from collections.abc import Iterator, Mapping

from labelscan.config import RUN_JSON_SETTINGS
from labelscan.results.finished_run import FinishedRun, part_of
from labelscan.results.run_files import DIRECTORY, RUN_FILE
from labelscan.wording import duration

SHOWN_DIGITS = 8
"""Digits of a fingerprint, as in the names of run folders."""


def make_run_facts(run: FinishedRun) -> tuple[tuple[str, str], ...]:
    """Return (label, text) of data, model, training, detector, device, versions, times and command, where known."""
    return tuple((label, text) for label, text in _facts(run) if text)


def _facts(run: FinishedRun) -> Iterator[tuple[str, str]]:
    settings, choices = run.recorded(RUN_JSON_SETTINGS), run.recorded("choices")
    yield "data", _data(run, settings)
    if not run.is_of_score:
        yield "model", _model(choices)
        yield "loss", str(choices.get("loss") or "that of the classifier")
        yield from _training(settings, choices)
    yield "detector", str(run.summary.get("detector", ""))
    yield "device", _device(choices)
    yield "versions", ", ".join(f"{name} {version}" for name, version in run.recorded("versions").items())
    yield "started", str(run.record.get("started", ""))[:19].replace("T", " ")
    total = run.recorded("timings").get("total")
    yield "took", duration(total) if isinstance(total, int | float) else ""
    yield "in folder", str(run.record.get(DIRECTORY, ""))
    yield "run", str(run.folder)
    if part_of(settings, "dataset").get("data"):
        yield "again", f"labelscan detect --config {shlex.quote(str(run.folder / RUN_FILE))}"


def _data(run: FinishedRun, settings: Mapping[str, object]) -> str:
    counts = run.recorded("data")
    name = part_of(settings, "dataset").get("data") or run.summary.get("data", "")
    fingerprint = str(counts.get("fingerprint", ""))[:SHOWN_DIGITS]
    return f"{name}: {counts.get('examples'):,} examples, {counts.get('classes'):,} classes, fingerprint {fingerprint}"


def _model(choices: Mapping[str, object]) -> str:
    name, reason = choices.get("model", ""), choices.get("model_reason")
    frozen = ", its features computed once" if choices.get("frozen") else ""
    return f"{name}{frozen}" + (f" ({reason})" if reason else "")


def _training(settings: Mapping[str, object], choices: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    folds, recipe = part_of(settings, "folds"), part_of(choices, "recipe")
    repeats = folds.get("repeats", 1)
    yield "folds", f"{folds.get('n_folds')}" + (f", done {repeats} times" if repeats != 1 else "")
    if recipe:
        words = (("epochs", "epochs"), ("batch_size", "batch size"), ("learning_rate", "learning rate"))
        yield "training", ", ".join(f"{word} {recipe[key]:g}" for key, word in words if key in recipe)
    yield "seed", str(settings.get("seed", ""))


def _device(choices: Mapping[str, object]) -> str:
    device = part_of(choices, "device")
    return f"{device.get('name')}, {device.get('dtype_name')}" if device else ""
