import pytest
from refusals import refuses

from labelscan.errors import UsageError
from labelscan.pipeline.job_names import JobNames, refuse_unknown

FOLDS = [f"fold-{repeat}-{fold}{model}" for repeat in (0, 1) for fold in range(12) for model in ("", "-opinion-2")]
PARTS = [f"features{number}-part-{part}-of-12" for number in ("", "-2") for part in range(12)]
ALL = [*FOLDS, *PARTS, "images-part-0-of-1", "aum-0", "aum-1"]


def of_models(*places):
    """Return the ends of the names of folds of both models."""
    return {f"{place}{model}" for place in places for model in ("", "-opinion-2")}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fold:0-3", ["fold-0-3", "fold-0-3-opinion-2"]),
        ("fold:3", ["fold-0-3", "fold-0-3-opinion-2"]),
        ("fold:9..11", [name for name in FOLDS if name[5:] in of_models("0-9", "0-10", "0-11")]),
        ("fold:0-10..1-0", [name for name in FOLDS if name[5:] in of_models("0-10", "0-11", "1-0")]),
        ("fold", FOLDS),
        ("features:1", ["features-part-1-of-12", "features-2-part-1-of-12"]),
        ("features:9..11", [name for name in PARTS if name.split("-")[-3] in ("9", "10", "11")]),
        ("features:9-11", [name for name in PARTS if name.split("-")[-3] in ("9", "10", "11")]),
        ("features", PARTS),
        ("images", ["images-part-0-of-1"]),
        ("aum:1", ["aum-1"]),
        ("aum:0..1", ["aum-0", "aum-1"]),
        ("fold-1-2-opinion-2", ["fold-1-2-opinion-2"]),
        ("fold-1-2", ["fold-1-2"]),
        ("features-2-part-11-of-12", ["features-2-part-11-of-12"]),
    ],
)
def test_a_text_names_jobs(text, names):
    chosen = JobNames.of(text)
    assert [name for name in ALL if chosen.has(name)] == [name for name in ALL if name in names]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "fold:1-2-3",
            "'fold:1-2-3' is not the name of a job; hint: write fold:FOLD or .*; or a kind",
        ),
        ("fold-1-2-3", "not the name of a job"),
        ("features:1-0", "not the name of a job"),
        ("features:0-1..3", "not the name of a job"),
        ("aum:0-1", "not the name of a job"),
        ("aum:1..0", "not the name of a job"),
        ("fold:1..0-2", "not the name of a job"),
        ("fold:0-3..0-1", "not the name of a job"),
        ("fold:", "not the name of a job"),
        ("", "not the name of a job"),
        ("flod:0-1", "no job is called 'flod'; hint: did you mean fold"),
    ],
)
def test_other_texts_are_refused_with_what_can_be_written(text, problem):
    with pytest.raises(UsageError, match=problem):
        JobNames.of(text)


def test_inputs_that_are_one_job_belong_to_their_kind():
    inputs = JobNames.of("features")
    assert inputs.is_of_inputs
    assert [name for name in ("features", "features-2", "images", "fold-0-1", "other") if inputs.has(name)] == [
        "features",
        "features-2",
    ]
    assert not JobNames.of("features:0").has("features")
    assert not JobNames.of("fold").is_of_inputs


def test_a_job_that_the_run_does_not_have_is_named():
    texts = ["fold:0-1", "fold:7-0"]
    with refuses(UsageError, "unknown-job"):
        refuse_unknown(map(JobNames.of, texts), texts, ALL)
