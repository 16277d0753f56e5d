"""Why two runs on the same data, with the same settings and seed, may give other results.

The same machine gives the same bytes. Elsewhere sums are split among other threads or computed by other instructions:
last digits differ, and after many epochs more than these. What run.json knows of that is compared here.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from labelscan.comparison.pairing import SIDES
from labelscan.results.run import FinishedRun

RESULTS = ("given_label", "suggested_label", "flagged", "status", "label_quality", "error_probability")
"""The columns by which results are the same or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A recorded value that differs between the runs; None where a run does not have it."""

    name: str
    first: object
    second: object

    def __str__(self) -> str:
        return f"{self.name} {self.first} and {self.second}"


def all_differences(runs: Sequence[FinishedRun]) -> dict[str, tuple[Difference, ...]]:
    """Return how two runs differ: ``settings``, ``data``, ``choices``, ``versions`` and ``machine``."""
    facts: dict[str, Sequence[Mapping[str, object]]] = {
        "settings": _settings(runs),
        "data": [{"name": run.summary.data, **dataclasses.asdict(run.record.data)} for run in runs],
        "choices": [_choices(run) for run in runs],
        "versions": [run.record.versions for run in runs],
        "machine": [_machine(run) for run in runs],
    }
    return {
        kind: tuple(
            Difference(name=name, first=first.get(name), second=second.get(name))
            for name in dict.fromkeys([*first, *second])
            if first.get(name) != second.get(name)
        )
        for kind, (first, second) in facts.items()
    }


def same_results(pairs: pd.DataFrame) -> bool:
    """Return whether two runs say the same of every example, given their joined scores."""
    return all(pairs[f"{name}_{SIDES[0]}"].equals(pairs[f"{name}_{SIDES[1]}"]) for name in RESULTS)


def explain(runs: Sequence[FinishedRun], differ: Mapping[str, Sequence[Difference]], *, alike: bool) -> str:
    """Return why runs with the same settings on the same data differ, or that nothing explains it.

    Args:
        runs: both.
        differ: from ``all_differences``; another name of the data is none that matters.
        alike: whether the results are the same.

    Returns:
        One sentence; empty where settings or data differ, which explains anything.
    """
    if differ["settings"] or any(one.name == "fingerprint" for one in differ["data"]):
        return ""
    elsewhere = {"machine": differ["machine"], "packages": differ["versions"]}
    same = "same data" if all(run.is_of_score for run in runs) else "same settings, data and seed"
    # What only one of them has recorded is no difference: older versions recorded less.
    known = {kind: [one for one in found if None not in (one.first, one.second)] for kind, found in elsewhere.items()}
    what = " and ".join(kind for kind, found in known.items() if found)
    where = "; ".join(map(str, chain(*known.values())))
    if alike:
        return f"{same}, and the same results{f', though the runs differ by the {what}: {where}' if where else ''}"
    if differ["choices"]:
        return f"{same}: they differ by {'; '.join(map(str, differ['choices']))}"
    if where:
        return f"{same}: they differ by the {what}: {where}"
    if not all(any(run.record.machines) for run in runs) or len(differ["machine"]) > len(known["machine"]):
        return f"{same}, and other results: run.json does not say on which machine both were made"
    return f"{same} on the same machine, and yet other results: nothing that is recorded explains it"


def _settings(runs: Sequence[FinishedRun]) -> list[dict[str, object]]:
    """Return the settings that decide results; between commands, only those that both have."""
    depends = [run.record.results_depend_on for run in runs]
    if len({each.get("command") for each in depends}) > 1:
        common = depends[0].keys() & depends[1].keys()
        depends = [{name: value for name, value in each.items() if name in common} for each in depends]
    return [{**each, "detection.detector": run.summary.detector} for each, run in zip(depends, runs, strict=True)]


def _machine(run: FinishedRun) -> dict[str, object]:
    """Return what is known of the machines of a run, several values joined; empty where run.json has none."""
    values: dict[str, list[object]] = {}
    for name, value in chain.from_iterable(one.items() for one in run.record.machines):
        values.setdefault(name, []).append(value)
    unique = {name: list(dict.fromkeys(found)) for name, found in values.items()}
    return {name: found[0] if len(found) == 1 else ", then ".join(map(str, found)) for name, found in unique.items()}


def _choices(run: FinishedRun) -> dict[str, object]:
    """Return what automatic settings became, by ``recipe.batch_size`` and so on, and which decisions counted."""
    named = {f"opinion {number}": one for number, one in enumerate(run.members, start=1)}
    found = dict(_flat(named if len(named) > 1 else named.get("opinion 1", {})))
    if (decisions := run.record.decisions) is not None:
        found["decisions"] = f"{decisions.number} ({decisions.fingerprint[:8]})"
    return found


def _flat(part: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif name != "model_reason":  # words only
            yield f"{above}{name}", value
