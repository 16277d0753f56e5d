"""``labelscan gate RUN|DATA``: a verdict on the labels, as an exit code and in the formats that CI services read."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.detect import SETTINGS, read_first
from labelscan.cli.options import OUTPUT, Flag, read_formats, refuse_both
from labelscan.config import GateConfig, settings
from labelscan.config.sections import LIMITS
from labelscan.errors import UsageError
from labelscan.events import interruptible
from labelscan.files.reading import with_home
from labelscan.gating.formats import FORMATS, Format

if TYPE_CHECKING:
    from labelscan.gating.verdict import GateVerdict
    from labelscan.results.run import FinishedRun

TOP = 10
TEXT, GITHUB = "text", "github"
STDOUT = ("-", "/dev/stdout", "/dev/fd/1")
"""File names that mean stdout; to replace a file of that name would break a redirected stdout."""
GATE_FAILED = 1


@command(groups=(LIMITS, *SETTINGS), without=("detection.self_check",))
def gate(
    given: Given,
    target: Annotated[
        str,
        Argument(metavar="RUN|DATA", help="Folder of a finished run of detect or score; or data as for detect."),
    ] = "",
    update_baseline: Annotated[
        bool,
        Flag(
            LIMITS,
            "Write every flag of this run into the baseline, even below --min-error-probability, and judge nothing.",
        ),
    ] = False,
    decisions: options.Decisions = None,
    fresh: options.Fresh = False,
    max_time: options.MaxTime = None,
    output: options.RunFolder = None,
    formats: Annotated[
        list[str] | None,
        Flag(
            OUTPUT,
            f"{', '.join([TEXT, *FORMATS.built_in])}; may be repeated. [default: text]",
            "FORMAT[=FILE]",
            ("--format",),
        ),
    ] = None,
    as_json: Annotated[bool, Flag(OUTPUT, "The same as --format json.", names=("--json",))] = False,
    top: Annotated[int | None, Flag(OUTPUT, f"Suspects listed. [default: {TOP}, none if passed]", "N")] = None,
    quiet: Annotated[bool, Flag(OUTPUT, "Only the first line of the text.", names=("-q",))] = False,
    verbose: options.Verbose = False,
) -> int:
    """Judge labels by limits and a baseline, for CI: exit code 0 passes, 1 fails.

    Given data, detects first. A limit may be reached but not exceeded; limits can also be settings, as in
    --set gate.max_rate=0.02. The exit code is 2 where nothing can be judged, as when the models learned nothing; a
    JUnit file then has an error, and other files lose the verdict of an earlier time.
    """
    written = _read_formats([*(formats or []), *(["json"] if as_json else [])], update_baseline=update_baseline)
    if target and _is_run(with_home(target)):
        _refuse_for_runs(given, target, {"--output": output, "--max-time": max_time, "--fresh": fresh or None})
        is_run, config = True, given.resolve()
    else:
        is_run, config = False, given.resolve_with_data(target, "gate")
    _refuse_inputs(written, config.gate.baseline, decisions, "" if is_run else config.dataset.data)

    def find_run() -> "FinishedRun":
        from labelscan.correction.review import read_review, with_remembered
        from labelscan.results.protected_paths import refuse_only_read
        from labelscan.results.run import FinishedRun

        review = None if decisions is None else read_review(decisions)
        folder = with_home(target)
        if not is_run:
            import labelscan
            from labelscan.cli import progress  # for which rich is loaded, not for --help

            with progress.shown(quiet=quiet, verbose=verbose) as listener:
                listen = interruptible(listener, max_time)
                dataset = read_first(config, listen)
                from labelscan.pipeline.run_plan import run_plan  # for which torch is loaded

                planned = labelscan.plan(dataset, settings=config, output=output, notify=listen)
                review = with_remembered(review, config.dataset.data)
                folder = run_plan(planned, fresh=fresh, review=review, for_gate=True, notify=listen).folder
        found = FinishedRun.read(folder)
        for path in filter(None, written.values()):
            refuse_only_read(path, found)
        if not is_run or review is None:
            return found
        from labelscan.correction.judging import judge_finished  # for which the detectors are loaded

        return judge_finished(found, review)

    if update_baseline:
        return _update(config.gate, find_run, quiet=quiet)
    from labelscan.gating.run_gate import verdict_of

    with _no_old_verdict(written):
        verdict = verdict_of(find_run, config.gate)
    if top is None:
        top = 0 if verdict.passed else TOP
    _write(verdict, written, top=top, quiet=quiet)
    return 0 if verdict.passed else GATE_FAILED


def _update(limits: GateConfig, find_run: Callable[[], "FinishedRun"], *, quiet: bool) -> int:
    if not limits.baseline:
        hint = "name it, as in --baseline labels-baseline.csv"
        raise UsageError("no-baseline", "no file is named for the baseline", where="--update-baseline", hint=hint)
    from labelscan.cli import gate_screen
    from labelscan.gating.run_gate import accept

    update = accept(find_run, Path(limits.baseline))
    if not quiet:
        gate_screen.show_update(update, limits.min_error_probability)
    return 0


@contextlib.contextmanager
def _no_old_verdict(formats: Mapping[str, Path | None]) -> Iterator[None]:
    """Withdraw the verdict of an earlier time from its files where there is none now."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        from labelscan.gating.no_verdict import withdraw

        files = {name: path for name, path in formats.items() if path is not None}
        withdraw(files, str(error) or "interrupted", find_format)
        raise


