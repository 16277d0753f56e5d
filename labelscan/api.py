"""The functions of the library: what the command line calls, for scripts and notebooks."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.benchmarking import run_benchmark as benchmarking
from labelscan.benchmarking.plan import make_benchmark_plan
from labelscan.benchmarking.run_benchmark import Benchmark
from labelscan.comparison.compare import Comparison, compare
from labelscan.config import Config, find_config, resolve
from labelscan.config import settings as all_settings
from labelscan.correction import apply as applying
from labelscan.correction.apply import Applied
from labelscan.correction.corrections import flag_rule
from labelscan.correction.decisions import Decision
from labelscan.data.dataset import Dataset
from labelscan.data.readers.arrays import dataset_from_arrays
from labelscan.errors import ConfigError
from labelscan.events import Listener, ignore
from labelscan.gating.baseline import BaselineUpdate
from labelscan.gating.run_gate import accept, verdict_of
from labelscan.gating.verdict import GateVerdict
from labelscan.pipeline import detect as pipeline
from labelscan.pipeline.planning import Plan, make_plan
from labelscan.reporting.formats import FORMATS
from labelscan.reporting.make_report import TOP, make_report_page, shows_examples, write_report
from labelscan.results import scoring
from labelscan.results.finished_run import FinishedRun
from labelscan.results.write_results import Run
from labelscan.training.user_model import UserModel

Data: TypeAlias = str | Path | Dataset | NDArray[Any]
"""What DATA is on the command line, or a data set, or (N, H, W[, C]) uint8 images or (N, D) features in memory."""


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
            nearest = difflib.get_close_matches(name, list(by_parameter), n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else "overrides={'section.name': value} sets anything"
            raise ConfigError(f"no flag is called {name!r}", where="settings", hint=hint)
    given = {by_parameter[name]: value for name, value in flags.items()} | {"dataset.data": str(data) or None}
    if isinstance(overrides, Mapping):  # flags win
        given, overrides = {**overrides, **{key: one for key, one in given.items() if one is not None}}, ()
    return resolve(flags=given, overrides=overrides, config_file=None if config is None else find_config(str(config)))


def detect(
    data: Data | None = None,
    labels: Sequence[str] | NDArray[Any] | None = None,
    *,
    settings: Config | None = None,
    model: UserModel | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    fresh: bool = False,
    max_seconds: float | None = None,
    notify: Listener = ignore,
) -> Run:
    """Find labels that are probably wrong, and leave a run folder.

    Args:
        data: a path or name as on the command line, a data set, or images or features in memory; None takes
            that of ``settings``.
        labels: (N,) given labels, with data in memory only.
        settings: from ``labelscan.settings``; defaults where None.
        model: a function that returns a new ``nn.Module`` for (B, C, H, W) or (B, D) float inputs, or a
            scikit-learn classifier, in place of the model that the settings name.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        resume: whether it is an error that there is no run to take up.
        fresh: whether an earlier run in the folder is deleted.
        max_seconds: after which the run is interrupted; the same call goes on from there.
        notify: told of everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: settings or data that cannot work, with what to do.
        RunError: a run that could not be finished.
        Interrupted: ``max_seconds`` is over.
    """
    config, dataset = _config_and_dataset(data, labels, settings)
    return pipeline.detect(
        config,
        dataset=dataset,
        model=model,
        output=None if output is None else Path(output),
        resume=resume,
        fresh=fresh,
        max_seconds=max_seconds,
        notify=notify,
    )


def plan(
    data: Data | None = None,
    labels: Sequence[str] | NDArray[Any] | None = None,
    *,
    settings: Config | None = None,
    model: UserModel | None = None,
    output: Path | str | None = None,
    notify: Listener = ignore,
) -> Plan:
    """Return what ``detect`` would do with the same arguments, without training or writing anything."""
    config, dataset = _config_and_dataset(data, labels, settings)
    return make_plan(
        config, dataset=dataset, model=model, output=None if output is None else Path(output), notify=notify
    )


def benchmark(
    data: Data | None = None,
    labels: Sequence[str] | NDArray[Any] | None = None,
    *,
    noises: Sequence[str] = (),
    losses: Sequence[str] = (),
    detectors: Sequence[str] = (),
    n_seeds: int = 3,
    settings: Config | None = None,
    model: UserModel | None = None,
    output: Path | str | None = None,
    fresh: bool = False,
    max_seconds: float | None = None,
    notify: Listener = ignore,
) -> Benchmark:
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
        max_seconds: after which what is done by then is the result; the same call goes on from there.
        notify: told of everything that happens; see ``labelscan.events``.

    Raises:
        UsageError: a name, setting or data that cannot work, with what to do.
        Interrupted: ``max_seconds`` is over before the first cell was finished.
    """
    config, dataset = _config_and_dataset(data, labels, settings)
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
    return benchmarking.benchmark(plan, fresh=fresh, max_seconds=max_seconds, notify=notify)


