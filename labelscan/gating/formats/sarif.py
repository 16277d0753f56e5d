"""A verdict as SARIF 2.1.0, the format in which code scanning services read what tools have found.

GitHub refuses a file in which a result has no place, and shows a result only if it has a line, so images and whole
files of data get line 1. Results are identified by example and given label: one that is found again counts as the same,
whatever its rank or probability.
"""

import hashlib
import json
from urllib.parse import quote

from labelscan import __version__
from labelscan.files.reading import parse_json
from labelscan.files.urls import is_url
from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateSuspect, GateVerdict
from labelscan.gating.words import findings, why_flagged
from labelscan.wording.words import as_json, printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 5000
"""The most that GitHub accepts from a run."""
FINGERPRINT = "primaryLocationLineHash"
"""The only fingerprint that GitHub reads; of an image there is no line to hash."""
RULE = {
    "id": "label-error",
    "name": "LabelError",
    "shortDescription": {"text": "This label is probably wrong."},
    "fullDescription": {
        "text": "Models that were trained without this example disagree with its label, more than can be put down to "
        "how hard it is."
    },
    "help": {
        "text": "Look at the example. Correct a wrong label in the data; accept a right one by a row in the baseline."
    },
    "defaultConfiguration": {"level": "warning"},
    "properties": {"tags": ["data-quality", "labels"]},
}


def as_sarif(verdict: GateVerdict, top: int = 0) -> str:  # noqa: ARG001  # services list results themselves
    """Return the verdict as a SARIF log in ASCII, with up to ``MOST_RESULTS`` suspects."""
    run = {
        "tool": {"driver": {"name": "labelscan", "version": __version__, "rules": [RULE]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, verdict) for one in verdict.suspects[:MOST_RESULTS]],
        "properties": {
            "passed": verdict.passed,
            "verdict": printable("; ".join(findings(verdict))),
            "checks": [printable(check.sentence) for check in verdict.checks],
            "suspects": len(verdict.suspects),
        },
    }
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(suspect: GateSuspect, verdict: GateVerdict) -> dict[str, object]:
    """Return a suspect in its own file, or else in that of the data, or else in its line of issues.csv."""
    file = suspect.path or verdict.source
    place = {
        "artifactLocation": {"uri": uri(file or verdict.issues)},
        "region": {"startLine": 1 if file else suspect.line},
    }
    is_known = bool(verdict.baseline) and not suspect.is_new
    identity = json.dumps([suspect.example_id, suspect.given_label])
    result: dict[str, object] = {
        "ruleId": RULE["id"],
        "ruleIndex": 0,
        "level": "note" if is_known else "warning" if verdict.passed else "error",
        "message": {"text": printable(f"{suspect.example_id}: {why_flagged(suspect)}")},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {FINGERPRINT: f"{hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()}:1"},
        "properties": {
            "example_id": suspect.example_id,
            "given_label": suspect.given_label,
            "suggested_label": suspect.suggested_label,
            "error_probability": suspect.error_probability,
        },
    }
    if verdict.baseline:
        result["baselineState"] = "unchanged" if is_known else "new"
    return result


def uri(path: str) -> str:
    """Return a path with / between folders as a URI: relative paths stay relative, absolute ones get a scheme."""
    if is_url(path):
        return quote(path, safe="/:%")
    drive, rest = (path[:2], path[2:]) if path[1:3] == ":/" else ("", path)
    quoted = quote(rest)  # a colon too, which would otherwise end a scheme
    if not rest.startswith("/"):
        return quoted
    return f"file://{'/' if drive else ''}{drive}{quoted}"


def is_verdict(text: str) -> bool:
    """Return whether a SARIF log is of labelscan alone."""
    match parse_json(text):
        case {"runs": [{"tool": {"driver": {"name": "labelscan"}}}]}:
            return True
    return False


SARIF = RecognisedFormat(as_sarif, is_verdict)
