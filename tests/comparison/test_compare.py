import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished import a_found, a_record
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

import labelscan
from labelscan.comparison.causes import Difference
from labelscan.comparison.compare import Comparison, compare
from labelscan.comparison.pairing import ALIKE, CATEGORIES
from labelscan.errors import UsageError
from labelscan.results.issues import NUMBER_COLUMNS, SCORE_COLUMNS, SCORED, Issues
from labelscan.results.run import FinishedRun
from labelscan.runs.record import Described

SWAPPED = {
    "fixed": "newly_flagged",
    "newly_flagged": "fixed",
    **{name: name.replace("first", "second") for name in CATEGORIES if name.endswith("first")},
    **{name: name.replace("second", "first") for name in CATEGORIES if name.endswith("second")},
}


def a_run(
    examples: dict[str, tuple[str, float | None, bool]],
    *,
    true_labels: dict[str, str] | None = None,
    settings: dict[str, object] | None = None,
    fingerprint: str = "00",
    **summary: object,
) -> FinishedRun:
    """Return a run of example id -> given label, label quality (None without a score), flagged."""
    ranked = sorted(
        examples, key=lambda name: (examples[name][1] is None, not examples[name][2], examples[name][1] or 0, name)
    )
    rows = []
    for rank, name in enumerate(ranked, start=1):
        label, quality, flagged = examples[name]
        row: dict[str, object] = dict.fromkeys(SCORE_COLUMNS, "") | dict.fromkeys(NUMBER_COLUMNS, np.nan)
        row |= {"rank": None, "example_id": name, "given_label": label, "flagged": flagged}
        row |= {"status": "unreadable: empty"} | ({} if true_labels is None else {"true_label": true_labels[name]})
        if quality is not None:
            row |= {"rank": rank, "status": SCORED, "suggested_label": "other"}
            row |= {"label_quality": quality, "error_probability": 1 - quality}
        rows.append(row)
    scores = pd.DataFrame(rows, dtype=object)
    scores = scores.astype({"rank": "Int64", "flagged": bool} | dict.fromkeys(NUMBER_COLUMNS, float))
    texts = [name for name in scores if name not in ("rank", "flagged", *NUMBER_COLUMNS)]
    return FinishedRun(
        folder=Path("run"),
        record=a_record(
            results_depend_on={"command": "detect", **(settings or {})},
            data=Described(fingerprint=fingerprint, kind="images", examples=len(examples), classes=2),
            versions={"labelscan": "0"},
        ),
        summary=a_found(**({"detector": "confident-learning"} | summary)),
        issues=Issues(scores.astype(dict.fromkeys(texts, object))),
    )


def members(comparison: Comparison, category: str) -> list[str]:
    rows = comparison.examples
    return list(rows.loc[rows["category"] == category, "example_id"])


FIRST = {
    "a": ("cat", 0.1, True),
    "b": ("cat", 0.2, True),
    "c": ("dog", 0.8, False),
    "d": ("dog", 0.9, False),
    "e": ("cat", 0.05, True),
    "f": ("cat", 0.04, True),
    "g": ("dog", 0.7, False),
    "h": ("dog", 0.6, False),
    "i": ("cat", 0.5, False),
    "j": ("cat", None, False),
    "k": ("cat", None, False),
    "gone": ("cat", 0.3, True),
}
SECOND = {
    "a": ("cat", 0.1, True),
    "b": ("cat", 0.6, False),
    "c": ("dog", 0.2, True),
    "d": ("dog", 0.9, False),
    "e": ("dog", 0.9, False),
    "f": ("fox", 0.04, True),
    "g": ("cat", 0.1, True),
    "h": ("fox", 0.6, False),
    "i": ("cat", None, False),
    "j": ("cat", 0.5, False),
    "k": ("cat", None, False),
    "new": ("cat", 0.3, True),
}


def test_every_example_is_in_the_category_that_it_belongs_to() -> None:
    comparison = compare(a_run(FIRST), a_run(SECOND))
    expected = {
        "flagged_by_both": ["a"],
        "flagged_by_first": ["b"],
        "flagged_by_second": ["c"],
        "flagged_by_neither": ["d"],
        "fixed": ["e"],
        "still_flagged": ["f"],
        "newly_flagged": ["g"],
        "never_flagged": ["h"],
        "scored_by_first": ["i"],
        "scored_by_second": ["j"],
        "scored_by_neither": ["k"],
        "only_in_first": ["gone"],
        "only_in_second": ["new"],
    }
    assert tuple(expected) == CATEGORIES
    assert {category: members(comparison, category) for category in CATEGORIES} == expected
    assert comparison.counts == dict.fromkeys(CATEGORIES, 1)
    assert list(comparison.differing()["example_id"]) == ["b", "c", "e", "f", "g", "h", "i", "j", "gone", "new"]


