"""The public functions that join several stages, and accept what a script has: a path, a run, lists, keywords.

``detect``, ``plan``, ``score`` and ``apply`` come from their stages; see ``labelscan.__init__``.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from labelscan.comparison.compare import Comparison, compare
from labelscan.config import Config, find_config, resolve
from labelscan.config import settings as all_settings
from labelscan.correction.review import GivenDecisions, read_review
from labelscan.errors import ConfigError, did_you_mean
from labelscan.events import Listener, ignore
from labelscan.gating.baseline import BaselineUpdate
from labelscan.gating.run_gate import accept, verdict_of
from labelscan.gating.verdict import GateVerdict
from labelscan.pipeline.given_data import Data, settings_and_data
from labelscan.reporting.formats import FORMATS
from labelscan.reporting.make_report import TOP, make_report_page, write_report
from labelscan.results.run import FinishedRun, Run

if TYPE_CHECKING:  # these load torch, which only ``benchmark`` needs
    from labelscan.benchmarking.run_benchmark import Benchmark
    from labelscan.training.user_model import UserModel


def settings(
    data: str | Path = "",
    *,
    overrides: Sequence[str] | Mapping[str, object] = (),
    config: str | Path | None = None,
    **flags: object,
) -> Config:
    """Return all settings: those given here, else those of the ``config`` file, else defaults.

    Args:
        data: as on the command line.
        overrides: ``section.name=value`` texts, or a mapping of ``section.name`` to value.
        config: a file, or the name of one that comes with labelscan.
        flags: any flag of ``labelscan detect`` or ``gate`` that is a setting, under its name:
            ``loss="gce"``, ``epochs=5``, ``batch_size=64``, ``folds=10``, ``max_rate=0.02``.

    Raises:
        ConfigError: a setting is unknown, or has a value that it cannot have.
    """
    by_parameter = {one.parameter: one for one in all_settings().values() if one.flag}
    for name in flags:
        if name not in by_parameter:
            hint = did_you_mean(name, by_parameter, otherwise="overrides={'section.name': value} sets anything")
            raise ConfigError("unknown-flag", f"no flag is called {name!r}", where="settings", hint=hint)
    given: dict[str, object] = {"dataset.data": str(data) or None}
    for name, value in flags.items():
        one = by_parameter[name]
        given[one.key] = one.switched(value) if one.is_switch and isinstance(value, bool) else value
    if isinstance(overrides, Mapping):  # flags win
        given, overrides = {**overrides, **{key: one for key, one in given.items() if one is not None}}, ()
    return resolve(flags=given, overrides=overrides, config_file=None if config is None else find_config(str(config)))


def benchmark(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    label: str = "",
    noises: Sequence[str] = (),
    losses: Sequence[str] = (),
    detectors: Sequence[str] = (),
    n_seeds: int = 3,
    settings: Config | None = None,
    model: "UserModel | Sequence[UserModel] | None" = None,
    output: Path | str | None = None,
    fresh: bool = False,
    max_seconds: float | None = None,
    notify: Listener = ignore,
) -> "Benchmark":
    """Plant label errors, or use known ones, and compare how many of them losses and detectors find.

    Each loss is trained once on the labels of each noise and seed, fold by fold as in ``detect``; all detectors
    judge the same probabilities. Finished cells are kept in the folder: another loss, noise or seed trains only what
    is new, and another detector nothing.

    Args:
        data: as in ``detect``. With ``noises``, the true labels count as right where the data has them, else the
            given ones; without, the data must have true labels, some of which differ from the given ones.
        labels: (N,) with data in memory only.
        label: as in ``detect``.
        noises: such as ``symmetric:0.1``.
        losses: such as ``blurry:gamma=0.4``; the others are compared with the first. Empty is that of ``settings``.
        detectors: such as ``confident-learning:filter_by=both``; empty is those of every run.
        n_seeds: repetitions, each with other errors, folds and models; the first seed is that of ``settings``.
        settings: from ``labelscan.settings``; None is the defaults.
        model: as in ``detect``.
        output: the folder of the benchmark; None is ``labelscan-runs/benchmark-<name>-<fingerprint>``.
        fresh: whether an earlier benchmark in the folder is deleted.
        max_seconds: when to stop; what is done by then is the result, and the same call resumes from there.
        notify: receives everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: a name, setting or data that cannot work, with what to do.
        Interrupted: a signal came, or ``max_seconds`` were over before the first cell was finished.
    """
    from labelscan.benchmarking import run_benchmark
    from labelscan.benchmarking.plan import make_benchmark_plan

    config, dataset = settings_and_data(data, labels, settings, label=label, model=model)
    plan = make_benchmark_plan(
        config,
        dataset=dataset,
        model=model,
        noises=noises,
        losses=losses,
        detectors=detectors,
        n_seeds=n_seeds,
        output=None if output is None else Path(output),
        notify=notify,
    )
    return run_benchmark.benchmark(plan, fresh=fresh, max_seconds=max_seconds, notify=notify)


def diff(first: str | Path | Run, second: str | Path | Run) -> Comparison:
    """Compare what two finished runs flag, on the same data or on versions of it.

    Args:
        first: a run, or its folder.
        second: another; changes are from the first to the second.

    Raises:
        UsageError: a run is missing or not finished, or they have no example in common.
    """
    return compare(FinishedRun.of(first), FinishedRun.of(second))


def gate(
    run: str | Path | Run,
    *,
    max_rate: float | None = None,
    max_issues: int | None = None,
    max_class_rate: float | None = None,
    max_new: int | None = None,
    baseline: str | Path | None = None,
    min_error_probability: float | None = None,
    require_measured: bool | None = None,
    decisions: GivenDecisions | None = None,
    settings: Config | None = None,
) -> GateVerdict:
    """Judge a finished run by limits, and by what was measured and reviewed before.

    Args:
        run: a run of ``detect`` or ``score``, or its folder.
        max_rate: share of the scored labels that may be suspects, or wrong at least as measured, in [0, 1].
        max_issues: how many labels may be suspects, or measured to be wrong.
        max_class_rate: share within any one class.
        max_new: how many suspects may be missing from the baseline; with a baseline, None is 0.
        baseline: a file of reviewed labels, from ``update_baseline``, or the decisions of a reviewer.
        min_error_probability: the least with which a suspect counts.
        require_measured: whether to fail where no decisions measure how many labels are wrong.
        decisions: a file of decisions, or decisions in memory, by which the run is re-scored; its folder is only
            read. None is as the run was judged.
        settings: the limits that are None here, from ``labelscan.settings``.

    Raises:
        UsageError: no limit is given, the run is missing or not finished, or it says nothing about the labels.
    """
    given: dict[str, Any] = {
        "max_rate": max_rate,
        "max_issues": max_issues,
        "max_class_rate": max_class_rate,
        "max_new": max_new,
        "baseline": None if baseline is None else str(baseline),
        "min_error_probability": min_error_probability,
        "require_measured": require_measured,
    }
    limits = {name: value for name, value in given.items() if value is not None}
    review = None if decisions is None else read_review(decisions)

    def find_run() -> FinishedRun:
        found = FinishedRun.of(run)
        if review is None:
            return found
        from labelscan.correction.judging import judge_finished  # for which the detectors are loaded

        return judge_finished(found, review)

    return verdict_of(find_run, dataclasses.replace((settings or Config()).gate, **limits))


def update_baseline(run: str | Path | Run, baseline: str | Path) -> BaselineUpdate:
    """Add all suspects of a finished run to a baseline of the same data.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        baseline: the file; made if missing.

    Raises:
        UsageError: the run is missing, not finished or says nothing about the labels, or the file is not a baseline.
    """
    return accept(lambda: FinishedRun.of(run), Path(baseline))


def report(
    run: str | Path | Run,
    *,
    format: str = "html",  # named as the option of the command
    output: Path | str | None = None,
    top: int = TOP,
    data: str | Path = "",
    pictures: bool = True,
    image_root: Path | str = "",
    notify: Listener = ignore,
) -> Path:
    """Write what a finished run found as one page to read, share and review labels on; return its path.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        format: ``html``, one file with pictures, ``markdown``, or ``label-studio``, tasks for Label Studio with a
            labelling interface next to them.
        output: the file; None is report.html, report.md or label-studio.json in the run folder.
        top: how many suspects are shown.
        data: where the data is now; empty is where the run found it.
        pictures: whether examples are shown.
        image_root: the document root of ``label-studio``, so that it shows whole images.
        notify: receives the steps of reading and of making pictures.

    Raises:
        UsageError: the run is missing or not finished, or there is no such format.
    """
    if format not in FORMATS:
        raise ConfigError(
            "unknown-format", f"no format is called {format!r}", where="format", hint=f"use {' or '.join(FORMATS)}"
        )
    finished = FinishedRun.of(run)
    page = make_report_page(
        finished,
        top=top,
        data=str(data),
        pictures=pictures,
        forms=[format],
        image_root=str(image_root),
        notify=notify,
    )
    return write_report(finished, page, format, None if output is None else Path(output), data=str(data))
