"""Examples to compare suspects with."""

import numpy as np
import pandas as pd
from finished import a_run

from labelscan.reporting.typical_examples import MOST_EXAMPLES, choose_typical


def a_table(n, names, *, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "given_label": pd.Series(np.array(names, dtype=object)[np.arange(n) % len(names)], dtype=object),
            "self_confidence": generator.random(n),
            "error_probability": generator.random(n) / 2,
            "flagged": generator.random(n) < 0.1,
        }
    )


def test_typical_examples_are_unflagged_and_confident_but_not_the_most_confident():
    table = a_table(2000, ["a", "b"])
    chosen = choose_typical(table, ["b", "a", "b", "no such class"])
    assert list(chosen) == ["b", "a"]
    for name, rows in chosen.items():
        assert len(set(rows)) == 2
        shown = table.iloc[list(rows)]
        assert (shown["given_label"] == name).all()
        assert not shown["flagged"].any()
        ranks = table[(table["given_label"] == name) & ~table["flagged"]]["self_confidence"].rank(pct=True)
        assert ranks.loc[list(rows)].between(0.45, 0.95).all()


def test_examples_without_a_score_or_likely_wrong_are_never_typical():
    assert choose_typical(a_run().issues.scores, ["cat", "dog"]) == {"cat": [6, 8], "dog": [5, 7]}
    table = a_table(6, ["a"])
    table["flagged"] = False
    table.loc[0, "self_confidence"] = np.nan
    table.loc[1:4, "error_probability"] = 0.75
    assert choose_typical(table, ["a"]) == {"a": [5]}
    table["flagged"] = True
    assert choose_typical(table, ["a"]) == {}


def test_with_many_classes_each_has_one_and_the_last_have_none():
    names = [str(number) for number in range(1000)]
    chosen = choose_typical(a_table(5000, names), names)
    assert all(len(rows) == 1 for rows in chosen.values())
    assert list(chosen) == names[: len(chosen)]
    assert len(chosen) <= MOST_EXAMPLES
