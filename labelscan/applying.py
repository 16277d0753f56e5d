"""Corrected labels: the flags of a run, or the decisions of a reviewer, carried out on a copy of the label list."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan import label_lists
from labelscan.corrections import Corrections, FlagRule, check_new_labels, correct
from labelscan.decisions import FILE_NAME as DECISIONS_FILE
from labelscan.decisions import Decision, check_decisions, read_decisions
from labelscan.errors import UsageError
from labelscan.events import Listener, ignore
from labelscan.finished_run import FinishedRun
from labelscan.label_lists import link_folders
from labelscan.label_studio import read_annotations
from labelscan.source import Source, find_source

FORMAT_VERSION = 1
"""Of what ``labelscan apply --json`` writes."""
DEFAULT_NAME = "corrected"
LOG_SUFFIX = ".changes.csv"
_OPTIONS = {
    "split": "--split",
    "path_column": "--path-column",
    "label_column": "--label-column",
    "true_label_column": "--true-label-column",
    "id_column": "--id-column",
    "group_column": "--group-column",
    "split_column": "--split-column",
}


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What was written, and what has changed in it."""

    run: Path
    output: Path
    """The corrected copy: a file, or a folder of class folders."""
    log: Path
    """Every change, one a line."""
    corrections: Corrections
    command: str
    """What reads the copy as the run read the original."""
    notes: tuple[str, ...] = ()
    """What a user should know about it."""

    def to_json(self) -> dict[str, object]:
        """Return it as ``labelscan apply --json`` writes it."""
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
    run_folder: Path,
    *,
    decisions: Path | Sequence[Decision] | None = None,
    rule: FlagRule | None = None,
    allow_new_classes: bool = False,
    output: Path | None = None,
    link_to: Path | None = None,
    copy: bool = False,
    overwrite: bool = False,
    data: str = "",
    notify: Listener = ignore,
) -> Applied:
    """Write a corrected copy of the labels of a finished run, and a log of its changes beside it.

    Args:
        run_folder: of ``detect`` or ``score``.
        decisions: a file, or what is in one; where there is neither this nor a rule, decisions.csv in the run.
        rule: what is done with flagged labels without a decision.
        allow_new_classes: whether decisions may bring in classes that the data does not have.
        output: the copy; None is ``corrected`` in the run folder, with the ending of the original.
        link_to: a new folder that is made instead: class folders of links to the images.
        copy: whether images in ``link_to`` are copied.
        overwrite: whether a file at ``output`` may be replaced that no earlier call has written.
        data: where the data lies now; empty is where the run found it.
        notify: told of the reading.

    Raises:
        UsageError: nothing says what to change, decisions belong to other data, or the copy cannot lie there.
    """
    run = FinishedRun.read(run_folder)
    decided, where, notes = _decisions(run, decisions, rule)
    source = find_source(run, data=data, notify=notify)
    corrections = _corrections(run, source, decided, rule, where=where, allow_new_classes=allow_new_classes)
    if link_to is not None:
        written = link_to
        notes += _link(source, corrections, link_to, copy=copy)
    else:
        written = output or run.folder / f"{DEFAULT_NAME}{label_lists.suffix(source)}"
        _check_output(written, source, decisions, replaces=overwrite or output is None)
        label_lists.write(source, corrections, written)
    log = _log(written, is_folder=link_to is not None)
    corrections.write_log(log)
    return Applied(
        run=run.folder,
        output=written,
        log=log,
        corrections=corrections,
        command=_command(source, written, is_folder=link_to is not None),
        notes=tuple(notes),
    )


