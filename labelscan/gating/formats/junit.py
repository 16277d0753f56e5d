"""A verdict as JUnit XML, which every CI service shows: one test case a limit, failed if it is exceeded."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labelscan.gating.verdict import GateVerdict
from labelscan.gating.words import doubt, findings, next_steps, unlisted
from labelscan.wording import printable

SUITE = "labelscan gate"
CLASS_NAME = "labelscan.gate"


def as_junit(verdict: GateVerdict, top: int) -> str:
    """Return the verdict as a JUnit file; each failure lists the ``top`` worst suspects."""
    failures = str(sum(not check.passed for check in verdict.checks))
    counts = {"tests": str(len(verdict.checks)), "failures": failures, "errors": "0", "skipped": "0"}
    listing = "\n".join(_listing(verdict, top))
    suites = Element("testsuites", {"name": SUITE, **counts})
    suite = SubElement(suites, "testsuite", {"name": SUITE, **counts})
    for check in verdict.checks:
        case = SubElement(suite, "testcase", {"name": check.name, "classname": CLASS_NAME})
        if not check.passed:
            failure = {"message": printable(check.sentence), "type": "limit exceeded"}
            SubElement(case, "failure", failure).text = listing
    SubElement(suite, "system-out").text = listing
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _listing(verdict: GateVerdict, top: int) -> list[str]:
    lines = [*findings(verdict)]
    lines += [f"{one.place}: {doubt(one)}" for one in verdict.to_look_at[:top]]
    lines += filter(None, [unlisted(verdict, top)])
    lines += [f"{word}: {step}" for word, step in next_steps(verdict, top)]
    return [printable(line) for line in lines]
