from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml
from tiny_verdict import a_suspect, a_verdict, nasty_suspects

from labelscan.gating.formats.junit import as_junit


def test_each_limit_is_a_test_case_and_the_exceeded_one_fails():
    text = as_junit(a_verdict((a_suspect(1), a_suspect(2))), top=1)
    suites = JUnitXml.fromstring(text.encode())
    (suite,) = suites
    assert (suites.tests, suites.failures, suite.name) == (2, 1, "labelscan gate")
    failed, passed = suite
    assert (failed.name, failed.classname) == ("max-issues", "labelscan.gate")
    assert failed.result[0].message == "2 suspects"
    assert "photos/01.png: labelled cat, looks like dog (error probability 0.750)" in failed.result[0].text
    assert "and 1 more" in failed.result[0].text
    assert "photos/02.png" not in failed.result[0].text
    assert passed.is_passed


def test_a_verdict_that_passes_has_no_failure():
    assert JUnitXml.fromstring(as_junit(a_verdict((), limit=1), top=10).encode()).failures == 0


@pytest.mark.parametrize("limit", [0, 9])
def test_any_label_leaves_the_file_valid(limit):
    text = as_junit(a_verdict(nasty_suspects(), limit=limit), top=10)
    root = ElementTree.fromstring(text)
    assert "<script>alert(1)</script>" in root.findtext(".//system-out")
    assert "dog\\x1b[2J\\x00\\ufffe" in root.findtext(".//system-out")
    assert not set("\x00\x1b\u202e\ufffe") & set(text)
