"""The files of a run: their names, which of them labelscan may delete, and how the JSON among them is read.

Who writes them:

=====================================================  ================================================================
run.json, log.jsonl, run.lock                          ``runs.folder`` and ``runs.opening``, in the driver
examples.csv, folds.csv                                ``pipeline.train_and_judge``
fold-0-0/ and so on: log.jsonl, checkpoint.pt          ``jobs.state``, for a job while it runs, on any machine
fold-0-0/ and so on: output.npz, then DONE             ``jobs.outputs``, in the driver, or in ``--only`` and Slurm tasks
store/: images.npy, features.npy, rows, with           ``pipeline.image_inputs`` and ``pipeline.inputs``; ``RunFolder``
their checksums, locks and lists of digests            deletes the rows when the run is finished
evidence.npz                                           ``pipeline.evidence_of_folds``; ``pipeline.score`` of a score run
issues.csv, scores.csv, summary.json, log_odds.npz,    ``pipeline.judge``
measure.csv, remembered.json
self-check/, slurm/                                    ``pipeline.self_check``, ``pipeline.slurm``
report.html and other forms, decisions.csv             ``reporting``, after the run
=====================================================  ================================================================
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

import msgspec

from labelscan.errors import RunFolderError
from labelscan.files.atomic import sweep
from labelscan.files.checksums import SUFFIX as CHECKSUM_SUFFIX
from labelscan.files.reading import CANNOT_READ, parsed, read_text, why
from labelscan.jobs.files import CACHE, CHECKPOINT_FILE, LOG_FILE, PART, STORE

T = TypeVar("T")

FORMAT_VERSION = 1
"""Version of run.json and of everything else in the folder; a folder of another version is refused."""
FRESH = "start over with --fresh"
DEFAULT_PARENT = Path("labelscan-runs")
RUN_FILE = "run.json"
LOCK_FILE = "run.lock"
"""The file that the driver of a run has locked while it works."""
DECISIONS_FILE = "decisions.csv"
"""What a reviewer decided; a person's work, which neither a run nor ``--fresh`` touches."""
REMEMBERED_FILE = "remembered.json"
"""What was known of the labels before the run, where they are a corrected copy."""
LOG_ODDS_FILE = "log_odds.npz"
MEASURE_FILE = "measure.csv"
"""Log-odds of all labels, and a sample to decide on: from both, decisions tell how many labels are wrong."""
SLURM = "slurm"
"""The folder of what the jobs of a run on Slurm say."""
SELF_CHECK = "self-check"
"""The folder of the second run, with planted errors, inside that of the first."""
OWN_FILES = {
    "issues.csv": "what the leading detector flags, most likely wrong first",
    "scores.csv": "every example: what other detectors flag, and those without a score, with the reason",
    "summary.json": "counts, estimated wrong labels, noise matrix, health of each class, confused pairs, warnings",
    "report.html": "the page to review suspects on, after `labelscan report`",
    "report.md": "the same in Markdown, without pictures and with 50 suspects at most, where it was asked for",
    "label-studio.json": "suspects as tasks for Label Studio, where they were asked for",
    "label-studio.interface.xml": "its labelling interface, for the setup of a project",
    RUN_FILE: "resolved settings (`--config` takes it), versions, machines, fingerprint of the data, timings",
    "examples.csv": "what was read: id, path, given label, group, split, status",
    "folds.csv": "which fold held out which example",
    "evidence.npz": "out-of-fold probabilities, of several models their pool and those of each; apart from them, what "
    "training said of its own examples, and whether the models saw columns of a table. `example_ids` are UTF-8, each "
    "up to its `example_ids_end`",
    LOG_ODDS_FILE: "`error_log_odds` (N,) that each label is wrong, float32, in the order of evidence.npz, and what "
    "the page of a report needs beside them",
    MEASURE_FILE: "a sample of up to 200 labels to decide in its order, by which to measure how many are wrong",
    REMEMBERED_FILE: "of a corrected copy: which labels were decided before, and how many wrong ones are left by it",
    LOG_FILE: "what happened, one event a line",
    LOCK_FILE: "is locked by the process that writes the run, while it does",
}
"""What a run writes and ``--fresh`` deletes, with its content."""
OWN_FOLDERS = {
    "fold-*-*": "one folder a repeat and fold: its log, until it is done a checkpoint, and until evidence.npz has them "
    "its probabilities and measurements. Those of further models end in `-opinion-2` and so on",
    "aum-*": "the trainings with an extra class, with `--detector aum` only",
    SELF_CHECK: "the second run, with planted errors, of a run with `--self-check`",
    SLURM: "with `--executor slurm`, the logs of its tasks",
    STORE: "features of images, and decoded ones where models are trained on pixels; when the run is finished, only "
    "the list of their digests",
}
"""The same for folders, as patterns."""
MADE_OF_A_RUN = ("report.html", "report.md", "label-studio.json", "label-studio.interface.xml")
"""Those of the files that other commands than the one that made the run write."""
BEFORE_TRAINING = (RUN_FILE, LOG_FILE, LOCK_FILE, "examples.csv", "folds.csv", STORE, SLURM)
"""Those of them that a run has written before it trains anything."""


def is_own_file(path: Path) -> bool:
    """Return whether a file is one that a run writes into its folder."""
    path = path.resolve()
    return path.name in OWN_FILES and (path.parent / RUN_FILE).is_file()


