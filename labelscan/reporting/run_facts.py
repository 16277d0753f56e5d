"""What was run, as pairs of a label and a text, for those who want to check or repeat a result."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping

from labelscan.results.run import FinishedRun, member_facts
from labelscan.runs.files import RUN_FILE
from labelscan.runs.record import RunRecord
from labelscan.wording.words import duration

SHOWN_DIGITS = 8
"""Digits of a fingerprint, as in the names of run folders."""


def make_run_facts(run: FinishedRun) -> tuple[tuple[str, str], ...]:
    """Return (label, text) of data, model, training, detector, device, versions, times and command, where known."""
    return tuple((label, text) for label, text in _facts(run) if text)


def _facts(run: FinishedRun) -> Iterator[tuple[str, str]]:
    record, data = run.record, run.record.data
    given = record.section("dataset").get("data")
    size = f"{data.examples:,} examples, {data.classes:,} classes"
    yield "data", f"{given or run.summary.data}: {size}, fingerprint {data.fingerprint[:SHOWN_DIGITS]}"
    if not run.is_of_score:
        yield from member_facts(map(_model, run.members)).items()
        yield "loss", "; ".join(dict.fromkeys(str(one.get("loss") or "that of the classifier") for one in run.members))
        folds = record.section("folds")
        repeats = folds.get("repeats", 1)
        yield "folds", f"{folds.get('n_folds')}" + (f", done {repeats} times" if repeats != 1 else "")
        settled = [f"epochs of those that had settled: {of_each}"] if (of_each := _epochs_of_settled(record)) else []
        yield "training", "; ".join([*dict.fromkeys(filter(None, map(_recipe, run.members))), *settled])
        yield "seed", str(record.settings.get("seed", ""))
    yield "weights", ", ".join(f"{name} {weight:.2f}" for name, weight in record.opinion_weights.items())
    yield "detector", run.summary.detector
    if device := record.choices.device if record.choices else {}:
        precisions = dict.fromkeys(str(one.get("precision", device.get("dtype_name"))) for one in run.members)
        yield "device", f"{device.get('name')}, {' and '.join(precisions)}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield "started", record.started[:19].replace("T", " ")
    yield "took", duration(record.timings["total"]) if "total" in record.timings else ""
    yield "in folder", record.directory
    yield "run", str(run.folder)
    if given:
        command = ["labelscan", "detect", "--config", str(run.folder / RUN_FILE), "-o", str(run.folder)]
        yield "again", shlex.join(command)


def _model(member: Mapping[str, object]) -> str:
    name, reason = member.get("model", ""), member.get("model_reason")
    frozen = ", its features computed once" if member.get("frozen") else ""
    return f"{name}{frozen}" + (f" ({reason})" if reason else "")


def _epochs_of_settled(record: RunRecord) -> str:
    """Return as in ``6 (5 trainings), 8 (1 training)``."""
    counts = Counter(record.settled.values())
    return ", ".join(f"{epochs} ({n} training{'s' * (n > 1)})" for epochs, n in sorted(counts.items()))


def _recipe(member: Mapping[str, object]) -> str:
    recipe = member.get("recipe")
    words = (("epochs", "epochs"), ("batch_size", "batch size"), ("learning_rate", "learning rate"))
    known = recipe if isinstance(recipe, Mapping) else {}
    return ", ".join(f"{word} {known[key]:g}" for key, word in words if key in known)