def _corrections(
    run: FinishedRun,
    source: Source,
    decisions: list[Decision],
    rule: FlagRule | None,
    *,
    where: str,
    allow_new_classes: bool,
) -> Corrections:
    """Return what becomes of each label, having found that the decisions are about this run and leave something."""
    if rule is not None and run.summary.get("learned_nothing"):
        raise UsageError(
            "the models of this run have learned nothing, and their flags mean nothing",
            where=str(run.folder),
            hint="see the warnings of the run; decisions of a reviewer can be applied all the same",
        )
    scores, ended = run.issues.scores, run.record.get("ended")
    check_decisions(decisions, dict(zip(scores["example_id"], scores["given_label"], strict=True)), where=where)
    _check_classes(decisions, source, where, allow_new_classes=allow_new_classes)
    made = correct(scores, decisions=decisions, rule=rule, flagged_at=ended if isinstance(ended, str) else "")
    if made.count("drop") == made.n_examples:
        raise UsageError("every example would be left out", where=str(run.folder), hint="check the decisions")
    return made


def _link(source: Source, corrections: Corrections, folder: Path, *, copy: bool) -> list[str]:
    """Make class folders, and return what a user should know about them."""
    original = None if source.file is not None else Path(source.config.data)
    copied = link_folders.write(label_lists.everything(source), corrections, folder, copy=copy, data=original)
    notes = ["links cannot be made there: images were copied"] if copied and not copy else []
    if source.config.split and source.file is not None:
        notes.append(f"the run has read --split {source.config.split} alone, and so only that is in the folder")
    return notes


def read_decisions_or_annotations(path: Path) -> list[Decision]:
    """Return the decisions in a file: decisions.csv, or what Label Studio exports as JSON or JSON-MIN."""
    return read_annotations(path) if path.suffix.lower() == ".json" else read_decisions(path)


def _decisions(
    run: FinishedRun, given: Path | Sequence[Decision] | None, rule: FlagRule | None
) -> tuple[list[Decision], str, list[str]]:
    """Return the decisions, where they are from, and notes."""
    if isinstance(given, Path):
        return read_decisions_or_annotations(given), str(given), []
    if given is not None:
        return list(given), "decisions", []
    own = run.folder / DECISIONS_FILE
    if rule is not None:
        there = [f"{own} was left out; --decisions {own} heeds it too"] if own.exists() else []
        return [], "", there
    if own.exists():
        return read_decisions(own), str(own), []
    raise UsageError(
        "nothing says what to change: there are no decisions in the run, and no rule for what is flagged",
        where=str(run.folder),
        hint="save decisions from labelscan report and name them by --decisions, or give --drop, "
        "or --relabel with --min-error-probability 0.9",
    )


def _check_classes(decisions: list[Decision], source: Source, where: str, *, allow_new_classes: bool) -> None:
    if allow_new_classes and source.command != "score":
        return
    of_score = "probabilities know no other classes: decide otherwise, or run labelscan detect on the data"
    hint = of_score if source.command == "score" else "--allow-new-classes takes it as a new one"
    check_new_labels(decisions, source.dataset.class_names, where=where, hint=hint)


def _check_output(output: Path, source: Source, decisions: object, *, replaces: bool) -> None:
    if output.is_dir():
        raise UsageError("this is a folder", where=str(output), hint=f"name a file, as in -o labels{output.suffix}")
    for path in (output, _log(output, is_folder=False)):
        for kept, what in ((source.file, "the data itself, which is only read"), (decisions, "the decisions")):
            if isinstance(kept, Path) and path.exists() and kept.exists() and path.samefile(kept):
                raise UsageError(f"this is {what}", where=str(path), hint="choose another place with -o")
    # A log beside it tells that an earlier call has written it.
    if output.exists() and not replaces and not _log(output, is_folder=False).exists():
        raise UsageError(
            "there is a file already", where=str(output), hint="choose another place with -o, or add --overwrite"
        )


def _log(output: Path, *, is_folder: bool) -> Path:
    return output.with_name((output.name if is_folder else output.stem) + LOG_SUFFIX)


def _command(source: Source, output: Path, *, is_folder: bool) -> str:
    """Return the command that reads the copy, with the options that the original needed."""
    config = source.config
    named = _OPTIONS if source.file is not None and not is_folder else {}
    if not named and source.dataset.splits is not None:
        named = {"split": "--split"}
    given = [(option, str(getattr(config, name))) for name, option in named.items() if getattr(config, name)]
    return shlex.join(["labelscan", source.command, str(output), *(word for pair in given for word in pair)])