def test_flags_and_rankings_are_compared_on_labels_that_both_have_judged() -> None:
    comparison = compare(a_run(FIRST), a_run(SECOND))
    assert comparison.n_compared == 4
    assert comparison.jaccard == pytest.approx(1 / 3)
    # Of a, b, c, d the qualities are .1 .2 .8 .9 and .1 .6 .2 .9: ranks 1 2 3 4 and 1 3 2 4.
    assert comparison.rank_correlation == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert comparison.error_probability_correlation == pytest.approx(comparison.rank_correlation)
    # Both flag two of them: a, b and a, c.
    assert [(top.k, top.n_common, top.share) for top in comparison.top_overlaps] == [(2, 1, 0.5)]
    by_class = comparison.classes.set_index("class_name")
    assert by_class.loc["cat", ["n_compared", "flagged_by_both", "flagged_by_first"]].tolist() == [2, 1, 1]
    assert by_class.loc["dog", ["n_compared", "flagged_by_second"]].tolist() == [2, 1]


def test_the_most_likely_wrong_are_compared_by_tens_hundreds_and_as_many_as_flagged() -> None:
    first, second = np.random.default_rng(0).random((2, 150))
    runs = (
        a_run({f"{row:03}": ("cat", float(value), bool(value < cut)) for row, value in enumerate(values)})
        for values, cut in ((first, 0.2), (second, 0.3))
    )
    overlaps = compare(*runs).top_overlaps
    assert [top.k for top in overlaps] == sorted([10, 100, int((first < 0.2).sum())])
    for top in overlaps:
        assert top.n_common == len(set(first.argsort()[: top.k]) & set(second.argsort()[: top.k]))


def test_classes_on_which_the_runs_differ_most_come_first() -> None:
    first = {f"{row}": ("abc"[row % 3], 0.5, row % 3 == 1) for row in range(9)}
    second = {**first, "0": ("a", 0.1, True), "1": ("b", 0.9, False), "4": ("b", 0.9, False)}
    comparison = compare(a_run(first), a_run(second))
    assert comparison.classes["class_name"].tolist() == ["b", "a", "c"]


def test_known_true_labels_say_which_flags_are_right() -> None:
    true = dict.fromkeys(FIRST | SECOND, "dog") | {"c": "cat", "d": "cat"}
    comparison = compare(a_run(FIRST, true_labels=true), a_run(SECOND, true_labels=true))
    truth = comparison.against_truth
    assert truth is not None
    # Compared are a and b, cats that are dogs, and c and d, dogs that are cats: all four are wrong.
    assert (truth.n_examples, truth.n_label_errors) == (4, 4)
    assert truth.flags["precision"].tolist() == [1.0, 1.0, 1.0]
    assert truth.first.recall == truth.second.recall == 0.5
    right = {**true, "a": "cat"}
    truth = compare(a_run(FIRST, true_labels=right), a_run(SECOND, true_labels=right)).against_truth
    assert truth is not None
    assert truth.flags["precision"].tolist() == [0.0, 1.0, 1.0]
    # Where the two do not agree on the truth, neither is believed.
    truth = compare(a_run(FIRST, true_labels=true), a_run(SECOND, true_labels=right)).against_truth
    assert truth is not None
    assert truth.n_examples == 3
    assert np.isnan(truth.flags.loc["flagged_by_both", "precision"])
    assert compare(a_run(FIRST, true_labels=true), a_run(SECOND)).against_truth is None


def test_settings_data_and_versions_that_differ_are_reported() -> None:
    first = a_run(FIRST, settings={"seed": 0, "training.loss": "ce"}, detector="noise-posterior")
    second = a_run(SECOND, settings={"seed": 0, "training.loss": "blurry"}, fingerprint="11")
    second = replace(second, record=replace(second.record, versions={"labelscan": "1"}))
    comparison = compare(first, second)
    assert comparison.settings == (
        Difference(name="training.loss", first="ce", second="blurry"),
        Difference(name="detection.detector", first="noise-posterior", second="confident-learning"),
    )
    assert comparison.data == (Difference(name="fingerprint", first="00", second="11"),)
    assert comparison.versions == (Difference(name="labelscan", first="0", second="1"),)
    # Of two commands, settings that only one of them has are no difference.
    second = replace(second, record=replace(second.record, results_depend_on={"command": "score"}))
    assert [one.name for one in compare(first, second).settings] == ["command", "detection.detector"]


def test_row_numbers_are_no_names_where_the_data_differs() -> None:
    numbered = {str(row): ("cat", 0.5, False) for row in range(3)}
    same, other = a_run(numbered), a_run(numbered, fingerprint="11")
    assert compare(same, same).warnings == ()
    (warning,) = compare(same, other).warnings
    assert "row numbers" in warning
    assert compare(a_run(FIRST), a_run(SECOND, fingerprint="11")).warnings == ()


