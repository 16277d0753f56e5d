import dataclasses

import pytest
from finished import some_wrong
from tiny_verdict import a_suspect, a_verdict

from labelscan.gating.words import distinct, findings, next_steps, outcome, reason, shown, unlisted


def test_a_limit_is_shown_as_a_person_says_it():
    assert [shown("max-rate", number) for number in (0.0512, 0.00012, 0.0)] == ["5.12 %", "0.012 %", "0 %"]
    assert (shown("max-class-rate", 1.0), shown("max-new", 12345)) == ("100 %", "12,345")


@pytest.mark.parametrize(
    ("found", "limit", "texts"),
    [
        (0.20004, 0.2, ("20.004 %", "20 %")),
        (1 / 3, 0.333, ("33.33 %", "33.3 %")),
        (0.07, 0.07, ("7 %", "7 %")),
        (0.0512, 0.02, ("5.12 %", "2 %")),
    ],
)
def test_what_was_found_and_the_limit_never_read_the_same_where_they_differ(found, limit, texts):
    assert distinct("max-rate", found, limit) == texts


def test_a_verdict_says_how_many_limits_are_exceeded():
    failed = a_verdict((a_suspect(),))
    assert (outcome(failed), reason(failed)) == ("FAILED", "1 of 2 limits is not met")
    passed = a_verdict((a_suspect(),), limit=1)
    assert (outcome(passed), reason(passed)) == ("PASSED", "all limits are met")
    alone = dataclasses.replace(failed, checks=failed.checks[:1])
    assert reason(alone) == "the limit is not met"


def test_a_verdict_without_decisions_says_that_it_judges_the_list_alone():
    *_, last = findings(a_verdict())
    assert last == "only the list of suspects is judged, since no decisions measure how many labels are wrong"
    measured = dataclasses.replace(a_verdict(), wrong_labels=some_wrong(source="decisions", n_decided=50))
    assert last not in findings(measured)


def test_only_with_a_baseline_something_is_called_new():
    found, wrong, _ = findings(a_verdict((a_suspect(),)))
    assert found == "pets: 1 of 100 labels is a suspect (1 %)"
    assert wrong == "between 2 and 5 of 100 labels are probably wrong (most likely 4)"
    suspects = (a_suspect(1), a_suspect(2, is_new=False))
    found, *_ = findings(a_verdict(suspects, baseline="known.csv"))
    assert found == "pets: 2 of 100 labels are suspects (2 %), 1 of them new"


def test_what_was_reviewed_does_not_hide_what_is_new():
    suspects = (a_suspect(1), a_suspect(2), a_suspect(3, is_new=False))
    verdict = a_verdict(suspects, baseline="known.csv")
    assert verdict.to_look_at == suspects[:2]
    assert unlisted(verdict, 1) == "and 1 more and 1 reviewed before"
    reviewed = a_verdict((a_suspect(1, is_new=False),), baseline="known.csv")
    assert reviewed.to_look_at == reviewed.suspects
    assert unlisted(reviewed, 1) == ""


def test_what_to_do_next_can_be_pasted_into_a_shell():
    steps = dict(next_steps(a_verdict((a_suspect(),), baseline="my known.csv"), 10))
    assert steps["review"] == "labelscan report 'runs/my pets'"
    assert steps["accept"] == "labelscan gate 'runs/my pets' --baseline 'my known.csv' --update-baseline"
    assert next_steps(a_verdict(), 10) == []


def test_after_decisions_as_a_baseline_the_next_step_is_a_review_that_saves_into_them():
    verdict = dataclasses.replace(a_verdict((a_suspect(),), baseline="runs/my pets/decisions.csv"), accepts_into="")
    assert dict(next_steps(verdict, 10))["review"] == "labelscan report 'runs/my pets' --serve"
    elsewhere = dataclasses.replace(verdict, baseline="decisions.csv")
    assert dict(next_steps(elsewhere, 10))["review"] == "labelscan report 'runs/my pets'"
    for one in (verdict, elsewhere):
        assert [word for word, _ in next_steps(one, 10)] == ["issues", "review"]


def test_where_decisions_were_applied_in_memory_no_file_of_other_suspects_is_named():
    verdict = dataclasses.replace(a_verdict((a_suspect(),)), is_as_written=False, decisions="my decisions.csv")
    assert [word for word, _ in next_steps(verdict, 10)] == ["review", "accept"]
    assert "gate 'runs/my pets' --decisions 'my decisions.csv' --baseline" in dict(next_steps(verdict, 10))["accept"]


def test_flags_that_do_not_count_are_said():
    found, *_ = findings(dataclasses.replace(a_verdict((a_suspect(),)), n_flagged=3))
    assert found == "pets: 1 of 100 labels is a suspect (1 %); 2 more flags do not count: P(wrong) is below 0.5"


def test_a_pass_asks_for_nothing():
    passed = a_verdict((a_suspect(), a_suspect()), limit=9)
    assert [word for word, _ in next_steps(passed, 0)] == ["review"]
    assert [word for word, _ in next_steps(passed, 10)] == ["issues", "review", "accept"]
    assert unlisted(passed, 0) == ""
    assert unlisted(passed, 1) == "and 1 more"
    assert [word for word, _ in next_steps(a_verdict((a_suspect(),)), 0)] == ["issues", "review", "accept"]
