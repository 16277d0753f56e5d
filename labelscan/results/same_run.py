"""Whether a run that is there may be resumed: only with the settings and the data that it was begun with."""

import json
from collections.abc import Mapping
from pathlib import Path

from labelscan.config import settings
from labelscan.errors import RunFolderError
from labelscan.results.run_files import FORMAT_VERSION, RUN_FILE, read_versioned

ELSEWHERE = "choose another place with -o"
FRESH = "start over with --fresh"


def check_same(folder: Path, results_depend_on: Mapping[str, object], data: Mapping[str, object]) -> None:
    """Raise RunFolderError, with what differs, unless the run in ``folder`` was begun with just these."""
    before = read_versioned(folder / RUN_FILE, FORMAT_VERSION, hint=FRESH)
    settings_before, data_before = _part(before, "results_depend_on", folder), _part(before, "data", folder)
    now = json.loads(json.dumps(dict(results_depend_on)))
    if settings_before.get("command") != now.get("command"):
        raise RunFolderError("this is a run of another command", where=str(folder), hint=ELSEWHERE)
    changed = [
        f"{key} was {readable(key, settings_before.get(key))} and is {readable(key, now.get(key))}"
        for key in sorted({*now, *settings_before})
        if now.get(key) != settings_before.get(key)
    ]
    if changed:
        problem = f"this run has other settings: {'; '.join(changed)}"
        raise RunFolderError(problem, where=str(folder), hint=f"{ELSEWHERE}, or {FRESH}")
    if data_before.get("fingerprint") != data.get("fingerprint"):
        differs = [
            f"{key} was {data_before.get(key)} and is {value}"
            for key, value in data.items()
            if key != "fingerprint" and data_before.get(key) != value
        ]
        what = "; ".join(differs) or "other ids, labels or contents"
        problem = f"the data has changed since this run: {what}"
        raise RunFolderError(problem, where=str(folder), hint=f"{ELSEWHERE}, or {FRESH}")


def readable(key: str, value: object) -> str:
    """Return a setting as a message shows it: some numbers stand for what the model wants."""
    declared = settings().get(key)
    return "automatic" if declared and declared.is_automatic and value in (0, -1) else repr(value)


def _part(record: Mapping[str, object], name: str, folder: Path) -> Mapping[str, object]:
    part = record.get(name)
    if not isinstance(part, Mapping):
        raise RunFolderError(f"cannot be read (no {name})", where=str(folder / RUN_FILE), hint=FRESH)
    return part
