"""``labelscan gate RUN|DATA``: a verdict on the labels, as an exit code and in the forms that CI services read."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from labelscan.cli import option_values, options
from labelscan.cli.option_values import read_count, read_time
from labelscan.cli.options import OUTPUT, default
from labelscan.config import GateConfig
from labelscan.errors import UsageError

if TYPE_CHECKING:
    from labelscan.gating.verdict import GateVerdict
    from labelscan.results.finished_run import FinishedRun

LIMITS = "Limits"
TOP = 10
TEXT, GITHUB = "text", "github"
FORMATS = (TEXT, "json", "junit", "sarif", GITHUB, "markdown")
STDOUT = ("-", "/dev/stdout", "/dev/fd/1")
"""Names of files by which stdout is meant: where it is redirected, a file of that name would be written over it."""
GATE_FAILED = 1


def gate(
    target: Annotated[
        str,
        Argument(metavar="RUN|DATA", help="Folder of a finished run of detect or score; or data as for detect."),
    ] = "",
    max_rate: Annotated[
        str | None,
        Option(metavar="RATE", help="Share of labels that may be suspects, as in 0.02.", rich_help_panel=LIMITS),
    ] = None,
    max_issues: Annotated[
        str | None, Option(metavar="N", help="Labels that may be suspects.", rich_help_panel=LIMITS)
    ] = None,
    max_class_rate: Annotated[
        str | None, Option(metavar="RATE", help="The share within any one class.", rich_help_panel=LIMITS)
    ] = None,
    max_new: Annotated[
        str | None,
        Option(
            metavar="N",
            help="Suspects that may be missing in the baseline. [default: 0 with a baseline]",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="Labels reviewed before: a file of --update-baseline, or decisions.csv.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    update_baseline: Annotated[
        bool,
        Option(
            "--update-baseline",
            help="Write every flag of today into the baseline, also those below --min-error-probability, and judge "
            "nothing.",
            rich_help_panel=LIMITS,
        ),
    ] = False,
    min_error_probability: Annotated[
        str | None,
        Option(
            metavar="P",
            help="A suspect counts from it on; higher is steadier, as 0.9, since labels that are barely doubtful come "
            "and go with the training." + default("gate.min_error_probability"),
            rich_help_panel=LIMITS,
        ),
    ] = None,
    split: options.Split = None,
    path_column: options.PathColumn = None,
    label_column: options.LabelColumn = None,
    id_column: options.IdColumn = None,
    group_column: options.GroupColumn = None,
    on_unreadable: options.OnUnreadable = None,
    model: options.Model = None,
    weights: options.Weights = None,
    loss: options.Loss = None,
    epochs: options.Epochs = None,
    folds: options.Folds = None,
    seed: options.Seed = None,
    device: options.Device = None,
    workers: options.Workers = None,
    fresh: options.Fresh = False,
    max_time: options.MaxTime = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    formats: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help=f"{', '.join(FORMATS)}; may be repeated. [default: text]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="The same as --format json.", rich_help_panel=OUTPUT)] = False,
    top: Annotated[
        str | None,
        Option(metavar="N", help=f"Suspects listed. [default: {TOP}, none if passed]", rich_help_panel=OUTPUT),
    ] = None,
    quiet: Annotated[
        bool, Option("--quiet", "-q", help="Of the text only the first line.", rich_help_panel=OUTPUT)
    ] = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    output: options.RunFolder = None,
) -> int:
    """Judge labels by limits and a baseline, for CI: exit code 0 passes, 1 fails.

    Given data, detects first. To exceed a limit fails, to reach it does not. Limits can also be settings, as in
    --set gate.max_rate=0.02. What cannot be judged ends in 2, as a run whose models learned nothing.
    """
    for_data: dict[str, str | None] = {
        "split": split,
        "path_column": path_column,
        "label_column": label_column,
        "id_column": id_column,
        "group_column": group_column,
        "on_unreadable": on_unreadable,
        "model": model,
        "weights": weights,
        "loss": loss,
        "epochs": epochs,
        "folds": folds,
        "seed": seed,
        "device": device,
        "workers": workers,
    }
    n_listed = None if top is None else read_count(top, where="--top")
    written = _read_formats([*(formats or []), *(["json"] if as_json else [])], update_baseline=update_baseline)
    option_values.refuse_both("--quiet", quiet, "--verbose", verbose)
    seconds = read_time(max_time) if max_time is not None else None
    is_run = bool(target) and _is_run(Path(target))
    if is_run:
        _refuse_for_runs({**for_data, "output": output, "max_time": max_time, "fresh": fresh or None}, target)
    settings = option_values.read_settings(
        config,
        overrides,
        data=None if is_run else target or None,
        max_rate=max_rate,
        max_issues=max_issues,
        max_class_rate=max_class_rate,
        max_new=max_new,
        baseline=baseline,
        min_error_probability=min_error_probability,
        **for_data,
    )
    if is_run:
        _refuse_settings_for_runs(overrides or [])
    else:
        option_values.require_data(settings, "gate")
    _refuse_inputs(written, settings.gate.baseline, "" if is_run else settings.dataset.data)
    _ = debug  # heeded where errors are caught

    def find_run() -> "FinishedRun":
        from labelscan.results.finished_run import FinishedRun  # not labelscan.gate, for which torch would be loaded
        from labelscan.results.protected_paths import refuse_only_read

        found = FinishedRun.read(Path(target) if is_run else detected())
        for path in filter(None, written.values()):
            refuse_only_read(path, found)
        return found

    def detected() -> Path:
        import labelscan
        from labelscan.cli import progress  # rich and torch load here, not for --help

        with progress.shown(quiet=quiet, verbose=verbose) as listener:
            run = labelscan.detect(settings=settings, output=output, fresh=fresh, max_seconds=seconds, notify=listener)
        return run.folder

    if update_baseline:
        return _update(settings.gate, find_run, quiet=quiet)
    from labelscan.gating.run_gate import verdict_of

    verdict = verdict_of(find_run, settings.gate)
    if n_listed is None:
        n_listed = 0 if verdict.passed else TOP
    _write(verdict, written, top=n_listed, quiet=quiet)
    return 0 if verdict.passed else GATE_FAILED


def _update(limits: GateConfig, find_run: Callable[[], "FinishedRun"], *, quiet: bool) -> int:
    if not limits.baseline:
        raise UsageError(
            "no file is named for the baseline",
            where="--update-baseline",
            hint="name it, as in --baseline labels-baseline.csv",
        )
    from labelscan.cli import gate_screen
    from labelscan.gating.run_gate import accept

    update = accept(find_run, Path(limits.baseline))
    if not quiet:
        gate_screen.show_update(update, limits.min_error_probability)
    return 0


def _write(verdict: "GateVerdict", formats: Mapping[str, Path | None], *, top: int, quiet: bool) -> None:
    """Write the verdict in each form into its file, or to stdout."""
    from labelscan.atomic import replacing
    from labelscan.cli import gate_screen

    forms = _forms()
    for name, path in sorted(formats.items(), key=lambda one: one[1] is None):  # files first: stdout may go away
        if name == TEXT and path is None:
            gate_screen.show(verdict, top=top, quiet=quiet)
            continue
        content = gate_screen.as_text(verdict, top=top) if name == TEXT else forms[name](verdict, top)
        if path is None:
            gate_screen.show_form(content)
            continue
        with contextlib.suppress(BrokenPipeError), replacing(path) as file:  # a pipe that nobody reads on
            file.write(content)


def _forms() -> "Mapping[str, Callable[[GateVerdict, int], str]]":
    """Return what writes each form but the text; loaded when the first of them is wanted."""
    from labelscan.gating.formats import github as github_report
    from labelscan.gating.formats import json as gate_json
    from labelscan.gating.formats import junit as junit_report
    from labelscan.gating.formats import markdown as gate_markdown
    from labelscan.gating.formats import sarif as sarif_report

    return {
        "json": lambda verdict, _: gate_json.as_json(verdict),
        "junit": junit_report.as_junit,
        "sarif": lambda verdict, _: sarif_report.as_sarif(verdict),
        GITHUB: github_report.as_annotations,
        "markdown": gate_markdown.as_markdown,
    }


def _read_formats(texts: list[str], *, update_baseline: bool) -> Mapping[str, Path | None]:
    """Return each form with its file; the text is written too where nothing else goes to stdout."""
    option_values.refuse_both("--update-baseline", update_baseline, "--format", bool(texts))
    bare = [text.partition("=")[0] if text.partition("=")[2] in STDOUT else text for text in texts]
    formats = option_values.read_formats(bare, FORMATS, beside=[GITHUB])
    for name, path in formats.items():
        if path is not None and path.is_dir():
            raise UsageError("this is a folder", where=str(path), hint=f"name a file, as in {name}=gate.{name}")
    if TEXT not in formats and None not in formats.values():
        return {TEXT: None, **formats}
    return formats


def _is_run(target: Path) -> bool:
    """Return whether the argument is the folder of a run.

    Raises:
        UsageError: it is a file that a run has written, which nobody means to train on.
    """
    from labelscan.results.run_files import RUN_FILE, is_own_file  # for which numpy is loaded

    if target.is_file() and is_own_file(target):
        raise UsageError(
            "this is a file of a run, and no data", where=str(target), hint=f"did you mean {target.parent}?"
        )
    return (target / RUN_FILE).is_file()


def _refuse_for_runs(given: Mapping[str, object], target: str) -> None:
    """Raise UsageError where options that only training heeds are given with a run that is finished."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} is for data, and this is a run",
                where=target,
                hint="leave it out, or give the data in place of the run",
            )


def _refuse_settings_for_runs(overrides: Sequence[str]) -> None:
    """Raise UsageError where --set is of anything but the limits, with a run that is finished."""
    for text in overrides:
        if not text.strip().startswith("gate."):
            raise UsageError(
                f"{text!r} is of the training, and this run is finished",
                where="--set",
                hint="leave it out, or give the data in place of the run",
            )


def _refuse_inputs(formats: Mapping[str, Path | None], baseline: str, data: str) -> None:
    """Raise UsageError where a form would be written over what is read."""
    from labelscan.results.protected_paths import refuse_data, refuse_same  # for which pandas is loaded

    for path in filter(None, formats.values()):
        if baseline:
            refuse_same(path, Path(baseline).expanduser(), "the baseline")
        if data:
            refuse_data(path, data)
