"""Corrected labels: the decisions of a reviewer, or the flags of a run, applied to a copy of the label list."""

import filecmp
import shlex
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from labelscan.correction import label_lists
from labelscan.correction.corrections import Corrections, FlagRule, check_new_labels, correct, flag_rule, is_log
from labelscan.correction.decisions import Decision, check_decisions
from labelscan.correction.label_lists import link_folders, made_lists
from labelscan.correction.remembered import Remembered, beside, remember, remembered_by
from labelscan.correction.review import GivenDecisions, Review, read_review
from labelscan.data.dataset import Dataset
from labelscan.errors import UsageError
from labelscan.events import Listener, ignore
from labelscan.files.atomic import partial_of
from labelscan.results.protected_paths import in_run_folder, refuse_only_read, refuse_same
from labelscan.results.run import FinishedRun, Run
from labelscan.results.source import Source, find_source
from labelscan.runs.files import DECISIONS_FILE

FORMAT_VERSION = 1
"""The version of what ``labelscan apply --json`` writes."""
DEFAULT_NAME = "corrected"
LOG_SUFFIX = ".changes.csv"
"""Appended to the whole name of a copy, so that each has its own log."""
OLD_MODELS = (
    "the probabilities in the copy come from models that learned the wrong labels: compute them again before scoring it"
)


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What was written, and what changed in it."""

    run: Path
    output: Path
    """The corrected copy: a file, or a folder of class folders."""
    log: Path
    """Every change, one a line."""
    corrections: Corrections
    command: str
    """The command that reads the copy as the run read the original."""
    dataset: Dataset = field(repr=False)
    """The data before the corrections."""
    remembered: Remembered = field(repr=False)
    """What is known of the labels of the copy, which is also beside it: ``detect`` and ``score`` take it as ``after``
    where corrected labels stay in memory."""
    notes: tuple[str, ...] = ()
    """What a user should know about it."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the corrected label of every example that is not dropped, by its id, as for a column of a frame."""
        labels, ids = self.corrections.labels_of(self.dataset), self.dataset.example_ids
        return {ids[row]: labels[row] for row in self.corrections.kept_rows(self.dataset)}

    def to_json(self) -> dict[str, object]:
        """Return what ``labelscan apply --json`` writes."""
        made = self.corrections
        return {
            "format_version": FORMAT_VERSION,
            "run": str(self.run),
            "output": str(self.output),
            "log": str(self.log),
            "n_examples": made.n_examples,
            "n_relabelled": made.count("relabel"),
            "n_dropped": made.count("drop"),
            "n_changed_by_decision": made.count("relabel", "decision") + made.count("drop", "decision"),
            "n_changed_by_flag": made.count("relabel", "flag") + made.count("drop", "flag"),
            "decisions": dict(made.verdicts),
            "pairs": [{"old_label": old, "new_label": new, "count": count} for old, new, count in made.pairs()],
            "command": self.command,
            "notes": list(self.notes),
        }