def test_classes_that_are_called_otherwise_and_a_run_that_learned_nothing_are_noticed() -> None:
    renamed = {name: (label.upper(), *rest) for name, (label, *rest) in FIRST.items()}
    comparison = compare(a_run(FIRST), a_run(renamed))
    assert comparison.n_compared == 0
    assert comparison.jaccard is comparison.rank_correlation is None
    assert comparison.top_overlaps == ()
    assert comparison.classes.empty
    (warning,) = comparison.warnings
    assert warning.startswith("12 of 12 labels differ")
    (warning,) = compare(a_run(FIRST), a_run(SECOND, learned_nothing=True)).warnings
    assert "second run learned nothing" in warning


def test_runs_on_other_data_are_refused() -> None:
    with refuses(UsageError, "nothing-in-common"):
        compare(a_run(FIRST), a_run({"0": ("cat", 0.5, False)}))


def test_the_csv_has_every_example_that_differs_and_no_number_where_there_is_none(tmp_path: Path) -> None:
    compare(a_run(FIRST), a_run(SECOND)).write_csv(tmp_path / "d.csv")
    header, *lines = (tmp_path / "d.csv").read_text().splitlines()
    assert header == (
        "category,example_id,path,given_label_first,given_label_second,suggested_label_first,suggested_label_second,"
        "error_probability_first,error_probability_second,label_quality_first,label_quality_second,"
        "rank_first,rank_second"
    )
    assert len(lines) == 10
    assert lines[0] == "flagged_by_first,b,,cat,cat,other,other,0.8,0.4,0.2,0.6,4,7"
    assert lines[-1] == "only_in_second,new,,,cat,,other,,0.7,,0.3,,5"


def test_json_names_the_first_examples_of_each_category() -> None:
    content = compare(a_run(FIRST), a_run(SECOND)).to_json(top=1)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["format_version"] == 1
    examples = content["examples"]
    assert isinstance(examples, dict)
    assert list(examples) == [name for name in CATEGORIES if name not in ALIKE]
    (gone,) = examples["only_in_first"]
    assert gone["given_label_first"] == "cat"
    assert gone["error_probability_second"] is None
    assert compare(a_run(FIRST), a_run(SECOND)).to_json(top=0)["examples"] == {category: [] for category in examples}


@st.composite
def runs(draw: st.DrawFn) -> FinishedRun:
    examples = {"always": ("cat", 0.5, draw(st.booleans()))}
    for name in draw(st.lists(st.sampled_from("abcdefgh"), unique=True)):
        quality = draw(st.none() | st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
        examples[name] = (draw(st.sampled_from(["cat", "dog"])), quality, quality is not None and draw(st.booleans()))
    true_labels = dict.fromkeys(examples, "cat") if draw(st.booleans()) else None
    return a_run(examples, true_labels=true_labels, settings={"seed": draw(st.integers(0, 1))})


@settings(max_examples=25, deadline=None)
@given(run=runs())
def test_a_run_does_not_differ_from_itself(run: FinishedRun) -> None:
    comparison = compare(run, run)
    assert comparison.differing().empty
    assert comparison.settings == comparison.data == comparison.versions == comparison.warnings == ()
    assert comparison.jaccard in (None, 1.0)
    assert comparison.rank_correlation is None or comparison.rank_correlation == pytest.approx(1)
    assert all(top.share == 1 for top in comparison.top_overlaps)
    if comparison.against_truth is not None:
        assert comparison.against_truth.first == comparison.against_truth.second


@settings(max_examples=25, deadline=None)
@given(first=runs(), second=runs())
def test_swapping_the_runs_swaps_what_only_one_of_them_says(first: FinishedRun, second: FinishedRun) -> None:
    one, other = compare(first, second), compare(second, first)
    for category in CATEGORIES:
        assert members(one, category) == members(other, SWAPPED.get(category, category))
    assert sum(one.counts.values()) == len(one.examples)
    assert (one.jaccard, one.n_compared, one.top_overlaps) == (other.jaccard, other.n_compared, other.top_overlaps)
    assert one.rank_correlation == pytest.approx(other.rank_correlation)
    assert [(each.first, each.second) for each in one.settings] == [
        (each.second, each.first) for each in other.settings
    ]
    if one.against_truth is not None:
        assert other.against_truth is not None
        assert one.against_truth.first == other.against_truth.second


def test_runs_are_compared_by_folder_or_as_they_come(tmp_path: Path) -> None:
    probs, labels = [[0.9, 0.1], [0.2, 0.8], [0.95, 0.05], [0.1, 0.9]], [0, 1, 1, 1]
    labelscan.score(probs, labels, output=tmp_path / "run")
    run = labelscan.score([*probs[:2], [0.5, 0.5], probs[3]], labels, output=tmp_path / "other")
    comparison = labelscan.diff(str(tmp_path / "run"), run)
    assert (comparison.first.run, comparison.second.run) == (str(tmp_path / "run"), str(tmp_path / "other"))
    assert comparison.first.n_examples == comparison.second.n_scored == 4
