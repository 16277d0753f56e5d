"""Why two runs on the same data, with the same settings and seed, may give other results.

The same machine gives the same bytes. Elsewhere sums are split among other threads or computed by other instructions:
last digits differ, and after many epochs more than these. What run.json knows of that is compared here.
"""

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


def differences(first: Mapping[str, object], second: Mapping[str, object]) -> tuple[Difference, ...]:
    """Return what differs between two objects of run.json, in the order of their keys."""
    return tuple(
        Difference(name=name, first=first.get(name), second=second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def machine_of(run: FinishedRun) -> dict[str, object]:
    """Return what is known of the machines of a run, several values joined; empty where run.json has none."""
    known = run.record.machines
    names = dict.fromkeys(name for one in known for name in one)
    return {name: _joined([one[name] for one in known if name in one]) for name in names}


def choices_of(run: FinishedRun) -> dict[str, object]:
    """Return what automatic settings became, by ``recipe.batch_size`` and so on, and which decisions counted."""
    named = {f"opinion {number}": one for number, one in enumerate(run.members, start=1)}
    found = dict(_flat(named if len(named) > 1 else named.get("opinion 1", {})))
    decisions = run.record.decisions
    if decisions is None:
        return found
    return {**found, "decisions": f"{decisions.number} ({decisions.fingerprint[:8]})"}


def same_results(pairs: pd.DataFrame) -> bool:
    """Return whether two runs say the same of every example, given their joined scores."""
    return all(pairs[f"{name}_{SIDES[0]}"].equals(pairs[f"{name}_{SIDES[1]}"]) for name in RESULTS)


def explain(
    runs: Sequence[FinishedRun],
    *,
    settings: Sequence[Difference],
    data: Sequence[Difference],
    choices: Sequence[Difference],
    machine: Sequence[Difference],
    versions: Sequence[Difference],
    alike: bool,
) -> str:
    """Return why runs with the same settings on the same data differ, or that nothing explains it.

    Args:
        runs: both.
        settings: how their settings differ.
        data: how their data differs; a name is no difference.
        choices: how what automatic settings became, and the decisions, differ.
        machine: how the machines differ.
        versions: how the versions of packages differ.
        alike: whether the results are the same.

    Returns:
        One sentence; empty where settings or data differ, which explains anything.
    """
    if settings or any(one.name == "fingerprint" for one in data):
        return ""
    elsewhere = {"machine": machine, "packages": versions}
    same = "same data" if all(run.is_of_score for run in runs) else "same settings, data and seed"
    # What only one of them has recorded is no difference: older versions recorded less.
    known = {kind: [one for one in found if None not in (one.first, one.second)] for kind, found in elsewhere.items()}
    what = " and ".join(kind for kind, found in known.items() if found)
    where = "; ".join(map(str, chain(*known.values())))
    if alike:
        return f"{same}, and the same results{f', though the runs differ by the {what}: {where}' if where else ''}"
    if choices:
        return f"{same}: they differ by {'; '.join(map(str, choices))}"
    if where:
        return f"{same}: they differ by the {what}: {where}"
    if not all(map(machine_of, runs)) or len(machine) > len(known["machine"]):
        return f"{same}, and other results: run.json does not say on which machine both were made"
    return f"{same} on the same machine, and yet other results: nothing that is recorded explains it"


def _joined(values: Sequence[object]) -> object:
    unique = list(dict.fromkeys(values))
    return unique[0] if len(unique) == 1 else ", then ".join(map(str, unique))


def _flat(part: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif name != "model_reason":  # words only
            yield f"{above}{name}", value
