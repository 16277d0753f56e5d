"""A verdict as JSON, for scripts."""

from labelscan.gating.verdict import GateVerdict
from labelscan.wording.words import as_json as written


def as_json(verdict: GateVerdict, top: int = 0) -> str:  # noqa: ARG001  # it has all suspects
    """Return the verdict as JSON in ASCII, which every encoding takes."""
    return written(verdict.to_json())
