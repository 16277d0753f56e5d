"""How many labels are wrong is a range, in summary.json and in every sentence about it."""

import dataclasses
from functools import partial

import pytest
from tiny_run import a_dataset, an_evidence, detections_of

from labelscan.detection.estimates import Range
from labelscan.results.wrong_labels import WrongLabels, count_in_words, estimate_wrong_labels, list_in_words


def estimated(low=90.0, estimate=140.0, high: float | None = 210.0, **changes: object) -> WrongLabels:
    values: dict[str, object] = {"source": "opinions", "n_decided": 0, "precision": None}
    values |= {"found": None, "worth_a_look": None, "decisions_to_halve": None}
    share_high = None if high is None else high / 5000
    shares = {"share": estimate / 5000, "share_low": low / 5000, "share_high": share_high}
    return WrongLabels(estimate=estimate, low=low, high=high, **shares, **(values | changes))


decided = partial(estimated, source="decisions")


def measured(**changes: object) -> WrongLabels:
    values = {"source": "decisions", "n_decided": 50, "found": Range(0.8, 0.71, 0.88)}
    values |= {"precision": Range(0.6, 0.4, 0.8)}
    values |= {"worth_a_look": 310, "decisions_to_halve": 150}
    return estimated(120.4, 139.7, 160.2, **(values | changes))


def test_without_decisions_the_number_is_never_said_to_be_known_and_nothing_is_said_of_the_list():
    count = "between 90 and 210 of 5,000 labels are probably wrong (most likely 140)"
    assert count_in_words(estimated(), 5000) == count
    at_least = "at least 90 of 5,000 labels are probably wrong; nobody has measured it"
    assert count_in_words(estimated(high=None), 5000) == at_least
    assert list_in_words(estimated()) == []


def test_with_decisions_it_is_an_interval_and_the_list_is_known():
    count = "120 to 160 of 5,000 labels are wrong (95 % interval from 50 decisions, most likely 140)"
    assert count_in_words(measured(), 5000) == count
    assert list_in_words(measured()) == [
        "the list holds 71 to 88 % of them",
        "40 to 80 in 100 of the listed are wrong",
        "a review pays down to rank 310 of scores.csv",
        'about 150 more decisions under "Measure" would halve the interval',
    ]


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (estimated(0.1, 0.2, 0.4), "probably hardly any of 9 labels is wrong"),
        (estimated(0.2, 0.6, 1.2), "between 0 and 1 of 9 labels is probably wrong (most likely 1)"),
        (estimated(3, 3, 3.2), "probably about 3 of 9 labels are wrong"),
        (estimated(0.2, 0.6, None), "an unknown number of 9 labels are probably wrong; nobody has measured it"),
        (estimated(1, 2, None), "at least 1 of 9 labels is probably wrong; nobody has measured it"),
        (decided(0, 0, 0, n_decided=9), "none of 9 labels is wrong (95 % interval from 9 decisions)"),
        (decided(3, 3, 3, n_decided=9), "3 of 9 labels are wrong (95 % interval from 9 decisions)"),
        (decided(1, 4, 8, n_decided=1), "1 to 8 of 9 labels are wrong (95 % interval from 1 decision, most likely 4)"),
    ],
)
def test_small_numbers_are_said_as_a_person_says_them(known, sentence):
    assert count_in_words(known, 9) == sentence


def test_only_agreement_about_images_and_decisions_say_how_many_are_wrong_at_most():
    detections = detections_of(an_evidence(a_dataset()))
    known = estimate_wrong_labels(detections)
    assert (known.low, known.estimate, known.high) == (2.0, pytest.approx(2.8125), None)
    assert (known.source, known.share_high, known.precision, known.found) == ("one opinion", None, None, None)
    assert estimate_wrong_labels(detections, by_agreement=True).high is None
    of_images = estimate_wrong_labels(detections, by_agreement=True, of_images=True)
    assert (of_images.source, of_images.high, of_images.share_high) == ("opinions", 4.0, 0.4)
    assert estimate_wrong_labels(detections, of_images=True).high is None
    for high, said in ((10, 10), (11, None)):
        wide = dataclasses.replace(detections, wrong_labels=Range(2.8, 2, high))
        assert estimate_wrong_labels(wide, by_agreement=True, of_images=True).high == said


def test_where_nothing_is_left_to_decide_or_to_review_nothing_is_asked_for():
    assert "no review pays" in list_in_words(measured(worth_a_look=0))
    assert not any("decision" in one for one in list_in_words(measured(decisions_to_halve=0)))
    assert 'about 1 more decision under "Measure" would halve the interval' in list_in_words(
        measured(decisions_to_halve=1)
    )
