"""Formats in which other programs read a verdict, each in a file of its own.

To add one, write a file here and a line in ``FORMATS``; another package adds one by an entry point in the group
``labelscan.gate_format``. A format is a function that writes a verdict. A ``RecognisedFormat`` also recognises such
files, so that a verdict of an earlier time is withdrawn where there is none now; files of any other stay as they are.

``words`` has the sentences that formats share. The text that people read is laid out once, for
screen and file, by ``cli.gate_screen``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from labelscan.registry import Parts

if TYPE_CHECKING:
    from labelscan.gating.verdict import GateVerdict


class Format(Protocol):
    """A format that a verdict is written in."""

    def __call__(self, verdict: "GateVerdict", top: int, /) -> str:
        """Return the whole file, with its last line end; a list names the first ``top`` suspects."""


@dataclass(frozen=True, slots=True)
class RecognisedFormat:
    """A format that recognises its files, so that ``gating.no_verdict`` can withdraw them."""

    write: Format
    is_verdict: Callable[[str], bool]
    """Returns whether the text of a whole file is a verdict in this format, and not one that mentions it; may raise."""
    no_verdict: Callable[[str], str] | None = None
    """Returns a file that says why there is no verdict; None where the format has no way to say that."""

    def __call__(self, verdict: "GateVerdict", top: int, /) -> str:
        return self.write(verdict, top)


FORMATS: Parts[Format] = Parts(
    "gate format",
    {
        "json": "labelscan.gating.formats.json:JSON",
        "junit": "labelscan.gating.formats.junit:JUNIT",
        "sarif": "labelscan.gating.formats.sarif:SARIF",
        "github": "labelscan.gating.formats.github:GITHUB",
        "markdown": "labelscan.gating.formats.markdown:MARKDOWN",
    },
)
