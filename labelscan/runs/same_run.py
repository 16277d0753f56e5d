"""Whether an existing run may be resumed: only with the settings and the data that it was begun with."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labelscan.config import settings
from labelscan.errors import RunFolderError
from labelscan.runs.files import DECISIONS_FILE, RUN_FILE, has_trained
from labelscan.runs.record import Described, RunRecord

ELSEWHERE = "choose another place with -o"
ELSEWHERE_OR_FRESH = f"keep this run and {ELSEWHERE}, or delete it and start over with --fresh"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a run is begun with and known again by, as run.json says it."""

    settings: Mapping[str, object]
    """All of them; those that results do not depend on may differ when it is resumed."""
    results_depend_on: Mapping[str, object]
    """The settings that decide the results, by ``section.name``, and the command."""
    data: Described
    for_gate: bool = False
    """Whether it only serves a verdict, and replaces that of a gate on data as it was before."""


def why_start_over(folder: Path, identity: Identity, *, also_owns: Sequence[str] = ()) -> str:
    """Return why the run in ``folder`` must start over, empty where it was begun as this one and can be resumed.

    A run that has trained nothing starts over whatever differs, and one for a gate where only the data does.

    Raises:
        RunFolderError: something differs, and starting over would lose what somebody may want to keep.
    """
    before = RunRecord.read(folder)
    if before.command != identity.results_depend_on.get("command"):
        raise RunFolderError("other-run", "this is a run of another command", where=str(folder), hint=ELSEWHERE)
    problem, hint, may_start_over = "", ELSEWHERE_OR_FRESH, not has_trained(folder, also_owns)
    if changed := changes(before.results_depend_on, identity.results_depend_on, show=readable):
        problem = f"this run has other settings: {'; '.join(sorted(changed))}"
        hint = f"take those of this run by --config {folder / RUN_FILE}; or {ELSEWHERE_OR_FRESH}"
    elif before.data.fingerprint != identity.data.fingerprint:
        size_before, size = (asdict(replace(data, fingerprint="")) for data in (before.data, identity.data))
        what = "; ".join(changes(size_before, size)) or "other ids, labels or contents"
        problem = f"the data has changed since this run: {what}"
        may_start_over |= identity.for_gate and may_be_replaced(folder, before)
    if problem and not may_start_over:
        raise RunFolderError("other-run", problem, where=str(folder), hint=hint)
    return problem


def may_be_replaced(folder: Path, record: RunRecord | None) -> bool:
    """Return whether a run was made for a gate alone, and nobody has reviewed it since."""
    return record is not None and record.for_gate and not (folder / DECISIONS_FILE).exists()


def changes(
    before: Mapping[str, object],
    now: Mapping[str, object],
    show: Callable[[str, object], object] = lambda _, value: value,
) -> list[str]:
    """Return in words what differs between an object in run.json and the same now."""
    now = json.loads(json.dumps(dict(now)))  # run.json has no tuples
    return [
        f"{key} was {show(key, before.get(key))} and is {show(key, now.get(key))}"
        for key in dict.fromkeys([*now, *before])
        if now.get(key) != before.get(key)
    ]


def readable(key: str, value: object) -> str:
    """Return a setting as a message shows it: some numbers stand for what the model wants."""
    declared = settings().get(key)
    return "automatic" if declared and declared.is_automatic and value in (0, -1) else repr(value)
