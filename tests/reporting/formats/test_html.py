"""report.html: what stands in the page, and that data stays data in it."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from tiny_page import CLASSES, a_measurement, a_page, a_picture, a_summary, a_suspect, an_estimate

from labelscan.detection.estimates import Range
from labelscan.reporting.formats.html import render_html

NASTY = '</script><script>alert(1)</script><img src=x onerror="alert(1)">\u2028&amp;'


def elements(text, name):
    return re.findall(rf"<{name}[^>]*>(.*?)</{name}>", text, flags=re.DOTALL)


def policy_of(text):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")


def content_of(text):
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', text)[1])


def words_of(text):
    """Return what a page says, as one line."""
    body = text[text.index("<body>") : text.index('<script type="application/json"')]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_the_page_is_as_reviewed(golden):
    suspects = (a_suspect(1), a_suspect(2, picture=None, no_picture="truncated"))
    measurement = a_measurement(suspects, n=20, n_flagged=2, n_to_decide=3)
    text = render_html(a_page(suspects=suspects, measurement=measurement))
    text = re.sub(r"(<style>|<script>).*?(</style>|</script>)", r"\1…\2", text, flags=re.DOTALL)
    text = re.sub(r"(sha256-|base64,)[\w+/=]+", r"\1…", text)
    golden("report.html", text)


def test_the_policy_allows_only_the_scripts_of_the_page():
    text = render_html(a_page())
    policy = policy_of(text)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "connect-src 'none'" in policy
    contents = [one for name in ("style", "script") for one in elements(text, name) if not one.startswith("{")]
    assert len(contents) == policy.count("sha256-") > 2
    for content in contents:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy


def test_nothing_is_fetched_and_nothing_runs_from_attributes():
    text = render_html(a_page())
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"<[^>]* (on\w+|style)=", text[text.index("<body>") : text.index("<script")])


def test_browsers_of_five_years_ago_support_the_style():
    assert not re.search(r"light-dark\(|color-mix\(|:has\(|oklab", elements(render_html(a_page()), "style")[0])


def test_a_served_page_may_speak_to_its_server():
    text = render_html(a_page(save_to="/token/decisions"))
    assert "connect-src 'self'" in policy_of(text)
    assert content_of(text)["save_to"] == "/token/decisions"


@pytest.mark.parametrize("name", [NASTY, "{{ 1 }}", "‏כלב", "", " ", "x" * 300])
def test_a_name_stays_text_everywhere(name):
    names = (name, *CLASSES)
    suspect = a_suspect(given_label=name, suggested_label=name, true_label=name, example_id=name, path=name)
    changes = {"run": name, "facts": ((name, name),), "notes": (name,), "class_names": names}
    text = render_html(a_page(suspects=(suspect,), summary=a_summary(names, data=name, warnings=[name]), **changes))
    assert "alert(1)</script>" not in text
    assert "<img src=x" not in text
    content = content_of(text)
    assert content["class_names"] == list(names)
    assert content["suspects"][0]["path"] == name


def test_flags_of_models_that_learned_nothing_are_not_praised():
    warning = "the models learned nothing: they agree with 33.0% of the given labels"
    words = words_of(render_html(a_page(summary=a_summary(learned_nothing=True, warnings=[warning]))))
    assert "Do not trust these flags." in words
    assert "of these flags are right" not in words
    assert words.count("learned nothing") == 1


def test_more_flags_than_can_be_right_are_not_reported_as_errors():
    words = words_of(render_html(a_page(n_flagged=700)))
    assert "The models take 700 of 1,190 labels for wrong" in words
    assert "too many to believe" in words
    assert "of these flags are right" not in words


MEASURED = {"source": "decisions", "n_decided": 50, "precision": Range(0.9, 0.7, 0.97)}


@pytest.mark.parametrize(
    ("wrong", "basis"),
    [
        ({"source": "opinions"}, "An estimate from where different models agree"),
        (MEASURED, "Measured by 50 decisions"),
    ],
)
def test_the_headline_is_a_range_and_says_whether_it_is_an_estimate(wrong, basis):
    shown = words_of(render_html(a_page(wrong_labels=an_estimate(**wrong)))).replace(" .", ".").replace(" :", ":")
    is_measured = wrong == MEASURED
    assert f"pets 4 to 12 of 1,190 labels are {'' if is_measured else 'probably '}wrong" in shown
    assert basis in shown[: shown.index("labels checked")]
    assert f"8 are flagged{': 70 to 97 % of them are wrong' if is_measured else ''}." in shown
    assert f"wrong 0.3 to 1.0 % {'measured by 50 decisions' if is_measured else 'an estimate by the models'}" in shown


def test_without_an_upper_end_the_headline_is_what_holds():
    unmeasured = {"high": None, "share_high": None}
    shown = words_of(render_html(a_page(wrong_labels=an_estimate(**unmeasured))))
    assert "pets At least 4 of 1,190 labels are probably wrong Nobody has measured" in shown
    assert "wrong at least 0.3 % an estimate" in shown
    assert "may be right" not in shown
    shown = words_of(render_html(a_page(wrong_labels=an_estimate(low=0.1, share_low=0.0001, **unmeasured))))
    assert "pets An unknown number of 1,190 labels are probably wrong" in shown
    assert "8 are flagged ; most of them may be right" in shown


def test_a_range_without_width_is_one_number():
    shown = words_of(render_html(a_page(wrong_labels=an_estimate(low=7.6, high=8.4, share_low=0.1, share_high=0.1001))))
    assert "pets 8 of 1,190 labels are probably wrong" in shown
    assert "wrong 10 % an estimate" in shown


def test_many_flags_are_believed_if_decisions_say_so():
    shown = words_of(render_html(a_page(n_flagged=700, wrong_labels=an_estimate(low=650, high=800, **MEASURED))))
    assert "650 to 800 of 1,190 labels are wrong" in shown
    assert "too many to believe" not in shown


def test_a_measurement_has_each_label_and_each_picture_once():
    suspects = tuple(a_suspect(rank, picture=a_picture(rank)) for rank in range(1, 9))
    text = render_html(a_page(suspects=suspects, measurement=a_measurement(suspects)))
    content = content_of(text)
    assert [one["rank"] for one in content["suspects"]] == list(range(1, 9))
    assert len(content["others"]) == 59, "the fourth is a suspect"
    ids = [one["example_id"] for one in content["suspects"] + content["others"]]
    assert len(set(ids)) == len(ids) == 67
    assert text.count(suspects[3].picture.uri) == 1
    assert set(content["measurement"]["to_decide"]) < set(ids) == set(content["measurement"]["error_odds"])


@pytest.mark.parametrize(
    ("n", "sizes", "usual"), [(100, "25 50 100", 50), (60, "25 50 60", 50), (30, "25 30", 30), (9, "", 9)]
)
def test_a_measurement_is_offered_in_the_sizes_that_there_are(n, sizes, usual):
    suspects = a_page().suspects
    text = render_html(a_page(measurement=a_measurement(suspects, n_to_decide=n)))
    assert re.findall(r'name="size" value="(\d+)"', text) == sizes.split()
    assert text.count(f">Measure: decide {usual} labels</button>") == 2
    assert not sizes or f'value="{usual}" checked' in text


def test_what_to_run_next_takes_the_file_that_the_page_saves():
    measurement = a_measurement(a_page().suspects)
    words = words_of(render_html(a_page(measurement=measurement))).replace("&#39;", "'")
    assert "labelscan apply 'labelscan-runs/my pets' --decisions decisions.csv" in words
    assert "labelscan gate 'labelscan-runs/my pets' --decisions decisions.csv" in words
    words = words_of(render_html(a_page(measurement=measurement, save_to="/token/decisions"))).replace("&#39;", "'")
    assert "labelscan apply 'labelscan-runs/my pets' Copy" in words
    assert "labelscan gate 'labelscan-runs/my pets' --decisions 'labelscan-runs/my pets/decisions.csv'" in words


def test_with_true_labels_what_is_known_stands_in_the_place_of_an_estimate():
    quality = {"f1": 0.9, "precision": 0.9, "recall": 0.9, "n_flagged": 8, "n_errors": 9, "balanced_accuracy": 0.9}
    quality |= {"auroc": 0.9, "average_precision": 0.9, "precision_at_k": 0.9}
    truth = {"n_label_errors": 9, "noise_rate": 0.01, "out_of_fold_accuracy": 0.9, "quality": {"aum": quality}}
    words = words_of(render_html(a_page(summary=a_summary(against_truth=truth))))
    assert "See what the true labels say" in words
    assert "pets 9 of 1,190 labels are known to be wrong The data has true labels" in words
    assert "wrong 1.0 % by the true labels" in words
    assert "probably wrong" not in words[: words.index("labels checked")]


def test_a_self_check_says_what_share_of_the_flags_is_right():
    unknown = {"estimate": None, "low": None, "high": None}
    hard = {"count": 0, "self_confidence": [], "error_probability": [], "max_probability": [], "histogram": []}
    check = {"n_found": 9, "n_planted": 10, "wrong_labels_left": unknown, "precision": unknown, "limits": "it is one"}
    check |= {"recall": unknown, "expected_precision": None, "planted_easier": None, "folder": "self-check"}
    check |= dict.fromkeys(("planted", "planted_and_found", "suspects"), hard)
    assert "flags are right" not in words_of(render_html(a_page(summary=a_summary(self_check=check))))
    check["precision"] = {"estimate": 0.9, "low": 0.5, "high": 1}
    shown = words_of(render_html(a_page(summary=a_summary(self_check=check))))
    assert "9 of 10 planted errors were found; 50 to 100 % of the flags are right. Note that it is one." in shown


def test_numbers_that_are_not_known_are_left_out():
    suspect = a_suspect(error_probability=None, self_confidence=None, suggested_confidence=None, picture=None)
    summary = a_summary(noise_matrix=None, confused_pairs=[], warnings=[], notes=[])
    health = [replace(one, flagged_rate=None, out_of_fold_agreement=None) for one in summary.class_health]
    summary = replace(summary, class_health=tuple(health))
    text = render_html(a_page(summary=summary, suspects=(suspect,), wrong_labels=an_estimate(precision=None)))
    assert "None" not in words_of(text)
    assert "too large to show" in words_of(text)


def test_the_heat_map_distinguishes_small_shares_of_wrong_labels_from_large_ones():
    matrix = [[0.9, 0.0, 0.01], [0.02, 0.5, 0.0], [0.08, 0.5, 0.99]]
    text = render_html(a_page(summary=a_summary(noise_matrix=matrix)))
    cells = re.findall(r'<td class="(right|heat-\d)">([^<]*)</td>', text)
    assert cells == [
        *[("right", "90"), ("heat-0", "0"), ("heat-1", "1.0")],
        *[("heat-2", "2.0"), ("right", "50"), ("heat-0", "0")],
        *[("heat-3", "8.0"), ("heat-8", "50"), ("right", "99")],
    ]


def test_a_thousand_classes_fit():
    names = tuple(f"class {number}" for number in range(1000))
    assert len(render_html(a_page(summary=a_summary(names), class_names=names))) < 1_000_000
