"""``labelscan`` and ``python -m labelscan``: the one place where errors become messages and exit codes.

0 done, 2 bad usage, settings or data, 3 the run failed, 130 interrupted. 1 means that a gate failed, so nothing that
goes wrong by accident may end in it.
"""

import contextlib
import difflib
import errno
import os
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from labelscan.errors import Interrupted, LabelscanError, Problem, UsageError

RESUMABLE = {"detect", "benchmark", "gate"}
BAD_USAGE, FAILED, INTERRUPTED = UsageError.exit_code, LabelscanError.exit_code, Interrupted.exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: what stands behind ``labelscan``; None takes them from the process.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _main(arguments)
    except Exception:  # of telling what went wrong, as where an installation is broken
        with contextlib.suppress(OSError):
            traceback.print_exc()
        return FAILED


def _main(arguments: list[str]) -> int:
    code = 0
    try:
        _prepare()
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:  # while modules load, or a second time
        code = _interrupted(arguments, "")
    except BrokenPipeError:
        # Whoever reads has seen enough, as in `labelscan list losses | head -1`.
        _stop_writing(sys.stdout)
    except Exception as error:
        code = _unforeseen(error, arguments)
    return code


def _prepare() -> None:
    """Make the streams take anything that is written, and a scheduler's signal an interruption."""
    for name in ("stdin", "stdout", "stderr"):  # in this order: what is opened takes the lowest number that is free
        if getattr(sys, name) is None:  # closed by the caller, as in `labelscan gate ... >&-`
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # until the end
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # how schedulers say that the time is over
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a name must not end a run


def _run(arguments: list[str]) -> int:
    from typer import Abort
    from typer.main import get_command

    from labelscan.cli import app

    try:
        result: object = get_command(app).main(arguments, prog_name="labelscan", standalone_mode=False)
    except SystemExit as stop:
        return _stopped(stop, arguments)
    except (KeyboardInterrupt, Abort):
        result = INTERRUPTED  # typer either raises one of these or returns this code
    except Interrupted as error:
        return _interrupted(arguments, str(error.problems[0].problem))
    except LabelscanError as error:
        _report(error.problems, arguments, error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        return _other(error, arguments)
    if result == INTERRUPTED:
        return _interrupted(arguments, "")
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _stopped(stop: SystemExit, arguments: list[str]) -> int:
    """Return the code of something that ended the program by itself: typer on a broken pipe, or a library."""
    if stop.code in (None, 0):
        return 0
    cause = stop.__context__
    if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
        raise BrokenPipeError from cause
    return _unforeseen(stop, arguments)


def _other(error: Exception, arguments: list[str]) -> int:
    """Report an error of the command line's grammar, or one that nobody thought of."""
    # The errors of click, of which newer versions of typer keep their own copy: known by what they can do.
    describe = getattr(error, "format_message", None)
    if describe is not None:
        from labelscan.cli import app

        commands = [command.name for command in app.registered_commands]
        command = arguments[0] if arguments and arguments[0] in commands else ""
        page = f"see labelscan {command}{' ' if command else ''}--help"
        problem = Problem(str(describe()).rstrip("."), hint=page)
        unknown, nearest = getattr(error, "option_name", ""), getattr(error, "possibilities", None)
        if unknown and nearest:  # click lists all that resemble it in the least, the nearest not first
            best = difflib.get_close_matches(unknown, nearest, n=1, cutoff=0)[0]
            problem = Problem(f"no such option: {unknown}", hint=f"did you mean {best}? {page}")
        _report([problem], arguments, error)
        return BAD_USAGE
    return _unforeseen(error, arguments)


def _unforeseen(error: BaseException, arguments: list[str]) -> int:
    hint = "" if _debugging(arguments) else "run again with --debug for the traceback"
    if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that may not be written
        problem = Problem(error.strerror, where=str(error.filename or ""), hint=hint)
    elif isinstance(error, MemoryError):
        problem = Problem("the memory is not enough", hint="make it less: --batch-size, --image-size")
    else:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        problem = Problem(f"this was not foreseen: {what}", hint=hint)
    _report([problem], arguments, error)
    return FAILED


def _report(problems: Sequence[Problem], arguments: list[str], error: BaseException) -> None:
    from labelscan.cli import console

    with _telling():
        if _debugging(arguments):
            sys.stderr.write("".join(traceback.format_exception(error)))
        console.show_problems(problems)


def _interrupted(arguments: list[str], reason: str) -> int:
    from labelscan.cli import console

    with _telling():
        console.show_message(reason or "stopped by the user", kind="interrupted")
        if not RESUMABLE.isdisjoint(arguments) and "--dry-run" not in arguments:
            # Without --fresh, which would begin again.
            again = shlex.join(["labelscan", *(argument for argument in arguments if argument != "--fresh")])
            console.show_message(again, kind="resume with", wrap=False)
    return INTERRUPTED


@contextmanager
def _telling() -> Iterator[None]:
    """Keep the exit code what it is where stderr cannot be written: then it is all that tells."""
    try:
        yield
    except OSError:
        _stop_writing(sys.stderr)


def _debugging(arguments: list[str]) -> bool:
    return "--debug" in arguments


def _stop_writing(stream: TextIO) -> None:
    from labelscan.cli import console

    console.discard(stream)


if __name__ == "__main__":
    sys.exit(main())