def apply(
    run: str | Path | Run,
    *,
    decisions: GivenDecisions | None = None,
    drop: bool = False,
    relabel: bool = False,
    min_error_probability: float | None = None,
    allow_new_classes: bool = False,
    output: Path | str | None = None,
    link_to: Path | str | None = None,
    copy: bool = False,
    overwrite: bool = False,
    data: str | Path = "",
    notify: Listener = ignore,
) -> Applied:
    """Write a corrected copy of the labels of a finished run, in their original form; the data is only read.

    Decisions win over flags. A log of all changes is written beside the copy.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        decisions: a file that the report saved or Label Studio exported, or decisions in memory; None is
            decisions.csv in the run folder, if there is one.
        drop: whether flagged examples are left out.
        relabel: whether flagged examples get the suggested label.
        min_error_probability: flags below it are left alone; needed to relabel.
        allow_new_classes: whether decisions may add classes that the data does not have.
        output: the copy; None is ``corrected`` in the run folder, with the ending of the original.
        link_to: a new folder to make instead of the copy: class folders of links to the images or texts.
        copy: whether files in ``link_to`` are copied, not linked.
        overwrite: whether files may be replaced that differ from what would be written, and an earlier folder of links.
        data: where the data is now, if it was moved.
        notify: receives the steps of the reading.

    Raises:
        UsageError: nothing says what to change, decisions belong to other data, or the copy cannot be written there.
    """
    finished, data = FinishedRun.of(run), str(data)
    decisions = Path(decisions) if isinstance(decisions, str) else decisions
    folder = None if link_to is None else Path(link_to)
    rule = flag_rule(drop=drop, relabel=relabel, min_error_probability=min_error_probability)
    review, notes = _decisions(finished, decisions, rule)
    source = find_source(finished, data=data, notify=notify)
    corrections = _corrections(finished, source, review, rule, allow_new_classes=allow_new_classes)
    written = folder or Path(output or finished.folder / f"{DEFAULT_NAME}{label_lists.suffix(source)}")
    log, memory = written.parent / f"{written.name}{LOG_SUFFIX}", beside(written)
    for path in [log, memory, written] if folder is None else [log, memory]:
        refuse_only_read(path, finished, data=data)
        if isinstance(decisions, Path):
            refuse_same(path, decisions, "the file of decisions")
    if log.is_dir() or (log.exists() and not overwrite and not is_log(log)):
        there, remedy = ("a folder", "") if log.is_dir() else ("another file", ", or add --overwrite")
        problem = f"the log of changes would be written here, and there is {there}"
        raise UsageError("file-exists", problem, where=str(log), hint=f"choose another place{remedy}")
    if folder is None:
        label_lists.check_output(source, written)
    else:
        replace = overwrite if is_log(log) else None
        link_folders.check_folder(folder, source.dataset, source.class_folders, replace=replace)
    usual = in_run_folder(finished, [log, memory, written]) if folder is None and output is None else nullcontext()
    judged = _by_decisions(finished, review)
    new_ids: Mapping[str, str] = {}
    ids, labels = source.dataset.example_ids, corrections.labels_of(source.dataset)
    with usual, partial_of(log) as partial:  # which is whole before the copy appears, and appears after it
        corrections.write_log(partial)
        if folder is None:
            notes += _write_copy(source, corrections, written, overwrite=overwrite)
        else:
            more, new_ids = _link(source, corrections, folder, copy=copy)
            notes += more
        remembered = remember(
            {ids[row]: labels[row] for row in corrections.kept_rows(source.dataset)},
            corrections,
            review.decisions,
            before=remembered_by(finished),
            wrong=judged.summary.wrong_labels,
            new_ids=new_ids,
        )
        remembered.write(memory)
    least = None if rule is None else rule.min_error_probability
    # That no flag counts is no error, unlike in a gate: a script goes on when nothing is left to correct.
    if least is not None and not finished.issues.flagged.empty and (no_flag := finished.issues.out_of_reach(least)):
        notes.insert(0, f"{no_flag}; all flags are left alone")
    return Applied(
        run=finished.folder,
        output=written,
        log=log,
        corrections=corrections,
        command=_command(source, written, is_folder=folder is not None),
        dataset=source.dataset,
        remembered=remembered,
        notes=tuple(notes),
    )


def _corrections(
    run: FinishedRun,
    source: Source,
    review: Review,
    rule: FlagRule | None,
    *,
    allow_new_classes: bool,
) -> Corrections:
    """Return what becomes of each label, having checked that the decisions are about this run and leave something."""
    if rule is not None and run.summary.learned_nothing:
        problem = "the models of this run have learned nothing, and their flags mean nothing"
        hint = "see the warnings of the run; decisions of a reviewer can still be applied"
        raise UsageError("learned-nothing", problem, where=str(run.folder), hint=hint)
    check_decisions(review.decisions, run.given_labels, where=review.where)
    if source.command == "score" or not allow_new_classes:
        hint = "--allow-new-classes accepts it as a new one"
        if source.command == "score":
            hint = "probabilities know no other classes: decide otherwise, or run labelscan detect on the data"
        check_new_labels(review.decisions, source.dataset.class_names, where=review.where, hint=hint)
    made = correct(run.issues.scores, decisions=review.decisions, rule=rule, flagged_at=run.record.ended or "")
    if made.count("drop") == made.n_examples:
        problem, hint = "every example would be left out", "check the decisions"
        raise UsageError("nothing-left", problem, where=str(run.folder), hint=hint)
    return made


