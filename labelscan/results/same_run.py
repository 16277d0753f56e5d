"""Whether an existing run may be resumed: only with the settings and the data that it was begun with."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from labelscan.config import settings
from labelscan.errors import RunFolderError
from labelscan.results.run_files import FORMAT_VERSION, FRESH, RUN_FILE, read_versioned

ELSEWHERE = "choose another place with -o"
ELSEWHERE_OR_FRESH = f"{ELSEWHERE}, or {FRESH}"


def check_same(folder: Path, results_depend_on: Mapping[str, object], data: Mapping[str, object]) -> None:
    """Raise RunFolderError, saying what differs, unless the run in ``folder`` was begun with just these."""
    before = read_versioned(folder / RUN_FILE, FORMAT_VERSION)
    settings_before, data_before = _part(before, "results_depend_on", folder), _part(before, "data", folder)
    if settings_before.get("command") != results_depend_on.get("command"):
        raise RunFolderError("this is a run of another command", where=str(folder), hint=ELSEWHERE)
    problem = ""
    if changed := changes(settings_before, results_depend_on, show=readable):
        problem = f"this run has other settings: {'; '.join(sorted(changed))}"
    elif data_before.get("fingerprint") != data.get("fingerprint"):
        before, now = ({key: part[key] for key in part if key != "fingerprint"} for part in (data_before, data))
        what = "; ".join(changes(before, now)) or "other ids, labels or contents"
        problem = f"the data has changed since this run: {what}"
    if problem:
        raise RunFolderError(problem, where=str(folder), hint=ELSEWHERE_OR_FRESH)


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


def _part(record: Mapping[str, object], name: str, folder: Path) -> Mapping[str, object]:
    part = record.get(name)
    if not isinstance(part, Mapping):
        raise RunFolderError(f"cannot be read (no {name})", where=str(folder / RUN_FILE), hint=FRESH)
    return part
