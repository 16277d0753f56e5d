"""``labelscan`` and ``python -m labelscan``: the one place where errors become messages and exit codes.

0 is success, 2 bad usage, settings or data, 3 a failed run, 130 an interruption. 1 means that a gate failed, so no
accident may end in it.
"""

import atexit
import contextlib
import errno
import os
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

from labelscan.errors import Interrupted, LabelscanError, Problem, UsageError, did_you_mean
from labelscan.processes import interruption
from labelscan.processes.freed_memory import keep_freed_memory

RESUMABLE = {"detect", "benchmark", "gate"}
BAD_USAGE, FAILED, INTERRUPTED = UsageError.exit_code, LabelscanError.exit_code, Interrupted.exit_code


def program() -> NoReturn:
    """Run the command line that this process was started with, and end the process with its exit code.

    What was loaded is not unloaded first: for torch that would take more than a second.
    """
    keep_freed_memory(os.environ)
    codes: list[int] = []
    atexit.register(_end_at_once, codes)  # the first to be registered is the last to be called
    codes.append(main(sys.argv[1:]))
    interruption.ignore_signals()  # the exit code is known, but ending the processes that have trained may take a while
    sys.exit(codes[0])


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: those after ``labelscan``.
    """
    arguments = list(arguments)
    try:
        try:
            _prepare()
            code = _run(arguments)
            sys.stdout.flush()
        except KeyboardInterrupt:  # while modules load, or a second time
            code = _interrupted(arguments)
        except BrokenPipeError:
            code = 0
            _stop_writing(sys.stdout)  # the reader has seen enough, as in `labelscan list losses | head -1`
        except Exception as error:
            code = _unexpected(error, arguments)
    except Exception:  # even the report of an error failed, as in a broken installation
        with contextlib.suppress(OSError):
            traceback.print_exc()
        return FAILED
    return code


def _prepare() -> None:
    """Make every text writable to the streams, and signals interruptions."""
    for name in ("stdin", "stdout", "stderr"):  # in this order: a file gets the lowest free descriptor
        if getattr(sys, name) is None:  # closed by the caller, as in `labelscan gate ... >&-`
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # until the end
    interruption.prepare_signals(_say_stopping)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that a terminal cannot show must not end a run


def _run(arguments: list[str]) -> int:
    from typer import Abort
    from typer.main import get_command

    from labelscan.cli import app

    try:
        result: object = get_command(app).main(arguments, prog_name="labelscan", standalone_mode=False)
    except SystemExit as stop:  # by typer, on a broken pipe, or by a library
        if stop.code in (None, 0):
            return 0
        cause = stop.__context__
        if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
            raise BrokenPipeError from cause
        return _unexpected(stop, arguments)
    except (KeyboardInterrupt, Abort):
        result = INTERRUPTED  # typer raises one of these or returns this code
    except Interrupted as error:
        return _interrupted(arguments, str(error.problems[0].problem))
    except LabelscanError as error:
        _report(error.problems, arguments, error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        if not hasattr(error, "format_message"):
            return _unexpected(error, arguments)
        # An error of click, recognised by its method: newer versions of typer have their own copy of the classes.
        _report([_usage_problem(error, arguments)], arguments, error)
        return BAD_USAGE
    if result == INTERRUPTED:
        return _interrupted(arguments)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _usage_problem(error: Any, arguments: list[str]) -> Problem:
    from labelscan.cli import app

    commands = [command.name for command in app.registered_commands]
    command = f"{arguments[0]} " if arguments and arguments[0] in commands else ""
    page = f"see labelscan {command}--help"
    unknown, context = getattr(error, "option_name", ""), getattr(error, "ctx", None)
    if unknown and context is not None:  # what click itself suggests is not sorted by how near it is
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        hint = did_you_mean(unknown, known, otherwise="")
        return Problem("unknown-option", f"no such option: {unknown}", hint=f"{hint} {page}".lstrip())
    return Problem("wrong-usage", str(error.format_message()).rstrip("."), hint=page)


def _unexpected(error: BaseException, arguments: list[str]) -> int:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # whatever asked for it, the user named it
        problem = Problem(
            "path-too-long", "the path is too long", where=str(error.filename or ""), hint="give a shorter one"
        )
        _report([problem], arguments, error)
        return BAD_USAGE
    hint = "" if "--debug" in arguments else "run again with --debug for the traceback"
    if isinstance(error, OSError) and error.strerror:  # a full disk, a read-only folder
        problem = Problem("file-error", error.strerror, where=str(error.filename or ""), hint=hint)
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, for GPUs
        problem = Problem("out-of-memory", "out of memory", hint="reduce --batch-size or --image-size")
    else:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        problem = Problem("unexpected", f"unexpected error: {what}", hint=hint)
    _report([problem], arguments, error)
    return FAILED


def _report(problems: Sequence[Problem], arguments: list[str], error: BaseException) -> None:
    from labelscan.cli.problems import show_problems, show_traceback

    with _on_stderr():
        debug = "--debug" in arguments
        if debug:
            show_traceback(error)
        show_problems(problems, with_codes=debug)


def _interrupted(arguments: list[str], reason: str = "") -> int:
    from labelscan.cli import console

    with _on_stderr():
        console.show_message(reason or interruption.reason(), kind="interrupted")
        if RESUMABLE.intersection(arguments[:1]) and "--dry-run" not in arguments:
            has_begun = interruption.has_begun()  # what --fresh was to delete is deleted
            again = [one for one in arguments if one != "--fresh" or not has_begun]
            console.show_message(shlex.join(["labelscan", *again]), kind="resume with", wrap=False)
    return INTERRUPTED


def _say_stopping(message: str) -> None:
    from labelscan.cli import console

    with _on_stderr():
        console.show_message(message, kind="stopping")


@contextmanager
def _on_stderr() -> Iterator[None]:
    """Keep the exit code where stderr cannot be written: then nothing else says what happened."""
    try:
        yield
    except OSError:
        _stop_writing(sys.stderr)


def _stop_writing(stream: TextIO) -> None:
    from labelscan.cli import console

    console.discard(stream)


def _end_at_once(codes: list[int]) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    if codes:
        os._exit(codes[0])


if __name__ == "__main__":
    program()
