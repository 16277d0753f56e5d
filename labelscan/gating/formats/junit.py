"""A verdict as JUnit XML, which every CI service shows: one test case a limit, failed if it is not met."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labelscan.gating.formats import RecognisedFormat
from labelscan.gating.verdict import GateVerdict
from labelscan.gating.words import findings, next_steps, unlisted, why_flagged
from labelscan.wording.words import printable

SUITE = "labelscan gate"
CLASS_NAME = "labelscan.gate"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def as_junit(verdict: GateVerdict, top: int) -> str:
    """Return the verdict as a JUnit file; each failure lists the ``top`` worst suspects."""
    lines = [*findings(verdict), *(f"{one.place}: {why_flagged(one)}" for one in verdict.to_look_at[:top])]
    lines += filter(None, [unlisted(verdict, top)])
    lines += [f"{word}: {step}" for word, step in next_steps(verdict, top)]
    listing = "\n".join(map(printable, lines))
    suites, suite = _suites(len(verdict.checks), n_failures=sum(not check.passed for check in verdict.checks))
    for check in verdict.checks:
        case = SubElement(suite, "testcase", {"name": check.name, "classname": CLASS_NAME})
        if not check.passed:
            failure = {"message": printable(check.sentence), "type": "limit not met"}
            SubElement(case, "failure", failure).text = listing
    SubElement(suite, "system-out").text = listing
    return _written(suites)


def no_verdict(problem: str) -> str:
    """Return a JUnit file that says why nothing could be judged: one test case, with an error."""
    suites, suite = _suites(1, n_errors=1)
    case = SubElement(suite, "testcase", {"name": "verdict", "classname": CLASS_NAME})
    SubElement(case, "error", {"message": printable(problem), "type": "no verdict"})
    return _written(suites)


def is_verdict(text: str) -> bool:
    """Return whether a JUnit file is a verdict, or says why there is none."""
    return text.startswith(f'{DECLARATION}\n<testsuites name="{SUITE}" ')


def _suites(n_tests: int, *, n_failures: int = 0, n_errors: int = 0) -> tuple[Element, Element]:
    """Return the root of a file, and the one suite in it."""
    counts = {"tests": str(n_tests), "failures": str(n_failures), "errors": str(n_errors), "skipped": "0"}
    suites = Element("testsuites", {"name": SUITE, **counts})
    return suites, SubElement(suites, "testsuite", {"name": SUITE, **counts})


def _written(suites: Element) -> str:
    indent(suites)
    return f"{DECLARATION}\n{tostring(suites, encoding='unicode')}\n"


JUNIT = RecognisedFormat(as_junit, is_verdict, no_verdict)
