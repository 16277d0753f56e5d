"""The evidence of a run: once it is whole, the outputs of the folds, which take twice its room, are needed no more."""

from collections.abc import Sequence

from labelscan.config import fingerprint
from labelscan.detection.evidence import FILE_NAME, Evidence
from labelscan.errors import RunFolderError
from labelscan.results.run_folder import EVIDENCE_OF, RunFolder
from labelscan.training.fold_job import FoldJob


def read_kept(run: RunFolder, jobs: Sequence[FoldJob]) -> Evidence | None:
    """Return the evidence of these folds, made on this or on another machine, or None where outputs are needed."""
    if run.earlier.get(EVIDENCE_OF) != _made_from(jobs) or not all(job.was_finished() for job in jobs):
        return None
    try:
        return Evidence.read(run.path / FILE_NAME)
    except RunFolderError:
        return None


def keep(evidence: Evidence, run: RunFolder, jobs: Sequence[FoldJob]) -> Evidence:
    """Write the evidence of these folds; the caller goes on with what is returned.

    What it was made from is recorded last, and outputs are deleted after that: a kill in between loses none.
    """
    run.record(**{EVIDENCE_OF: ""})
    kept = evidence.kept_in(run.path / FILE_NAME)
    run.record(**{EVIDENCE_OF: _made_from(jobs)})
    return kept


def _made_from(jobs: Sequence[FoldJob]) -> str:
    return fingerprint([[job.folder.name, job.method] for job in jobs])
