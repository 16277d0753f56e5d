"""Judge a finished run by limits and by a baseline of reviewed labels, or accept what it flags into the baseline.

Limits count all suspects, except the limit on new ones, which counts those that are not in the baseline. How many
labels are wrong is known as a range only, so no limit is on that: the sentence about a limit says where it lies in it.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from labelscan.config import GateConfig
from labelscan.errors import GateError
from labelscan.files.reading import with_home
from labelscan.gating.baseline import Baseline, BaselineUpdate, read_baseline, read_to_update, update_baseline
from labelscan.gating.git_paths import from_root, roots_of
from labelscan.gating.verdict import NEW_BASELINE, Check, GateSuspect, GateVerdict
from labelscan.gating.words import limit_and_range, limit_sentence
from labelscan.results.issues import ISSUES_FILE, SCORED, TEXT_COLUMNS
from labelscan.results.protected_paths import refuse_only_read
from labelscan.results.run import FinishedRun
from labelscan.results.source import NOT_PLANTED, given_place
from labelscan.results.wrong_labels import WrongLabels

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
        limits = dataclasses.replace(limits, max_new=0)
    if (limits.max_rate, limits.max_issues, limits.max_class_rate, limits.max_new) == (None,) * 4:
        raise GateError(
            "no-limit",
            "there is no limit to judge by",
            hint="give one, as in --max-rate 0.02 or --max-issues 10, or a --baseline",
        )
    return limits


def judge_gate(run: FinishedRun, limits: GateConfig, baseline: Baseline | None = None) -> GateVerdict:
    """Return the verdict on a finished run, by limits from ``effective_limits``."""
    n_scored = _n_scored(run)
    _check_reach(run, limits.min_error_probability)
    roots = roots_of(run.record.directory)
    suspects = _suspects(run, limits.min_error_probability, baseline, roots)
    place, wrong_labels = given_place(run), run.summary.wrong_labels
    return GateVerdict(
        run=str(run.folder),
        data=run.summary.data,
        source=from_root(roots, str(with_home(place)) if place else ""),
        issues=from_root(roots, str((run.folder / ISSUES_FILE).absolute())),
        checks=tuple(_checks(n_scored, limits, suspects, wrong_labels)),
        n_scored=n_scored.total(),
        n_flagged=int(run.issues.scores["flagged"].sum()),
        min_error_probability=limits.min_error_probability,
        suspects=suspects,
        baseline=str(baseline.path) if baseline else "",
        accepts_into=_accepts_into(baseline),
        gone=baseline.gone(run.given_labels) if baseline else (),
        relabelled=baseline.relabelled(run.given_labels) if baseline else (),
        wrong_labels=wrong_labels,
        is_as_written=run.is_as_written,
        decisions="" if run.is_as_written or run.record.decisions is None else run.record.decisions.file,
        warnings=run.summary.warnings,
    )


def _n_scored(run: FinishedRun) -> Counter[str]:
    """Return by class how many examples have a score, or raise GateError if the flags of the run mean nothing."""
    if run.record.planted:
        raise GateError(
            "planted-labels", "the labels of this run were planted", where=str(run.folder), hint=NOT_PLANTED
        )
    scores = run.issues.scores
    n_scored = Counter(scores.loc[scores["status"] == SCORED, "given_label"])
    if not n_scored:
        raise GateError(
            "nothing-scored",
            "no example has a score",
            where=str(run.folder),
            hint="scores.csv says why, in its last column",
        )
    if run.summary.learned_nothing:
        raise GateError(
            "learned-nothing",
            "the models learned nothing, so that the flags mean nothing",
            where=str(run.folder),
            hint="train longer, choose another model, or check that the labels belong to the examples",
        )
    return n_scored


def _check_reach(run: FinishedRun, least: float) -> None:
    """Raise GateError where nothing counts for the sake of ``least`` alone, and not of the labels.

    Where hardly any label is likelier wrong than right, it is right that none counts, whatever the highest probability.
    """
    n_likely = int((run.issues.flagged["error_probability"] > 0.5).sum())
    if n_likely >= SEVERAL and (problem := run.issues.out_of_reach(least)):
        raise GateError(
            "no-error-probability",
            problem,
            where=str(run.folder),
            hint=f"with --min-error-probability 0.5 the {n_likely:,} labels count that are likelier wrong than right",
        )


def _accepts_into(baseline: Baseline | None) -> str:
    if baseline is None:
        return NEW_BASELINE
    if baseline.are_decisions:
        return ""
    return str(baseline.path) if baseline.may_be_written else NEW_BASELINE


def _suspects(
    run: FinishedRun, least: float, baseline: Baseline | None, roots: tuple[Path, ...]
) -> tuple[GateSuspect, ...]:
    issues, decided_wrong = run.issues.flagged, set(run.decided_wrong)
    found = [
        GateSuspect(
            example_id=str(one["example_id"]),
            path=from_root(roots, str(one["path"])),
            line=line if run.is_as_written else 1,
            given_label=str(one["given_label"]),
            suggested_label=str(one["suggested_label"]),
            error_probability=float(one["error_probability"]),
            is_new=baseline is None or (one["example_id"], one["given_label"]) not in baseline.reviewed,
            is_decided=one["example_id"] in decided_wrong,
        )
        for line, one in zip(_lines(issues), issues.to_dict("records"), strict=True)
        if one["error_probability"] >= least
    ]
    return tuple(sorted(found, key=lambda one: not one.is_new))  # stable: ranks stay in order among each kind


def _checks(
    n_scored: Counter[str], limits: GateConfig, suspects: tuple[GateSuspect, ...], wrong: WrongLabels
) -> Iterator[Check]:
    if limits.max_rate is not None:
        found = len(suspects) / n_scored.total()
        compared = limit_and_range("max-rate", found, limits.max_rate, wrong)
        yield _check("max-rate", limits.max_rate, found, "of the scored labels are suspects", compared=compared)
    if limits.max_issues is not None:
        n_suspects = len(suspects)
        compared = limit_and_range("max-issues", n_suspects, limits.max_issues, wrong)
        yield _check("max-issues", limits.max_issues, n_suspects, _plural(n_suspects), compared=compared)
    if limits.max_class_rate is not None:
        counts = Counter(one.given_label for one in suspects)
        rates = {name: count / n_scored[name] for name, count in counts.items()}
        worst = sorted(rates, key=lambda name: (-rates[name], name))
        exceeding = [name for name in worst if rates[name] > limits.max_class_rate]
        what = f"of the labels {worst[0]!r} are suspects" if worst else "of the labels of any class are suspects"
        found = rates[worst[0]] if worst else 0.0
        yield _check("max-class-rate", limits.max_class_rate, found, what, exceeding)
    if limits.max_new is not None:
        n_new = sum(one.is_new for one in suspects)
        yield _check("max-new", limits.max_new, n_new, f"{_plural(n_new)} not in the baseline")


def _plural(n_suspects: int) -> str:
    return "suspect" if n_suspects == 1 else "suspects"


def _check(
    name: str,
    limit: float,
    found: float,
    what: str,
    exceeded_by: Sequence[str] = (),
    compared: str = "",
) -> Check:
    sentence = limit_sentence(name, found, limit, what, exceeded_by) + compared
    return Check(name=name, limit=limit, found=found, passed=found <= limit, sentence=sentence)


def _lines(issues: pd.DataFrame) -> Iterator[int]:
    """Yield the line on which each row of issues.csv begins, as an editor numbers it; labels may contain line ends."""
    line = 2
    for cells in zip(*(issues[name] for name in TEXT_COLUMNS if name in issues), strict=True):
        yield line
        line += 1 + sum(cell.count("\n") for cell in cells)
