"""The files of a run: their names, which of them labelscan may delete, and how the JSON among them is read."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

from labelscan.errors import RunFolderError
from labelscan.files.atomic import read_json, sweep
from labelscan.files.checksums import SUFFIX as CHECKSUM_SUFFIX
from labelscan.files.checksums import checksum_of
from labelscan.files.reading import CANNOT_READ, why
from labelscan.jobs.files import CACHE, CHECKPOINT_FILE, LOG_FILE, PART, STORE
from labelscan.runs.outside_links import refuse_outside_links

FORMAT_VERSION = 1
"""Version of run.json and of everything else in the folder; a folder of another version is refused."""
FRESH = "start over with --fresh"
DEFAULT_PARENT = Path("labelscan-runs")
RUN_FILE = "run.json"
LOCK_FILE = "run.lock"
"""The file that the driver of a run has locked while it works."""
DIRECTORY = "directory"
"""The key of run.json for the folder that relative paths in a run start from."""
MACHINES = "machines"
"""The key of run.json for the machines that have worked on the run: often one, more where it was resumed elsewhere."""
JOBS = "jobs"
"""The key of run.json for the names of all jobs, as far as they are known before any work."""
CHECKSUMS = "checksums"
"""The key of run.json for the checksums of evidence and tables."""
DECISIONS_FILE = "decisions.csv"
"""What a reviewer decided; a person's work, which neither a run nor ``--fresh`` touches."""
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
    LOG_ODDS_FILE: "`error_log_odds` (N,) that each label is wrong, float32, in the order of evidence.npz",
    MEASURE_FILE: "a sample of up to 200 labels to decide in its order, by which to measure how many are wrong",
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
    names = sorted(entry.name for entry in folder.iterdir())
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
        if entry.is_dir() and entry.name not in BEFORE_TRAINING:
            with suppress(FileNotFoundError):  # another process deletes it
                if any(inside.name != LOG_FILE and inside.suffix != ".partial" for inside in entry.iterdir()):
                    return True
        elif entry.name not in BEFORE_TRAINING:
            return True
    return False


def sweep_run(folder: Path, also_owns: Sequence[str]) -> None:
    """Delete what killed processes have left half-written in a run, in the folders of its steps too."""
    for inside in chain([folder], *(_folders(entry) for entry in _own_entries(folder, also_owns))):
        sweep(inside)


def refuse_links_out(folder: Path, also_owns: Sequence[str] = ()) -> None:
    """Raise RunFolderError where a link leads out of a run folder from a place that a run may write to."""
    entries = _own_entries(folder, also_owns)
    written = [folder / DECISIONS_FILE, *folder.glob(".*.partial"), *entries]
    refuse_outside_links(folder, chain(written, *map(_below, entries)))


def read_versioned(path: Path, format_version: int) -> dict[str, object]:
    """Return the content of run.json or summary.json.

    Raises:
        RunFolderError: it cannot be read, or another version of labelscan wrote it.
    """
    try:
        content = read_json(path)
    except CANNOT_READ as error:
        raise RunFolderError(f"cannot be read ({why(error)})", where=str(path), hint=FRESH) from error
    version = content.get("format_version")
    if version != format_version:
        raise RunFolderError(
            f"made by another version of labelscan (format {version}, this one is {format_version})",
            where=str(path),
            hint=f"{FRESH}, or use the version that made it",
        )
    return content


def check_intact(folder: Path, record: Mapping[str, object], name: str) -> None:
    """Raise RunFolderError where a file of a run is not the one that the run wrote.

    Args:
        folder: that of the run.
        record: run.json.
        name: of the file.
    """
    written = part_of(record, CHECKSUMS).get(name)
    try:
        if written is None or checksum_of(folder / name) in str(written).split():  # two while it is replaced
            return
    except OSError:  # missing: its reader says so
        return
    hint = "the same command that made the run makes the file again"
    raise RunFolderError(f"{name} has changed since the run wrote it", where=str(folder / name), hint=hint)


def part_of(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return an object inside run.json or summary.json, empty where it is missing."""
    part = content.get(name)
    return part if isinstance(part, Mapping) else {}


def refuse_benchmark(record: Mapping[str, object], where: Path | str) -> None:
    """Raise RunFolderError where a run.json is that of a benchmark, which has runs of its own."""
    if part_of(record, "results_depend_on").get("command") == "benchmark":
        raise RunFolderError(
            "this is a benchmark, not a run",
            where=str(where),
            hint="give a run of the data; labelscan diff, report and status also take those in its folder cells/",
        )


def _own_entries(folder: Path, also_owns: Sequence[str]) -> list[Path]:
    # Not by glob, which does not see a link that leads nowhere.
    return [entry for entry in folder.iterdir() if _is_own(entry.name, also_owns)]


def _is_own(name: str, also_owns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in (*OWN_FILES, *OWN_FOLDERS, *also_owns))


def _folders(entry: Path) -> Iterator[Path]:
    """Yield a folder and all below it, but for links; nothing where ``entry`` is a file or a link."""
    if not entry.is_symlink():
        yield from (Path(inside) for inside, _, _ in os.walk(entry))


def _below(entry: Path) -> Iterator[Path]:
    """Yield what lies in a folder and in those below it, though other processes may delete some of it meanwhile."""
    if not entry.is_symlink():
        yield from (Path(inside, name) for inside, folders, files in os.walk(entry) for name in (*folders, *files))
