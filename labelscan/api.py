"""The functions of the library that join several steps, or take what a script has: a path, a run, lists, keywords.

``detect``, ``plan`` and ``score`` are those of their stages; see ``labelscan.__init__``.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from labelscan.comparison.compare import Comparison, compare
from labelscan.config import Config, find_config, resolve
from labelscan.config import settings as all_settings
from labelscan.errors import ConfigError, did_you_mean
from labelscan.events import Listener, ignore
from labelscan.gating.baseline import BaselineUpdate
from labelscan.gating.run_gate import accept, verdict_of
from labelscan.gating.verdict import GateVerdict
from labelscan.pipeline.given_data import Data, settings_and_data
from labelscan.reporting.formats import FORMATS
from labelscan.reporting.make_report import TOP, make_report_page, shows_examples, write_report
from labelscan.results.finished_run import FinishedRun, Run

if TYPE_CHECKING:  # these load torch, which all functions but ``benchmark`` do without
    from labelscan.benchmarking.run_benchmark import Benchmark
    from labelscan.training.user_model import UserModel


def settings(
    data: str | Path = "",
    *,
    overrides: Sequence[str] | Mapping[str, object] = (),
    config: str | Path | None = None,
    **flags: object,
) -> Config:
    """Return all settings: those given here, then those of the ``config`` file, then defaults.

    Args:
        data: as on the command line.
        overrides: ``section.name=value`` texts, or a mapping of ``section.name`` to value.
        config: file, or name of one that comes with labelscan.
        flags: any flag of ``labelscan detect`` or ``gate`` that is a setting, called as there:
            ``loss="gce"``, ``epochs=5``, ``batch_size=64``, ``folds=10``, ``max_rate=0.02``.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot have.
    """
    by_parameter = {one.parameter: one.key for one in all_settings().values() if one.flag}
    for name in flags:
        if name not in by_parameter:
            hint = did_you_mean(name, by_parameter, otherwise="overrides={'section.name': value} sets anything")
            raise ConfigError(f"no flag is called {name!r}", where="settings", hint=hint)
    given = {by_parameter[name]: value for name, value in flags.items()} | {"dataset.data": str(data) or None}
    if isinstance(overrides, Mapping):  # flags win
        given, overrides = {**overrides, **{key: one for key, one in given.items() if one is not None}}, ()
    return resolve(flags=given, overrides=overrides, config_file=None if config is None else find_config(str(config)))


def benchmark(
    data: Data | None = None,
    labels: ArrayLike | None = None,
    *,
    noises: Sequence[str] = (),
    losses: Sequence[str] = (),
    detectors: Sequence[str] = (),
    n_seeds: int = 3,
    settings: Config | None = None,
    model: "UserModel | None" = None,
    output: Path | str | None = None,
    fresh: bool = False,
    max_seconds: float | None = None,
    notify: Listener = ignore,
) -> "Benchmark":
    """Plant label errors, or take those that are known, and compare how many of them losses and detectors find.

    Each loss is trained once on the labels of each noise and seed, fold by fold as ``detect`` does; all detectors
    judge the same probabilities. Finished cells are kept in the folder: with one more loss, noise or seed only what
    is new is trained, and with another detector nothing.

    Args:
        data: as in ``detect``. With ``noises`` the true labels are taken for right where the data has them, else
            the given ones; without, the data must have true labels, some of them unlike the given ones.
        labels: (N,) with data in memory only.
        noises: as in ``symmetric:0.1``.
        losses: as in ``blurry:gamma=0.4``; the others are compared with the first. None is that of ``settings``.
        detectors: as in ``confident-learning:filter_by=both``; none stands for those of every run.
        n_seeds: how often all is done, with other errors, folds and models; the first seed is that of ``settings``.
        settings: from ``labelscan.settings``; defaults where None.
        model: as in ``detect``.
        output: the folder of the benchmark; None is ``labelscan-runs/benchmark-<name>-<fingerprint>``.
        fresh: whether an earlier benchmark in the folder is deleted.
        max_seconds: after which what is done by then is the result; the same call resumes from there.
        notify: receives everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: a name, setting or data that cannot work, with what to do.
        Interrupted: ``max_seconds`` is over before the first cell was finished.
    """
    from labelscan.benchmarking import run_benchmark
    from labelscan.benchmarking.plan import make_benchmark_plan

    config, dataset = settings_and_data(data, labels, settings)
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
        second: another; what has changed is said as from the first to the second.

    Raises:
        UsageError: no run or an unfinished one, or runs without a common example.
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
    settings: Config | None = None,
) -> GateVerdict:
    """Judge a finished run by limits, and by what was reviewed before.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        max_rate: share of the scored labels that may be suspects, in [0, 1].
        max_issues: how many may be.
        max_class_rate: the share within any one class.
        max_new: how many suspects may be missing in the baseline; None is 0 where there is one.
        baseline: file of reviewed labels, from ``update_baseline``, or the decisions of a reviewer.
        min_error_probability: from which on a suspect counts.
        settings: limits where None is given here, as from ``labelscan.settings``.

    Raises:
        UsageError: no limit, no finished run, or one that says nothing of the labels.
    """
    given = {
        "max_rate": max_rate,
        "max_issues": max_issues,
        "max_class_rate": max_class_rate,
        "max_new": max_new,
        "baseline": None if baseline is None else str(baseline),
        "min_error_probability": min_error_probability,
    }
    named: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return verdict_of(lambda: FinishedRun.of(run), dataclasses.replace((settings or Config()).gate, **named))


def update_baseline(run: str | Path | Run, baseline: str | Path) -> BaselineUpdate:
    """Write all suspects of a finished run into a baseline, beside what it holds of the same data already.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        baseline: the file; made where there is none.

    Raises:
        UsageError: no finished run, one that says nothing of the labels, or a file that holds something else.
    """
    return accept(lambda: FinishedRun.of(run), Path(baseline))


def report(
    run: str | Path | Run,
    *,
    format: str = "html",  # as the option of the command is called
    output: Path | str | None = None,
    top: int = TOP,
    data: str | Path = "",
    pictures: bool = True,
    image_root: Path | str = "",
    notify: Listener = ignore,
) -> Path:
    """Write what a finished run found as one page to read, show and review labels on; return its path.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        format: ``html``, one file with pictures, ``markdown``, or ``label-studio``, tasks for Label Studio with the
            labelling interface beside them.
        output: the file; None is report.html, report.md or label-studio.json in the run folder.
        top: how many suspects are shown.
        data: where the data lies now; empty is where the run found it.
        pictures: whether examples are shown.
        image_root: the document root of ``label-studio``, so that it shows whole images.
        notify: receives the steps of the reading and of the pictures.

    Raises:
        UsageError: no run or an unfinished one, or no such format.
    """
    if format not in FORMATS:
        raise ConfigError(f"no format is called {format!r}", where="format", hint=f"use {' or '.join(FORMATS)}")
    finished = FinishedRun.of(run)
    page = make_report_page(
        finished,
        top=top,
        data=str(data),
        pictures=pictures and shows_examples([format], str(image_root)),
        image_root=str(image_root),
        notify=notify,
    )
    return write_report(finished, page, format, None if output is None else Path(output), data=str(data))
