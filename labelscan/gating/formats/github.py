"""A verdict as workflow commands, which GitHub Actions shows next to the changes of a pull request.

GitHub shows at most 10 annotations of a kind a step, so the verdict comes first and the worst suspects follow.
"""

from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateVerdict
from labelscan.gating.words import findings, outcome, reason, why_flagged
from labelscan.wording.words import printable

MOST_ANNOTATIONS = 10
TITLE = "labelscan gate"


def as_annotations(verdict: GateVerdict, top: int) -> str:
    """Return one line an annotation; a verdict that passes is a single notice."""
    reasons = [check.sentence for check in verdict.checks if not check.passed]
    words = f"{outcome(verdict)}: {'; '.join(reasons) or reason(verdict)}. {'; '.join(findings(verdict))}"
    if verdict.passed:
        return _command("notice", words, title=TITLE)
    lines = [_command("error", words, title=TITLE)]
    for one in verdict.to_look_at[: min(top, MOST_ANNOTATIONS - 1)]:
        title = f"{one.given_label} -> {one.suggested_label}"
        lines.append(_command("error", f"{one.place}: {why_flagged(one)}", file=one.path, title=title))
    return "".join(lines)


def is_verdict(text: str) -> bool:
    """Return whether the first workflow command is the outcome of a gate."""
    return text.startswith(tuple(f"::{kind} title={TITLE}::" for kind in ("notice", "error")))


def _command(kind: str, message: str, **properties: str) -> str:
    given = ",".join(f"{name}={_escaped_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_escaped(message)}\n"


def _escaped(text: str) -> str:
    return printable(text).replace("%", "%25")  # which leaves no line ends to escape


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


GITHUB = RecognisedFormat(as_annotations, is_verdict)
