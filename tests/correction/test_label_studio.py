"""Annotations of Label Studio as decisions."""

import json

import pytest
from refusals import refuses

from labelscan.correction.decisions import Decision
from labelscan.correction.label_studio import read_annotations
from labelscan.errors import DecisionsError

DROP, UNSURE = "none of these: drop it", "cannot tell"


def chosen(label=None, verdict=None, *, time="2026-01-02T03:04:05Z", **others):
    results = [("label", label), ("verdict", verdict)]
    return {
        "id": 1,
        "was_cancelled": False,
        "updated_at": time,
        "result": [
            {"from_name": name, "to_name": "example", "type": "choices", "value": {"choices": [choice]}}
            for name, choice in results
            if choice
        ],
    } | others


def task(example_id, *annotations, given="cat"):
    data = {"example": "data:image/png;base64,", "example_id": example_id, "given_label": given}
    prediction = {"model_version": "labelscan", "result": chosen("dog")["result"]}
    return {"id": 7, "data": data, "annotations": list(annotations), "predictions": [prediction], "drafts": []}


def read(folder, content):
    (folder / "export.json").write_text(json.dumps(content), encoding="utf-8")
    return read_annotations(folder / "export.json")


def decided(folder, *tasks):
    return {one.example_id: (one.verdict, one.new_label) for one in read(folder, list(tasks))[0]}


def test_the_given_label_is_kept_and_another_relabels(tmp_path):
    ((one,), notes) = read(tmp_path, [task("a.png", chosen("dog"))])
    assert one == Decision(
        example_id="a.png", verdict="relabel", new_label="dog", time="2026-01-02T03:04:05Z", given_label="cat"
    )
    assert notes == ()
    assert decided(tmp_path, task("a.png", chosen("cat"))) == {"a.png": ("keep", "")}


def test_a_verdict_wins_over_a_class_that_was_suggested(tmp_path):
    tasks = task("a", chosen("dog", DROP)), task("b", chosen(None, UNSURE))
    assert decided(tmp_path, *tasks) == {"a": ("drop", ""), "b": ("unsure", "")}


UNDECIDED = (task("a", chosen("dog", was_cancelled=True)), task("b", chosen()), task("c"))


def test_what_was_skipped_or_left_empty_decides_nothing_and_is_counted(tmp_path):
    decisions, notes = read(tmp_path, [*UNDECIDED, task("d", chosen("dog"))])
    assert [one.example_id for one in decisions] == ["d"]
    assert notes == ("3 of 4 tasks decide nothing: not annotated, or skipped",)


@pytest.mark.parametrize("tasks", [UNDECIDED, []])
def test_an_export_without_any_annotation_is_refused(tmp_path, tasks):
    with refuses(DecisionsError, "no-annotations", "export.json"):
        read(tmp_path, list(tasks))


def test_annotations_that_contradict_each_other_are_counted(tmp_path):
    same, other = chosen("dog"), chosen("fox")
    _, notes = read(tmp_path, [task("a", same, other), task("b", same, same), task("c", same, chosen(None, DROP))])
    assert notes == ("2 of 3 tasks have annotations that contradict each other: the last counts",)


def test_of_several_annotations_the_last_counts(tmp_path):
    late, early = chosen("fox", time="2026-02-01T00:00:00Z"), chosen("dog", time="2026-01-01T00:00:00Z")
    assert decided(tmp_path, task("a", late, early), task("b", early, late)) == {
        "a": ("relabel", "fox"),
        "b": ("relabel", "fox"),
    }


def test_the_short_form_is_read_too(tmp_path):
    def short(example_id, **choices):
        data = {"example": "x", "example_id": example_id, "given_label": "cat"}
        return {**data, "id": 1, "annotator": 1, "annotation_id": 2, "updated_at": "2026-01-02", **choices}

    rows = [short("a", label="dog"), short("b", label="cat"), short("c", verdict=DROP), short("d")]
    assert decided(tmp_path, *rows, short("e", label={"choices": ["dog"]})) == {
        "a": ("relabel", "dog"),
        "b": ("keep", ""),
        "c": ("drop", ""),
        "e": ("relabel", "dog"),
    }


def test_a_choice_of_classes_may_be_called_otherwise(tmp_path):
    annotation = chosen("dog")
    annotation["result"][0]["from_name"] = "animal"
    assert decided(tmp_path, task("a", annotation)) == {"a": ("relabel", "dog")}


def test_tasks_that_are_none_of_ours_are_reported_up_to_twenty(tmp_path):
    two = chosen("dog")
    two["result"][0]["value"]["choices"].append("cat")
    foreign = [{"data": {"image": "x"}, "annotations": [chosen("dog")]}] * 22
    with pytest.raises(DecisionsError) as refused:
        read(tmp_path, [task("a", two), task("b", chosen(None, "maybe")), *foreign])
    problems = [(one.code, one.where) for one in refused.value.problems]
    assert problems[:2] == [("several-labels", "export.json task 1"), ("not-a-decision", "export.json task 2")]
    assert problems[2:] == [("not-a-decision", f"export.json task {n}") for n in range(3, 21)] + [("more-problems", "")]


@pytest.mark.parametrize(
    ("content", "code"),
    [("", "unreadable"), ("{}", "not-decisions"), ("[1]", "not-decisions"), ('{"data": ', "unreadable")],
)
def test_what_is_no_export_is_refused(tmp_path, content, code):
    (tmp_path / "export.json").write_text(content)
    with refuses(DecisionsError, code, "export.json"):
        read_annotations(tmp_path / "export.json")
