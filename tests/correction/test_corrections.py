"""Flags and decisions made into one verdict an example."""

import pandas as pd
import pytest

from labelscan.correction.corrections import FlagRule, correct
from labelscan.correction.decisions import Decision

SCORES = pd.DataFrame(
    {
        "example_id": ["a", "b", "c", "d"],
        "given_label": ["cat", "cat", "dog", "dog"],
        "suggested_label": ["dog", "fox", "cat", ""],
        "error_probability": [0.9, 0.5, 0.9, float("nan")],
        "flagged": [True, True, False, False],
    }
)


def changed(**choices):
    return {one.example_id: (one.action, one.new_label) for one in correct(SCORES, **choices).changes.values()}


def test_flags_alone_are_dropped_or_take_the_suggested_label():
    assert changed(rule=FlagRule(action="drop")) == {"a": ("drop", ""), "b": ("drop", "")}
    assert changed(rule=FlagRule(action="drop", min_error_probability=0.9)) == {"a": ("drop", "")}
    assert changed(rule=FlagRule(action="relabel", min_error_probability=0.6)) == {"a": ("relabel", "dog")}
    assert changed() == {}


@pytest.mark.parametrize(("verdict", "label"), [("keep", ""), ("unsure", ""), ("relabel", "cat")])
def test_a_decision_to_leave_a_label_wins_over_its_flag(verdict, label):
    decision = Decision(example_id="a", verdict=verdict, new_label=label)
    assert changed(decisions=[decision], rule=FlagRule("drop")) == {"b": ("drop", "")}


def test_examples_that_were_not_scored_can_be_decided_about():
    made = correct(SCORES, decisions=[Decision(example_id="d", verdict="drop")])
    assert made.is_dropped("d")
    assert made.changes["d"].error_probability is None
    assert made.verdicts == {"keep": 0, "relabel": 0, "drop": 1, "unsure": 0}


def test_pairs_are_counted_most_frequent_first():
    decisions = [Decision(example_id=one, verdict="relabel", new_label="fox") for one in ("a", "c", "d")]
    assert correct(SCORES, decisions=decisions).pairs() == [("dog", "fox", 2), ("cat", "fox", 1)]
