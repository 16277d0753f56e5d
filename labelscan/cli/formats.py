"""What ``--format FORMAT[=FILE]`` says."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from labelscan.errors import UsageError


def read_formats(
    texts: Sequence[str], known: Sequence[str], *, beside: Sequence[str] = (), makes: Collection[str] = ()
) -> dict[str, Path | None]:
    """Return each format with the file that it is written to, None being stdout.

    Args:
        texts: as ``junit`` or ``junit=FILE``.
        known: the formats there are.
        beside: those that may share stdout with another.
        makes: names of files of a run that the command itself makes.

    Raises:
        UsageError: an unknown format, one given twice, two on stdout that would make each other unreadable, or a
            file that another format or a run has written.
    """
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats: dict[str, Path | None] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"use {', '.join(known)}"
            raise UsageError(f"no format is called {name!r}", where="--format", hint=hint)
        if name in formats:
            raise UsageError(f"{name} is given twice", where="--format", hint="leave one of them out")
        if equals and not file:
            raise UsageError(f"no file behind {text!r}", where="--format", hint=f"write {name}=FILE")
        path = Path(file).expanduser() if equals else None
        if path is not None:
            refuse_run_file(path, makes=makes)
            _refuse_taken(path, formats, text)
        formats[name] = path
    shown = [name for name, path in formats.items() if path is None and name not in beside]
    if len(shown) > 1:
        raise UsageError(
            f"{' and '.join(shown)} cannot both go to stdout", where="--format", hint=f"write {shown[1]}=FILE"
        )
    return formats


def _refuse_taken(path: Path, formats: Mapping[str, Path | None], text: str) -> None:
    for other, taken in formats.items():
        if taken is not None and taken.resolve() == path.resolve():
            raise UsageError(f"{other} goes into that file already", where=f"--format {text}", hint="name another file")
