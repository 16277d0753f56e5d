import pytest

from labelscan.errors import UsageError
from labelscan.pipeline.shard_names import ShardNames, refuse_unknown

FOLDS = [f"fold-{repeat}-{fold}{model}" for repeat in (0, 1) for fold in range(12) for model in ("", "-opinion-2")]
PARTS = [f"features{number}-part-{part}" for number in ("", "-2") for part in range(12)]
ALL = [*FOLDS, *PARTS, "images-part-0", "aum-0", "aum-1"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fold:0-3", ["fold-0-3", "fold-0-3-opinion-2"]),
        ("fold:0-10..1-0", [name for name in FOLDS if name[5:9] in ("0-10", "0-11") or name[5:8] in ("1-0",)]),
        ("fold", FOLDS),
        ("features:1", ["features-part-1", "features-2-part-1"]),
        ("features:9..11", [name for name in PARTS if name.split("-")[-1] in ("9", "10", "11")]),
        ("images", ["images-part-0"]),
        ("aum:1", ["aum-1"]),
        ("fold-1-2-opinion-2", ["fold-1-2-opinion-2"]),
        ("features-2-part-11", ["features-2-part-11"]),
    ],
)
def test_a_text_names_shards(text, names):
    chosen = ShardNames.of(text)
    assert [name for name in ALL if chosen.has(name)] == [name for name in ALL if name in names]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fold:3", "'fold:3' is not the name of a shard; hint: write fold:REPEAT-FOLD"),
        ("features:0-1", "not the name of a shard"),
        ("fold:0-3..0-1", "not the name of a shard"),
        ("fold:", "not the name of a shard"),
        ("", "not the name of a shard"),
        ("flod:0-1", "no shard is called 'flod'; hint: did you mean fold"),
    ],
)
def test_other_texts_are_refused_with_what_can_be_written(text, problem):
    with pytest.raises(UsageError, match=problem):
        ShardNames.of(text)


def test_a_shard_that_the_run_does_not_have_is_named():
    texts = ["fold:0-1", "fold:7-0"]
    with pytest.raises(UsageError, match=r"no shard fold:7-0; hint: its shards go from fold-0-0 to aum-1"):
        refuse_unknown(map(ShardNames.of, texts), texts, ALL)