def _write_copy(source: Source, corrections: Corrections, output: Path, *, overwrite: bool) -> list[str]:
    """Write a copy of the label list, over a different file only if allowed; return notes."""
    with partial_of(output) as draft:
        notes = label_lists.write(source, corrections, draft)
        if output.is_file() and not overwrite and not filecmp.cmp(output, draft, shallow=False):
            problem = "there is a file already, and it differs from what would be written"
            hint = "choose another place with -o, or add --overwrite"
            raise UsageError("file-exists", problem, where=str(output), hint=hint)
    return [*notes, OLD_MODELS] if source.command == "score" else notes


def _link(source: Source, corrections: Corrections, folder: Path, *, copy: bool) -> tuple[list[str], Mapping[str, str]]:
    """Make class folders; return notes on them, and the ids in them by those of the run."""
    notes, new_ids = link_folders.write(label_lists.everything(source), corrections, folder, copy=copy)
    columns, dataset = source.columns(), source.dataset
    held = {
        "ids": columns is not None and bool(columns.id),
        "groups": dataset.groups is not None,
        "true labels": dataset.true_labels is not None,
    }
    if lost := ", ".join(what for what, there in held.items() if there):
        leak = ", and a run on them may put images of one group into several folds" if held["groups"] else ""
        notes.append(f"class folders cannot hold all of the data ({lost}){leak}; without --link-to the copy can")
    if source.config.split and source.file is not None:
        notes.append(f"the run read --split {source.config.split} alone, and so only that is in the folder")
    return notes, new_ids


def _by_decisions(run: FinishedRun, review: Review) -> FinishedRun:
    """Return the run with how many labels are wrong by these decisions, where they may say more than it does."""
    if not review.decisions:
        return run
    from labelscan.correction.judging import judge_finished  # for which the detectors are loaded
    from labelscan.detection.decisions.rescoring import LEAST_DECISIONS
    from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE

    measures = len(review.decisions) >= LEAST_DECISIONS and (run.folder / EVIDENCE_FILE).is_file()
    return judge_finished(run, review) if measures else run


def _decisions(
    run: FinishedRun, given: Path | Sequence[Decision] | None, rule: FlagRule | None
) -> tuple[Review, list[str]]:
    """Return the decisions, and notes."""
    own = run.folder / DECISIONS_FILE
    if given is not None:
        is_own = isinstance(given, Path) and given.resolve() == own.resolve()
        notes = [f"{own} was left out, since other decisions were given"] if own.exists() and not is_own else []
        review = read_review(given)
        return review, [*notes, *review.notes]
    if own.exists():
        return read_review(own), [f"{own} was used: decisions win over flags"] if rule else []
    if rule is not None:
        return Review(decisions=()), []
    problem = "nothing says what to change: there are no decisions in the run, and no rule for what is flagged"
    hint = "save decisions from labelscan report and name them by --decisions, or give --drop, "
    hint += "or --relabel with --min-error-probability 0.9"
    raise UsageError("nothing-to-change", problem, where=str(run.folder), hint=hint)


def _command(source: Source, output: Path, *, is_folder: bool) -> str:
    """Return the command that reads the copy, with the options that the original needed."""
    settings = made_lists.SETTINGS_OF_FILES if is_folder else label_lists.settings_of_copy(source)
    options: list[str] = []
    for name in (*settings, "merge_labels"):
        if name == "split" and source.dataset.splits is None:
            continue  # one of a named set, which the copy is alone
        value = getattr(source.config, name)
        for one in value if isinstance(value, tuple) else filter(None, [value]):
            options += [f"--{name.replace('_', '-')}", one]
    return shlex.join(["labelscan", "detect" if is_folder else source.command, str(output), *options])