def is_uploaded(name: str) -> bool:
    """Return whether a file, by its path in a run, goes into the bucket of the run.

    Rows of images, the blocks that they are put together from, checkpoints, and what serves one machine alone do not;
    nor does any path that leads out of the run.
    """
    top, *inside = name.split("/")
    if {"", ".", "..", CACHE} & {top, *inside} or "\\" in name:
        return False
    if name.endswith((".partial", ".npy", ".arrow", ".lock", CHECKPOINT_FILE, CHECKSUM_SUFFIX)):
        return False
    if not inside:
        return top in OWN_FILES and top not in MADE_OF_A_RUN
    if top == SLURM or (top == STORE and PART in inside[0]):
        return False
    return any(fnmatchcase(top, pattern) for pattern in OWN_FOLDERS)


def foreign_files(folder: Path, also_owns: Sequence[str]) -> list[str]:
    """Return the names of files in a folder, sorted, that no run leaves there, even if killed at its very start."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.name != DECISIONS_FILE)
    return [name for name in names if not _is_own(name, also_owns) and not name.endswith(".partial")]


def clear(folder: Path, also_owns: Sequence[str]) -> None:
    """Delete what runs write, and nothing else.

    run.json goes last: where this is cut off, the next command sees that the rest is of another run.
    """
    for entry in sorted(_own_entries(folder, also_owns), key=lambda entry: entry.name == RUN_FILE):
        if not entry.is_dir():
            if entry.name != LOCK_FILE:  # which this process has locked
                entry.unlink(missing_ok=True)
        elif not entry.is_symlink():
            shutil.rmtree(entry)


def has_trained(folder: Path, also_owns: Sequence[str]) -> bool:
    """Return whether a run has left anything that took training; not so where it failed before that."""
    for entry in _own_entries(folder, also_owns):
        if entry.name in BEFORE_TRAINING:
            continue
        if not entry.is_dir():
            return True
        with suppress(FileNotFoundError):  # another process deletes it
            if any(inside.name != LOG_FILE and inside.suffix != ".partial" for inside in entry.iterdir()):
                return True
    return False


def sweep_run(folder: Path, also_owns: Sequence[str]) -> None:
    """Delete what killed processes have left half-written in a run, in the folders of its steps too."""
    sweep(folder)
    for entry in _own_entries(folder, also_owns):
        for inside, _, _ in _walk(entry):
            sweep(Path(inside))


def refuse_links_out(folder: Path, also_owns: Sequence[str] = ()) -> None:
    """Raise RunFolderError where a link leads out of a run folder from a place that a run may write to."""
    entries = _own_entries(folder, also_owns)
    written = [folder / DECISIONS_FILE, *folder.glob(".*.partial"), *entries]
    for entry in entries:
        written += [Path(inside, name) for inside, folders, files in _walk(entry) for name in (*folders, *files)]
    refuse_outside_links(folder, written)


def refuse_outside_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise RunFolderError where one of ``paths`` in a run folder is a link to a place outside it.

    A run folder may come from anyone, such as in an archive, and a run that writes through such a link would replace a
    file elsewhere. The folder itself may be a link, as may files that a user names.
    """
    top = os.path.realpath(folder)
    for path in paths:
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(top):
            raise RunFolderError(
                "link-outside",
                f"this link leads out of the run folder, to {path.readlink()}",
                where=str(path),
                hint="put there what it leads to; only the run folder as a whole may be a link",
            )


def read_versioned(path: Path, kind: type[T], format_version: int, *, extra: bool) -> T:
    """Return the content of run.json or summary.json, as a dataclass; ``extra`` keys are left out or refused.

    Raises:
        RunFolderError: it cannot be read, is damaged, or another version of labelscan wrote it.
    """
    try:
        content = parsed(msgspec.json.decode, read_text(path))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}, not an object")
    except CANNOT_READ as error:
        raise RunFolderError("unreadable", f"cannot be read ({why(error)})", where=str(path), hint=FRESH) from error
    version = content.get("format_version")
    if version != format_version:
        raise RunFolderError(
            "other-version",
            f"made by another version of labelscan (format {version}, this one is {format_version})",
            where=str(path),
            hint=f"{FRESH}, or use the version that made it",
        )
    try:
        found = msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise RunFolderError("damaged", f"damaged: {why(error)}", where=str(path), hint=FRESH) from error
    if not extra and (unknown := next(_unknown(content, as_json(found)), None)):
        raise RunFolderError(
            "other-version", f"`{unknown}` is not known to this version of labelscan", where=str(path), hint=FRESH
        )
    return found


def as_json(value: object) -> dict[str, object]:
    """Return the content of a dataclass as ``json`` can write it."""
    content: dict[str, object] = msgspec.to_builtins(value)
    return content


def _unknown(content: object, known: object, path: str = "$") -> Iterator[str]:
    """Yield the keys of ``content`` that are lost where ``known`` is written in its place."""
    if isinstance(content, dict) and isinstance(known, dict):
        for name, value in content.items():
            yield from _unknown(value, known[name], f"{path}.{name}") if name in known else [f"{path}.{name}"]


def _own_entries(folder: Path, also_owns: Sequence[str]) -> list[Path]:
    # Not by glob, which does not see a link that leads nowhere.
    return [entry for entry in folder.iterdir() if _is_own(entry.name, also_owns)]


def _is_own(name: str, also_owns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in (*OWN_FILES, *OWN_FOLDERS, *also_owns))


def _walk(entry: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk a folder and those below it, but for links; other processes may delete some of it meanwhile."""
    return iter(()) if entry.is_symlink() else os.walk(entry)
