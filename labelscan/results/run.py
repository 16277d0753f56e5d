"""A finished run: ``Run`` in memory, with data and evidence, and ``FinishedRun``, read from its folder.

Later stages use the latter: it needs no data, and does not import torch.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import Evidence
from labelscan.errors import SIMILAR, RunFolderError, nearest_name
from labelscan.files.reading import fits, with_home
from labelscan.results.health import NOTHING_JUDGED
from labelscan.results.issues import SCORES_FILE, Issues
from labelscan.results.summary import FILE_NAME as SUMMARY_FILE
from labelscan.results.summary import Summary, read_summary
from labelscan.runs.files import (
    DIRECTORY,
    FORMAT_VERSION,
    FRESH,
    RUN_FILE,
    check_intact,
    part_of,
    read_versioned,
    refuse_benchmark,
)

DECIDED_WRONG = "decided_wrong"
"""The key of run.json, within that of the decisions, for the examples whose labels are wrong by them."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Run:
    """The results of a run in memory, as ``detect`` and ``score`` return them.

    The functions that use results accept a run or its folder.
    """

    folder: Path
    dataset: Dataset
    evidence: Evidence
    issues: Issues
    summary: Summary
    decided: Collection[str] = ()
    """Ids of the examples whose labels a person has settled; those of them that are flagged are known to be wrong."""

    def __repr__(self) -> str:
        flagged, scored, n_warnings = self.summary.n_flagged, self.summary.n_scored, len(self.summary.warnings)
        found = f"{flagged:,} of {scored:,} labels look wrong"
        if self.summary.learned_nothing:
            found = NOTHING_JUDGED
        more = f"; {n_warnings} warning{'' if n_warnings == 1 else 's'} in run.summary.warnings" if n_warnings else ""
        return f"Run({str(self.folder)!r}: {found}{more})"


@dataclass(frozen=True, kw_only=True)
class _Described:
    """The part of run.json about the data."""

    fingerprint: str
    examples: int
    classes: int
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class _Record:
    """The keys of run.json that are read later; an older version may lack some."""

    data: _Described | None = None
    directory: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    results_depend_on: dict[str, object] = field(default_factory=dict)
    choices: dict[str, object] = field(default_factory=dict)
    versions: dict[str, object] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    opinion_weights: dict[str, float] = field(default_factory=dict)
    source: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """What a run left in its folder; ``RunFolder`` is one that is being written."""

    folder: Path
    record: Mapping[str, object]
    """The content of run.json."""
    summary: Mapping[str, object]
    """The content of summary.json."""
    issues: Issues
    dataset: Dataset | None = None
    """The data, where the caller still has it in memory."""
    is_as_written: bool = True
    """Whether its tables say the same as those in the folder; not where it was re-scored in memory."""

    @classmethod
    def of(cls, run: "str | Path | Run") -> "FinishedRun":
        """Return a run, given as returned or by its folder, as ``read`` does."""
        if isinstance(run, Run):
            return dataclasses.replace(cls.read(run.folder), dataset=run.dataset)
        return cls.read(Path(run))

    @classmethod
    def read(cls, folder: Path) -> "FinishedRun":
        """Return the run in ``folder``.

        Raises:
            RunFolderError: there is no run, it is not finished, or another version of labelscan made it.
        """
        if not (folder / RUN_FILE).is_file():
            raise RunFolderError("there is no run here", where=str(folder), hint=_nearest_run(folder))
        record = read_versioned(folder / RUN_FILE, FORMAT_VERSION)
        if not fits(record, _Record):
            raise RunFolderError("damaged: not the record of a run", where=str(folder / RUN_FILE), hint=FRESH)
        refuse_benchmark(record, folder)
        state = record.get("state")
        if state != "finished":
            raise RunFolderError(
                f"this run is not finished: {'running, or killed' if state == 'running' else state}",
                where=str(folder),
                hint="repeat the command that began it: it resumes",
            )
        for name in (SUMMARY_FILE, SCORES_FILE):
            check_intact(folder, record, name)
        summary, issues = read_summary(folder), Issues.read(folder / SCORES_FILE)
        if len(issues) != summary["n_examples"]:
            problem = f"has {len(issues):,} examples, and summary.json {summary['n_examples']:,}"
            raise RunFolderError(problem, where=str(folder / SCORES_FILE), hint=FRESH)
        if read_versioned(folder / RUN_FILE, FORMAT_VERSION) != record:
            problem = "another process is re-scoring the run at this moment"
            raise RunFolderError(problem, where=str(folder), hint="repeat the command when it has ended")
        return cls(folder=folder, record=record, summary=summary, issues=issues)

    @cached_property
    def given_labels(self) -> Mapping[str, str]:
        """Return the label of every example by its id."""
        scores = self.issues.scores
        return dict(zip(scores["example_id"], scores["given_label"], strict=True))

    @property
    def decided_wrong(self) -> Sequence[str]:
        """Return the ids of the examples whose labels a person has decided to be wrong, where decisions were given."""
        ids = self.recorded("decisions").get(DECIDED_WRONG)
        return [str(one) for one in ids] if isinstance(ids, list) else []

    @property
    def is_of_score(self) -> bool:
        """Return whether the run judged probabilities made elsewhere, without data."""
        return self.recorded("results_depend_on").get("command") == "score"

    @property
    def is_planted(self) -> bool:
        """Return whether errors were planted in its labels, as in a self-check, so that these are not the data's."""
        return self.record.get("planted") is True

    def recorded(self, name: str) -> Mapping[str, object]:
        """Return one part of run.json, such as ``results_depend_on``, ``data`` or ``versions``."""
        return part_of(self.record, name)

    @property
    def members(self) -> Sequence[Mapping[str, object]]:
        """Return what was chosen for each model, as ``choices`` in run.json has it; empty for a run of ``score``."""
        choices = self.recorded("choices")
        members = choices.get("opinions")
        if isinstance(members, list):
            return [one for one in members if isinstance(one, Mapping)]
        return [choices] if choices else []  # of one model, before a run could have several

    def locate(self, path: str) -> Path:
        """Return a path that the run was given or recorded, as it is reached from the current folder.

        Relative paths start from the folder in which the run was started, and from the current one only where
        nothing is left there: here may be other data with the same file names.
        """
        here = with_home(path)
        started_in = self.record.get(DIRECTORY)
        if here.is_absolute() or not isinstance(started_in, str):
            return here
        there = Path(started_in)
        top = [here, *here.parents][-2:][0]  # it decides: one image that is gone must not be taken from other data
        return here if here.exists() and not (there / top).exists() else there / here


def member_facts(words: Iterable[str]) -> dict[str, str]:
    """Return what there is to say of each model of a run by its label: ``model``, ``opinion 2`` and so on."""
    return {"model" if number == 1 else f"opinion {number}": one for number, one in enumerate(words, start=1)}


def _nearest_run(folder: Path) -> str:
    """Return a hint that names the run that was probably meant, if there is one nearby."""
    if (folder.parent / RUN_FILE).is_file():
        return f"did you mean {folder.parent}?"
    for near in (folder, folder.parent):
        runs = {path.parent.name: path.parent for path in near.glob(f"*/{RUN_FILE}")}
        if name := nearest_name(folder.name, runs, least=0.0 if near == folder else SIMILAR):
            return f"did you mean {runs[name]}?"
    return "give the folder that labelscan detect or score has written"
