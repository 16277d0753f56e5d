"""Formats in which other programs read a verdict, each a function in a file of its own.

To add one, write a file here, a line in ``FORMATS``, and in ``gating.no_verdict`` how it begins: the verdict of an
earlier time is deleted where there is none now. Another package adds one by an entry point in the group
``labelscan.gate_format``; its files stay as they are where there is no verdict.

``words`` has the sentences that formats share. The text that people read is laid out once, for
screen and file, by ``cli.gate_screen``.
"""

from typing import TYPE_CHECKING, Protocol

from labelscan.registry import Parts

if TYPE_CHECKING:
    from labelscan.gating.verdict import GateVerdict


class Format(Protocol):
    """A format that a verdict is written in."""

    def __call__(self, verdict: "GateVerdict", top: int, /) -> str:
        """Return the whole file, with its last line end; a list names the first ``top`` suspects."""


FORMATS: Parts[Format] = Parts(
    "gate format",
    {
        "json": "labelscan.gating.formats.json:as_json",
        "junit": "labelscan.gating.formats.junit:as_junit",
        "sarif": "labelscan.gating.formats.sarif:as_sarif",
        "github": "labelscan.gating.formats.github:as_annotations",
        "markdown": "labelscan.gating.formats.markdown:as_markdown",
    },
)