def score(
    probs: str | Path | Sequence[Sequence[float]] | NDArray[Any],
    given_labels: Sequence[int] | Sequence[str] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    example_ids: Sequence[str] | None = None,
    true_labels: Sequence[int] | Sequence[str] | NDArray[Any] | None = None,
    detector: str | None = None,
    label_column: str = "",
    output: Path | str | None = None,
    fresh: bool = False,
    notify: Listener = ignore,
) -> Run:
    """Judge labels by out-of-fold probabilities made elsewhere, and leave a run folder.

    Args:
        probs: a file as ``labelscan score`` reads it, or (N, K) probabilities.
        given_labels: (N,) class indices, or class names as text; with probabilities in memory only.
        class_names: K names in the order of the columns.
        example_ids: N ids; the order of rows then makes no difference.
        true_labels: (N,) labels known to be right, as ``given_labels``.
        detector: which detector's flags and ranking lead.
        label_column: the column or array of given labels in a file.
        output: the run folder; None is ``labelscan-runs/<name>-<fingerprint>``.
        fresh: whether an earlier run in the folder is deleted.
        notify: told of the steps, and of how the data was read.

    Raises:
        UsageError: probabilities that no detector may judge, with the row.
    """
    return scoring.score(
        probs,
        given_labels,
        class_names=class_names,
        example_ids=example_ids,
        true_labels=true_labels,
        detector=detector or Config().detection.detector,
        label_column=label_column,
        output=None if output is None else Path(output),
        fresh=fresh,
        notify=notify,
    )


def apply(
    run: str | Path | Run,
    *,
    decisions: str | Path | Sequence[Decision] | None = None,
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
    """Write a corrected copy of the labels of a finished run, in the form that they came in; the data is only read.

    Decisions win over flags. A log of all changes is written beside the copy.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        decisions: a file that the report saved or Label Studio exported, or decisions in memory; None is
            decisions.csv in the run folder, where there is one.
        drop: whether flagged labels are left out.
        relabel: whether flagged labels take the suggested label.
        min_error_probability: flags below it are left alone; needed to relabel.
        allow_new_classes: whether decisions may bring in classes that the data does not have.
        output: the copy; None is ``corrected`` in the run folder, with the ending of the original.
        link_to: a new folder that is made instead: class folders of links to the images.
        copy: whether images in ``link_to`` are copied and not linked.
        overwrite: whether files may be replaced that are not what is written now.
        data: where the data lies now, if it was moved.
        notify: told of the reading.

    Raises:
        UsageError: nothing says what to change, decisions belong to other data, or the copy cannot lie there.
    """
    return applying.apply(
        _finished(run),
        decisions=Path(decisions) if isinstance(decisions, str) else decisions,
        rule=flag_rule(drop=drop, relabel=relabel, min_error_probability=min_error_probability),
        allow_new_classes=allow_new_classes,
        output=None if output is None else Path(output),
        link_to=None if link_to is None else Path(link_to),
        copy=copy,
        overwrite=overwrite,
        data=str(data),
        notify=notify,
    )


def diff(first: str | Path | Run, second: str | Path | Run) -> Comparison:
    """Compare what two finished runs flag, on the same data or on versions of it.

    Args:
        first: a run, or its folder.
        second: likewise; what has changed is told as from the first to the second.

    Raises:
        UsageError: no run or an unfinished one, or runs without a common example.
    """
    return compare(_finished(first), _finished(second))


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
    return verdict_of(lambda: _finished(run), dataclasses.replace((settings or Config()).gate, **named))


def update_baseline(run: str | Path | Run, baseline: str | Path) -> BaselineUpdate:
    """Write all suspects of a finished run into a baseline, beside what it holds of the same data already.

    Args:
        run: of ``detect`` or ``score``, or its folder.
        baseline: the file; made where there is none.

    Raises:
        UsageError: no finished run, one that says nothing of the labels, or a file that holds something else.
    """
    return accept(lambda: _finished(run), Path(baseline))


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
        pictures: whether examples are shown, and not only told of.
        image_root: of ``label-studio``: its document root, so that it shows whole images.
        notify: told of the reading and of the pictures.

    Raises:
        UsageError: no run or an unfinished one, or no such format.
    """
    if format not in FORMATS:
        raise ConfigError(f"no format is called {format!r}", where="format", hint=f"use {' or '.join(FORMATS)}")
    finished = _finished(run)
    page = make_report_page(
        finished,
        top=top,
        data=str(data),
        pictures=pictures and shows_examples([format], str(image_root)),
        image_root=str(image_root),
        notify=notify,
    )
    return write_report(finished, page, format, None if output is None else Path(output), data=str(data))


def _config_and_dataset(
    data: Data | None, labels: Sequence[str] | NDArray[Any] | None, config: Config | None
) -> tuple[Config, Dataset | None]:
    config = config or Config()
    to_numpy = getattr(data, "to_numpy", None)  # of a data frame
    data = to_numpy() if to_numpy is not None else data
    if isinstance(data, np.ndarray):
        if labels is None:
            raise ConfigError("images or features in memory need labels", where="labels", hint="detect(data, labels)")
        return config, dataset_from_arrays(data, labels)
    if labels is not None:
        raise ConfigError("labels go with data in memory only", where="labels", hint="leave them out")
    if isinstance(data, Dataset):
        return config, data
    if data is not None:
        config = dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, data=str(data)))
    if not config.dataset.data:
        raise ConfigError("no data was given", where="dataset.data", hint="name a folder, a file, or demo:digits")
    return config, None


def _finished(run: str | Path | Run) -> FinishedRun:
    return FinishedRun.read(run.folder if isinstance(run, Run) else Path(run))
