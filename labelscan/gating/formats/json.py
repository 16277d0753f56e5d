"""A verdict as JSON, for scripts."""

from labelscan.files.reading import parse_json
from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateVerdict
from labelscan.wording.words import as_json as written

KEYS = frozenset(["format_version", "passed", "run", "n_scored", "n_suspects", "min_error_probability", "checks"])
"""Some of those that a verdict has."""


def as_json(verdict: GateVerdict, top: int = 0) -> str:  # noqa: ARG001  # it has all suspects
    """Return the verdict as JSON in ASCII, which every encoding takes."""
    return written(verdict.to_json())


def is_verdict(text: str) -> bool:
    """Return whether JSON is a verdict."""
    content = parse_json(text)
    return isinstance(content, dict) and content.keys() >= KEYS


JSON = RecognisedFormat(as_json, is_verdict)
