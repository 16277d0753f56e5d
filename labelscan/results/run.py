"""A finished run: ``Run`` in memory, with data and evidence, and ``FinishedRun``, read from its folder.

Later stages use the latter: it needs no data, and does not import torch.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import Evidence
from labelscan.errors import SIMILAR, RunFolderError, nearest_name
from labelscan.files.reading import with_home
from labelscan.results.health import NOTHING_JUDGED
from labelscan.results.issues import SCORES_FILE, Issues
from labelscan.results.summary import FILE_NAME as SUMMARY_FILE
from labelscan.results.summary import Summary
from labelscan.runs.files import FRESH, RUN_FILE
from labelscan.runs.record import RunRecord


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
        found = f"{flagged:,} of {scored:,} labels are flagged"
        if self.summary.learned_nothing:
            found = NOTHING_JUDGED
        more = f"; {n_warnings} warning{'' if n_warnings == 1 else 's'} in run.summary.warnings" if n_warnings else ""
        return f"Run({str(self.folder)!r}: {found}{more})"


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedRun:
    """What a run left in its folder; ``RunFolder`` is one that is being written."""

    folder: Path
    record: RunRecord
    summary: Summary
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
            raise RunFolderError("no-run", "there is no run here", where=str(folder), hint=_nearest_run(folder))
        record = RunRecord.read(folder)
        record.refuse_benchmark(folder)
        if record.state != "finished":
            problem = f"this run is not finished: {'running, or killed' if record.state == 'running' else record.state}"
            hint = "repeat the command that began it: it resumes"
            raise RunFolderError("run-unfinished", problem, where=str(folder), hint=hint)
        for name in (SUMMARY_FILE, SCORES_FILE):
            record.check_intact(folder, name)
        summary, issues = Summary.read(folder), Issues.read(folder / SCORES_FILE)
        if len(issues) != summary.n_examples:
            problem = f"has {len(issues):,} examples, and summary.json {summary.n_examples:,}"
            raise RunFolderError("damaged", problem, where=str(folder / SCORES_FILE), hint=FRESH)
        if RunRecord.read(folder) != record:
            problem = "another process is re-scoring the run at this moment"
            raise RunFolderError("damaged", problem, where=str(folder), hint="repeat the command when it has ended")
        return cls(folder=folder, record=record, summary=summary, issues=issues)

    @cached_property
    def given_labels(self) -> Mapping[str, str]:
        """Return the label of every example by its id."""
        scores = self.issues.scores
        return dict(zip(scores["example_id"], scores["given_label"], strict=True))

    @property
    def decided_wrong(self) -> Sequence[str]:
        """Return the ids of the examples whose labels a person has decided to be wrong, where decisions were given."""
        return self.record.decisions.decided_wrong if self.record.decisions else ()

    @property
    def is_of_score(self) -> bool:
        """Return whether the run judged probabilities made elsewhere, without data."""
        return self.record.command == "score"

    @property
    def members(self) -> Sequence[Mapping[str, object]]:
        """Return what was chosen for each model; empty for a run of ``score``."""
        return self.record.choices.opinions if self.record.choices else ()

    def locate(self, path: str) -> Path:
        """Return a path that the run was given or recorded, as it is reached from the current folder.

        Relative paths start from the folder in which the run was started, and from the current one only where
        nothing is left there: here may be other data with the same file names.
        """
        here = with_home(path)
        if here.is_absolute():
            return here
        there = Path(self.record.directory)
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
