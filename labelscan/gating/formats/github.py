"""A verdict as workflow commands: what GitHub Actions shows beside the changes of a pull request.

GitHub shows at most 10 annotations of a kind a step, so the verdict comes first and the worst suspects follow.
"""

from labelscan.gating.formats.words import doubt, findings, outcome, reason
from labelscan.gating.verdict import GateSuspect, GateVerdict
from labelscan.wording import printable

MOST_ANNOTATIONS = 10
TITLE = "labelscan gate"


def as_annotations(verdict: GateVerdict, top: int) -> str:
    """Return one line an annotation; a verdict that passes is a single notice."""
    reasons = [check.sentence for check in verdict.checks if not check.passed]
    words = f"{outcome(verdict)}: {'; '.join(reasons) or reason(verdict)}. {findings(verdict)}"
    if verdict.passed:
        return _command("notice", words, title=TITLE)
    shown = verdict.to_look_at[: min(top, MOST_ANNOTATIONS - 1)]
    return _command("error", words, title=TITLE) + "".join(map(_annotation, shown))


def _annotation(suspect: GateSuspect) -> str:
    title = f"{suspect.given_label} -> {suspect.suggested_label}"
    words = f"{suspect.place}: {doubt(suspect)}"
    return _command("error", words, file=suspect.path, title=title)


def _command(kind: str, message: str, **properties: str) -> str:
    given = ",".join(f"{name}={_escaped_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_escaped(printable(message))}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(printable(text)).replace(":", "%3A").replace(",", "%2C")
