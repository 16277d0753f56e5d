"""What pip-audit says is passed on, and that it could say nothing is no success."""

import pytest
from audit import verdict

SAFE = {"name": "numpy", "version": "2.1", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}
FLAW = {"id": "PYSEC-2026-1", "fix_versions": ["12.1"], "aliases": ["CVE-2026-1"]}
UNSAFE = {"name": "pillow", "version": "12.0", "vulns": [FLAW]}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([SAFE], 0, "1 packages checked, 0 vulnerabilities known"),
        ([SAFE, UNKNOWN], 0, "and not checked: torch"),
        ([{**UNSAFE, "vulns": [{**FLAW, "aliases": ["accepted"]}]}], 0, "1 packages checked, 0"),
        ([SAFE, UNSAFE], 1, "pillow 12.0: PYSEC-2026-1, fixed in 12.1"),
        ([UNKNOWN], 2, "cannot be reached"),
        ([], 2, "cannot be reached"),
    ],
)
def test_the_verdict(monkeypatch, packages, code, words):
    monkeypatch.setattr("audit.ACCEPTED", {"accepted": "labelscan opens no such file"})
    said, ended = verdict(packages)
    assert (ended, words in said) == (code, True), said
