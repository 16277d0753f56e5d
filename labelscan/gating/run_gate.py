"""Judge a finished run by limits and by a baseline of reviewed labels, or accept what it flags into the baseline.

Limits count all suspects, except the limit on new ones, which counts those that are not in the baseline. Where
decisions measure how many labels are wrong, the same limits are on the lower end of that interval too.
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pandas as pd

from labelscan.config import GateConfig
from labelscan.errors import GateError
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url
from labelscan.gating.baseline import (
    NEW_BASELINE,
    Baseline,
    BaselineUpdate,
    read_baseline,
    read_to_update,
    update_baseline,
)
from labelscan.gating.verdict import Check, GateSuspect, GateVerdict
from labelscan.gating.words import distinct, first_of
from labelscan.results.issues import ISSUES_FILE, SCORED, TEXT_COLUMNS
from labelscan.results.protected_paths import refuse_only_read
from labelscan.results.run import FinishedRun
from labelscan.results.source import NOT_PLANTED, given_place
from labelscan.results.wrong_labels import OFFER, WrongLabels, decided_in_words

SEVERAL = 3
"""Labels likelier wrong than right of which one at least should reach a probability that wrong labels can have: if only
half of those do, three all miss it one time in eight."""


def verdict_of(find_run: Callable[[], FinishedRun], limits: GateConfig) -> GateVerdict:
    """Return the verdict on a run of ``detect`` or ``score``.

    Finding the run may mean to train, so ``find_run`` is called only once limits and baseline are known to be good.

    Raises:
        GateError: there is no limit, the baseline cannot be read, or the run says nothing about the labels.
    """
    limits = effective_limits(limits)
    baseline = read_baseline(Path(limits.baseline)) if limits.baseline else None
    return judge_gate(find_run(), limits, baseline)


def accept(find_run: Callable[[], FinishedRun], baseline: Path) -> BaselineUpdate:
    """Write everything that a run flags into a baseline, which is made if it does not exist; see ``verdict_of``.

    Raises:
        GateError: the file holds something else, or the run says nothing about the labels.
        UsageError: the file is part of the data.
    """
    before = read_to_update(baseline)
    run = find_run()
    _n_scored(run)  # refuses a run whose flags mean nothing
    refuse_only_read(before.path, run)
    issues = run.issues.flagged
    suspects = frozenset(zip(issues["example_id"], issues["given_label"], strict=True))
    return update_baseline(before, suspects, run.given_labels)


def effective_limits(limits: GateConfig) -> GateConfig:
    """Return the limits that apply: with a baseline, no new suspect is allowed unless ``max_new`` says otherwise."""
    if limits.max_new is not None and not limits.baseline:
        raise GateError(
            "no-baseline",
            "new suspects are counted against a baseline, and none is named",
            where="--max-new",
            hint="name its file by --baseline",
        )
    if limits.baseline and limits.max_new is None:
        return dataclasses.replace(limits, max_new=0)
    if (limits.max_rate, limits.max_issues, limits.max_class_rate, limits.max_new) == (None,) * 4:
        hint = "give one, as in --max-rate 0.02 or --max-issues 10, or a --baseline"
        raise GateError("no-limit", "there is no limit to judge by", hint=hint)
    return limits


def judge_gate(run: FinishedRun, limits: GateConfig, baseline: Baseline | None = None) -> GateVerdict:
    """Return the verdict on a finished run, by limits from ``effective_limits``."""
    n_scored, wrong = _n_scored(run), run.summary.wrong_labels
    measured = tuple(_measured_checks(limits, wrong))
    if all(check.passed for check in measured):  # else the verdict does not depend on the list
        _check_reach(run, limits.min_error_probability)
    roots = _roots_of(run.record.directory)
    suspects = _suspects(run, limits.min_error_probability, baseline, roots)
    gone, relabelled = baseline.stale(run.given_labels) if baseline else ((), ())
    place = given_place(run)
    return GateVerdict(
        run=str(run.folder),
        data=run.summary.data,
        source=_from_root(roots, str(with_home(place)) if place else ""),
        issues=_from_root(roots, str((run.folder / ISSUES_FILE).absolute())),
        checks=(*_checks(n_scored, limits, suspects), *measured),
        n_scored=n_scored.total(),
        n_flagged=int(run.issues.scores["flagged"].sum()),
        min_error_probability=limits.min_error_probability,
        suspects=suspects,
        baseline=str(baseline.path) if baseline else "",
        accepts_into=baseline.accepts_into if baseline else NEW_BASELINE,
        gone=gone,
        relabelled=relabelled,
        wrong_labels=wrong,
        is_as_written=run.is_as_written,
        decisions="" if run.is_as_written or run.record.decisions is None else run.record.decisions.file,
        warnings=run.summary.warnings,
    )


def _n_scored(run: FinishedRun) -> Counter[str]:
    """Return by class how many examples have a score, or raise GateError if the flags of the run mean nothing."""
    scores, where = run.issues.scores, str(run.folder)
    n_scored = Counter(scores.loc[scores["status"] == SCORED, "given_label"])
    if run.record.planted:
        raise GateError("planted-labels", "the labels of this run were planted", where=where, hint=NOT_PLANTED)
    if not n_scored:
        hint = "scores.csv says why, in its last column"
        raise GateError("nothing-scored", "no example has a score", where=where, hint=hint)
    if run.summary.learned_nothing:
        hint = "train longer, choose another model, or check that the labels belong to the examples"
        raise GateError(
            "learned-nothing", "the models learned nothing, so that the flags mean nothing", where=where, hint=hint
        )
    return n_scored


def _check_reach(run: FinishedRun, least: float) -> None:
    """Raise GateError where nothing counts for the sake of ``least`` alone, and not of the labels.

    Where hardly any label is likelier wrong than right, it is right that none counts, whatever the highest probability.
    """
    n_likely = int((run.issues.flagged["error_probability"] > 0.5).sum())
    if n_likely >= SEVERAL and (problem := run.issues.out_of_reach(least)):
        hint = f"with --min-error-probability 0.5 the {n_likely:,} labels count that are likelier wrong than right"
        raise GateError("no-error-probability", problem, where=str(run.folder), hint=hint)


def _suspects(
    run: FinishedRun, least: float, baseline: Baseline | None, roots: tuple[Path, ...]
) -> tuple[GateSuspect, ...]:
    issues, decided_wrong = run.issues.flagged, set(run.decided_wrong)
    found = [
        GateSuspect(
            example_id=str(one["example_id"]),
            path=_from_root(roots, str(one["path"])),
            line=line if run.is_as_written else 1,
            given_label=str(one["given_label"]),
            suggested_label=str(one["suggested_label"]),
            error_probability=float(one["error_probability"]),
            is_new=baseline is None or (one["example_id"], one["given_label"]) not in baseline.rows,
            is_decided=one["example_id"] in decided_wrong,
        )
        for line, one in zip(_lines(issues), issues.to_dict("records"), strict=True)
        if one["error_probability"] >= least
    ]
    return tuple(sorted(found, key=lambda one: not one.is_new))  # stable: ranks stay in order among each kind


def _checks(n_scored: Counter[str], limits: GateConfig, suspects: tuple[GateSuspect, ...]) -> Iterator[Check]:
    n, n_new = len(suspects), sum(one.is_new for one in suspects)
    if limits.max_rate is not None:
        yield _check("max-rate", limits.max_rate, n / n_scored.total(), "of the scored labels are suspects")
    if limits.max_issues is not None:
        yield _check("max-issues", limits.max_issues, n, "suspect" if n == 1 else "suspects")
    if limits.max_class_rate is not None:
        counts = Counter(one.given_label for one in suspects)
        rates = {name: count / n_scored[name] for name, count in counts.items()}
        worst = sorted(rates, key=lambda name: (-rates[name], name))
        exceeding = [repr(name) for name in worst if rates[name] > limits.max_class_rate]
        more = f"; exceeded by {first_of(exceeding)}" if len(exceeding) > 1 else ""
        what = f"of the labels {worst[0]!r} are suspects" if worst else "of the labels of any class are suspects"
        yield _check("max-class-rate", limits.max_class_rate, rates[worst[0]] if worst else 0.0, what, more)
    if limits.max_new is not None:
        what = f"{'suspect' if n_new == 1 else 'suspects'} not in the baseline"
        yield _check("max-new", limits.max_new, n_new, what)


def _measured_checks(limits: GateConfig, wrong: WrongLabels) -> Iterator[Check]:
    """Compare the lower end of what decisions measured with the limits, or ask for decisions where none measure it."""
    is_measured, rate, number = wrong.is_measured, limits.max_rate, limits.max_issues
    if is_measured and rate is not None:
        yield _lower_end("max-rate-measured", rate, wrong.share_low, wrong.share_high, "of the scored labels are")
    if is_measured and number is not None:
        labels = "label is" if round(wrong.low) == 1 else "labels are"
        yield _lower_end("max-issues-measured", number, round(wrong.low), wrong.high and round(wrong.high), labels)
    if limits.require_measured:
        found = wrong.n_decided if is_measured else 0
        sentence = f"{decided_in_words(wrong)} measure how many labels are wrong"
        if not is_measured:
            sentence = f'no decisions measure how many labels are wrong: "{OFFER}" on the page of labelscan report'
        yield Check(name="require-measured", limit=1, found=found, passed=is_measured, sentence=sentence)


def _lower_end(name: str, limit: float, low: float, high: float | None, what: str) -> Check:
    """Compare what is measured at least: an interval around the limit does not show that it is exceeded."""
    check = _check(name, limit, low, f"{what} wrong, as measured")
    more = f"; up to {distinct(name, high, limit)[0]} may be" if high and high > limit >= low else ""
    return dataclasses.replace(check, sentence=f"at least {check.sentence}{more}")


def _check(name: str, limit: float, found: float, what: str, more: str = "") -> Check:
    shown_found, shown_limit = distinct(name, found, limit)
    sentence = f"{shown_found} {what}, {shown_limit} allowed{more}"
    return Check(name=name, limit=limit, found=found, passed=found <= limit, sentence=sentence)


def _lines(issues: pd.DataFrame) -> Iterator[int]:
    """Yield the line on which each row of issues.csv begins, as an editor numbers it; labels may contain line ends."""
    line = 2
    for cells in zip(*(issues[name] for name in TEXT_COLUMNS if name in issues), strict=True):
        yield line
        line += 1 + sum(cell.count("\n") for cell in cells)


def _roots_of(started_in: str) -> tuple[Path, ...]:
    """Return the folders that paths may start from, the best first: the repository around a folder, and the folder."""
    if not started_in:
        return ()
    folder = Path(started_in)
    repository = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    return (folder,) if repository is None else (repository, folder)


def _from_root(roots: tuple[Path, ...], path: str) -> str:
    """Return a path with / between folders as a code hosting service knows it: from the first root that contains it.

    A relative ``path`` starts from the last of the roots. An address stays as it is, and so does a path outside.
    """
    if not path or is_url(path):
        return path
    whole = Path(os.path.normpath(Path(roots[-1], path) if roots else path))
    root = next((one for one in roots if whole.is_relative_to(one)), None)
    return PurePath(os.path.normpath(path)).as_posix() if root is None else whole.relative_to(root).as_posix()
