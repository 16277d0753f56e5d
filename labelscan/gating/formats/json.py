"""A verdict as JSON, for scripts."""

import json

from labelscan.gating.verdict import GateVerdict


def as_json(verdict: GateVerdict, top: int = 0) -> str:  # noqa: ARG001  # it has all suspects
    """Return the verdict as JSON in ASCII, which every encoding takes."""
    return json.dumps(verdict.to_json(), indent=2, allow_nan=False) + "\n"
