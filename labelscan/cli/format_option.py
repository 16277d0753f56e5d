"""How ``--format FORMAT[=FILE]`` is read."""

from collections.abc import Collection, Sequence
from pathlib import Path

from labelscan.errors import UsageError, did_you_mean
from labelscan.files.reading import with_home


def read_formats(
    texts: Sequence[str], known: Sequence[str], *, can_share: Sequence[str] = (), makes: Collection[str] = ()
) -> dict[str, Path | None]:
    """Return each format with the file that it is written to, None being stdout.

    Args:
        texts: as ``junit`` or ``junit=FILE``.
        known: all formats.
        can_share: those that may go to stdout together with another.
        makes: names of files in a run folder that the command itself writes.

    Raises:
        UsageError: an unknown format, one given twice, two on stdout that would make each other unreadable, or a
            file that another format or a run has written.
    """
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats: dict[str, Path | None] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"use {', '.join(known)}")
            raise UsageError("unknown-format", f"no format is called {name!r}", where="--format", hint=hint)
        if name in formats:
            raise UsageError("format-twice", f"{name} is given twice", where="--format", hint="leave one of them out")
        if equals and not file:
            raise UsageError("no-format-file", f"no file behind {text!r}", where="--format", hint=f"write {name}=FILE")
        path = with_home(file) if equals else None
        if path is not None:
            refuse_run_file(path, makes=makes)
            for other, taken in formats.items():
                if taken is not None and taken.resolve() == path.resolve():
                    hint = "name another file"
                    raise UsageError(
                        "format-same-file", f"{other} goes into that file already", where=f"--format {text}", hint=hint
                    )
        formats[name] = path
    shown = [name for name, path in formats.items() if path is None and name not in can_share]
    if len(shown) > 1:
        problem = f"{' and '.join(shown)} cannot both go to stdout"
        raise UsageError("no-format-file", problem, where="--format", hint=f"write {shown[1]}=FILE")
    return formats