def _write(verdict: "GateVerdict", formats: Mapping[str, Path | None], *, top: int, quiet: bool) -> None:
    """Write the verdict in each format to its file, or to stdout."""
    from labelscan.cli import console, gate_screen
    from labelscan.files.atomic import replacing

    for name, path in sorted(formats.items(), key=lambda one: one[1] is None):  # files first: stdout may go away
        if name == TEXT and path is None:
            gate_screen.show(verdict, top=top, quiet=quiet)
            continue
        content = find_format(name)(verdict, top)
        if path is None:
            (console.show_annotations if name == GITHUB else console.show_formatted)(content)
            continue
        with contextlib.suppress(BrokenPipeError), replacing(path) as file:  # a pipe whose reader is gone
            file.write(content)


def find_format(name: str) -> Format:
    """Return a format by its name, also the text, which is laid out like the screen, or raise ConfigError."""
    if name != TEXT:
        return FORMATS[name]
    from labelscan.cli import gate_screen  # for which rich is loaded

    return gate_screen.TEXT


def _read_formats(texts: list[str], *, update_baseline: bool) -> Mapping[str, Path | None]:
    """Return each format with its file; text is added where nothing else goes to stdout."""
    refuse_both("--update-baseline", update_baseline, "--format", bool(texts))
    bare = [text.partition("=")[0] if text.partition("=")[2] in STDOUT else text for text in texts]
    formats = read_formats(bare, [TEXT, *FORMATS], can_share=[GITHUB])
    for name, path in formats.items():
        if path is not None and path.is_dir():
            raise UsageError(
                "is-a-folder", "this is a folder", where=str(path), hint=f"name a file, as in {name}=gate.{name}"
            )
    if TEXT not in formats and None not in formats.values():
        return {TEXT: None, **formats}
    return formats


def _is_run(target: Path) -> bool:
    """Return whether the argument is the folder of a run; refuse a file of one, which is never meant as data."""
    from labelscan.runs.files import RUN_FILE, is_own_file  # for which numpy is loaded

    if target.is_file() and is_own_file(target):
        raise UsageError(
            "run-not-data",
            "this is a file of a run, and no data",
            where=str(target),
            hint=f"did you mean {target.parent}?",
        )
    return (target / RUN_FILE).is_file()


def _refuse_for_runs(given: Given, target: str, others: Mapping[str, object]) -> None:
    """Refuse options that only training uses where the run is finished."""
    flags = {settings()[key].option: value for key, value in given.flags.items() if not key.startswith("gate.")}
    hint = "leave it out, or give the data in place of the run"
    for flag, value in {**flags, **others}.items():
        if value is not None:
            raise UsageError("flag-for-data", f"{flag} is for data, and this is a run", where=target, hint=hint)
    for text in given.overrides:
        if not text.strip().startswith("gate."):
            raise UsageError(
                "flag-for-training", f"{text!r} is for training, and this run is finished", where="--set", hint=hint
            )


def _refuse_inputs(formats: Mapping[str, Path | None], baseline: str, decisions: Path | None, data: str) -> None:
    """Refuse to write a verdict over a file that is read."""
    from labelscan.results.protected_paths import refuse_data, refuse_same  # for which pandas is loaded

    for path in filter(None, formats.values()):
        if baseline:
            refuse_same(path, with_home(baseline), "the baseline")
        if decisions is not None:
            refuse_same(path, decisions, "the file of decisions")
        if data:
            refuse_data(path, data)
