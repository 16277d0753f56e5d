"""What was run, as pairs of a label and a text, for those who want to check or repeat a result."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from labelscan.config import RUN_JSON_SETTINGS
from labelscan.results.run import FinishedRun, member_facts
from labelscan.runs.files import DIRECTORY, RUN_FILE, part_of
from labelscan.wording.words import duration

SHOWN_DIGITS = 8
"""Digits of a fingerprint, as in the names of run folders."""


def make_run_facts(run: FinishedRun) -> tuple[tuple[str, str], ...]:
    """Return (label, text) of data, model, training, detector, device, versions, times and command, where known."""
    return tuple((label, text) for label, text in _facts(run) if text)


def _facts(run: FinishedRun) -> Iterator[tuple[str, str]]:
    settings, choices = run.recorded(RUN_JSON_SETTINGS), run.recorded("choices")
    yield "data", _data(run, settings)
    if not run.is_of_score:
        yield from member_facts(map(_model, run.members)).items()
        yield "loss", "; ".join(dict.fromkeys(str(one.get("loss") or "that of the classifier") for one in run.members))
        yield from _training(settings, run.members)
    yield "weights", ", ".join(f"{name} {weight:.2f}" for name, weight in run.recorded("opinion_weights").items())
    yield "detector", str(run.summary.get("detector", ""))
    yield "device", _device(choices, run.members)
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


def _model(member: Mapping[str, object]) -> str:
    name, reason = member.get("model", ""), member.get("model_reason")
    frozen = ", its features computed once" if member.get("frozen") else ""
    return f"{name}{frozen}" + (f" ({reason})" if reason else "")


def _training(settings: Mapping[str, object], members: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    folds, recipes = part_of(settings, "folds"), [part_of(one, "recipe") for one in members]
    repeats = folds.get("repeats", 1)
    yield "folds", f"{folds.get('n_folds')}" + (f", done {repeats} times" if repeats != 1 else "")
    words = (("epochs", "epochs"), ("batch_size", "batch size"), ("learning_rate", "learning rate"))
    trained = [", ".join(f"{word} {recipe[key]:g}" for key, word in words if key in recipe) for recipe in recipes]
    yield "training", "; ".join(dict.fromkeys(filter(None, trained)))
    yield "seed", str(settings.get("seed", ""))


def _device(choices: Mapping[str, object], members: Sequence[Mapping[str, object]]) -> str:
    device = part_of(choices, "device")
    precisions = dict.fromkeys(str(one.get("precision", device.get("dtype_name"))) for one in members)
    return f"{device.get('name')}, {' and '.join(precisions)}" if device else ""
