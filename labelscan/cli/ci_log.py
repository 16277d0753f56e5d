"""The log of a CI service, where some texts are commands: a label or a path from outside must not be one.

GitHub runs a line that begins with ``::``, and what follows ``##[`` anywhere in a line; Azure does the same with
``##[`` and ``##vso[``, TeamCity with ``##teamcity[``. There, and only there, a backslash breaks such a text up, which a
person still reads. Line ends and escapes never reach a log: ``wording.printable`` writes them out.
"""

import re
from collections.abc import Mapping
from typing import TextIO, cast

SERVICES = ("CI", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables of which any CI service sets one: almost all ``CI``, Azure and TeamCity their own."""
_COMMAND = re.compile(r"(^[^\S\n]*(?=::)|##(?=\w*\[))", re.MULTILINE)


def is_ci(environment: Mapping[str, str]) -> bool:
    """Return whether what is written ends up in the log of a CI service."""
    return any(environment.get(name) for name in SERVICES)


def without_commands(text: str) -> str:
    """Return ``text``, which begins a line, with a backslash in whatever a CI service would run."""
    return _COMMAND.sub(r"\1\\", text)


class CommandFree:
    """A text stream in which nothing is written that a CI service would run; all else is the stream's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines, or the end of one, and return how many characters were given."""
        self._stream.write(without_commands(text))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def command_free(stream: TextIO, environment: Mapping[str, str]) -> TextIO:
    """Return ``stream``, with nothing left in it that a CI service would run where this is one."""
    # A cast, since only what a console needs of a stream is there.
    return cast(TextIO, CommandFree(stream)) if is_ci(environment) else stream
