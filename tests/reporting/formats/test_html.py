"""report.html: what stands in the page, and that data stays data in it."""

import base64
import hashlib
import json
import re

import pytest
from tiny_page import CLASSES, a_feature_note, a_page, a_summary, a_suspect

from labelscan.errors import RunFolderError
from labelscan.reporting.formats.html import render_html, write_html
from labelscan.reporting.page import Interval

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
    text = render_html(a_page(suspects=suspects))
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


@pytest.mark.parametrize("new", ["light-dark(", "color-mix(", ":has(", "oklab"])
def test_browsers_of_five_years_ago_support_the_style(new):
    assert new not in elements(render_html(a_page()), "style")[0]


def test_a_served_page_may_speak_to_its_server():
    text = render_html(a_page(save_to="/token/decisions"))
    assert "connect-src 'self'" in policy_of(text)
    assert content_of(text)["save_to"] == "/token/decisions"
    assert "labelscan apply &#39;labelscan-runs/my pets&#39;</code>" in text


@pytest.mark.parametrize("name", [NASTY, "{{ 1 }}", "‏כלב", "", " ", "x" * 300])
def test_a_name_stays_text_everywhere(name):
    names = (name, *CLASSES)
    suspect = a_suspect(given_label=name, suggested_label=name, true_label=name, example_id=name, path=name)
    changes = {"data": name, "run": name, "facts": ((name, name),), "notes": (name,), "class_names": names}
    text = render_html(a_page(suspects=(suspect,), summary=a_summary(names, warnings=[name]), **changes))
    assert "alert(1)</script>" not in text
    assert "<img src=x" not in text
    content = content_of(text)
    assert content["class_names"] == list(names)
    assert content["suspects"][0]["path"] == name


def test_the_file_has_the_page(tmp_path):
    write_html(a_page(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_html(a_page())


def test_flags_of_models_that_learned_nothing_are_not_praised():
    warning = "the models learned nothing: they agree with 33.0% of the given labels"
    words = words_of(render_html(a_page(summary=a_summary(learned_nothing=True, warnings=[warning]))))
    assert "Do not trust these flags." in words
    assert "of these flags are right" not in words
    assert "look wrong" not in words
    assert words.count("learned nothing") == 1


def test_more_flags_than_can_be_right_are_not_reported_as_errors():
    words = words_of(render_html(a_page(n_flagged=700)))
    assert "The models take 700 of 1,190 labels for wrong" in words
    assert "too many to believe" in words
    assert "labels look wrong" not in words
    assert "of these flags are right" not in words


@pytest.mark.parametrize(
    ("n_flagged", "words"),
    [(0, "None of 1,190 labels looks wrong"), (1, "1 of 1,190 labels looks"), (8, "8 of 1,190 labels look")],
)
def test_the_headline_says_how_many_look_wrong_as_the_terminal_does(n_flagged, words):
    assert words in words_of(render_html(a_page(n_flagged=n_flagged)))


OWN = Interval(estimate=0.9, low=0.7, high=0.97, basis="By the models.", measured=False)
MEASURED = Interval(estimate=0.8, low=0.5, high=1, basis="By the self-check.", measured=True)
CHECK = {"n_found": 9, "n_planted": 10, "wrong_labels_left": {"estimate": None}, "limits": "it is one"}


@pytest.mark.parametrize(
    ("wrong", "flags", "summary", "words"),
    [
        (OWN, OWN, {}, ("By the models' own estimate, about 1 (1 to 1) are, and", "This is not measured")),
        (
            MEASURED,
            MEASURED,
            {"self_check": CHECK},
            ("Measured by the self-check, about 1 (0 to 1) are, and about 80",),
        ),
        (
            OWN,
            MEASURED,
            {"self_check": CHECK},
            ("own estimate, about 1 (1 to 1) are; measured by the self-check, about 80", "could not measure how many"),
        ),
        (OWN, None, {"self_check": CHECK}, ("about 1 (1 to 1) are.", "could not measure it")),
    ],
)
def test_an_estimate_is_not_shown_as_if_it_were_measured(wrong, flags, summary, words):
    page = a_page(wrong_labels=wrong, flagged_precision=flags, summary=a_summary(**summary))
    words_shown = words_of(render_html(page)).replace("&#39;", "'").replace(" .", ".")
    lead = words_shown[words_shown.index("labels look") : words_shown.index("labels checked")]
    assert all(one in lead for one in words)
    assert ("This is not measured" in lead) == (not summary)
    assert "Probably" not in lead


def test_with_true_labels_the_lead_names_them():
    quality = {"f1": 0.9, "precision": 0.9, "recall": 0.9, "n_flagged": 8}
    truth = {"n_label_errors": 9, "noise_rate": 0.01, "quality": {"aum": quality}}
    words = words_of(render_html(a_page(summary=a_summary(against_truth=truth))))
    assert "See what the true labels say" in words
    assert "This is not measured" not in words


def test_the_share_that_is_wrong_is_that_of_the_same_count():
    measured = Interval(estimate=119, low=86, high=138, basis="By the self-check.", measured=True)
    words = words_of(render_html(a_page(wrong_labels=measured)))
    assert "probably wrong 10 % 86 to 138 labels, as measured" in words.replace("\N{NO-BREAK SPACE}", " ")


def test_numbers_that_are_not_known_are_left_out():
    suspect = a_suspect(error_probability=None, self_confidence=None, suggested_confidence=None, picture=None)
    summary = a_summary(noise_matrix=None, confused_pairs=[], warnings=[], notes=[])
    del summary["self_check"]
    for health in summary["class_health"]:
        health |= {"flagged_rate": None, "out_of_fold_accuracy": None}
    text = render_html(a_page(summary=summary, suspects=(suspect,), flagged_precision=None))
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


def test_values_of_a_table_are_in_the_page():
    text = render_html(a_page(kind="features", suspects=(a_suspect(picture=None, features=(a_feature_note(),)),)))
    assert content_of(text)["suspects"][0]["features"][0]["usual_of_suggested"] == 2.0


def test_a_thousand_classes_fit():
    names = tuple(f"class {number}" for number in range(1000))
    assert len(render_html(a_page(summary=a_summary(names), class_names=names))) < 1_000_000


@pytest.mark.parametrize("name", ["warnings", "class_health"])
def test_a_summary_that_is_damaged_is_named(name):
    with pytest.raises(RunFolderError, match=rf"summary\.json: {name} is not a list"):
        render_html(a_page(summary=a_summary() | {name: "text"}))
