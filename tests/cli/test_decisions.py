"""``--decisions`` on the command line: what is said, and the exit codes that scripts live by."""

import csv
import json
import re

import numpy as np
import pytest

HEADER = "example_id,decision,new_label,time,given_label\n"
WRONG = ("3", "25")
LINES = ("score probs.npz -o run", "gate run", "detect demo:digits -o new", "gate demo:digits -o new")


@pytest.fixture(autouse=True)
def decided(run, tmp_path):
    """Write decisions about the two suspects of the run and the first labels of the measured sample."""
    with (run / "measure.csv").open(encoding="utf-8") as file:
        drawn = [row["example_id"] for row in csv.DictReader(file)][:12]
    others = "".join(f"{one},keep,,,\n" for one in drawn if one not in WRONG)
    (tmp_path / "wrong.csv").write_text(HEADER + "".join(f"{one},drop,,,\n" for one in WRONG) + others)
    (tmp_path / "right.csv").write_text(HEADER + "".join(f"{one},keep,,,\n" for one in WRONG) + others)


def test_the_commands_on_the_page_work_as_they_are(command, run, tmp_path):
    assert command("report", "run").code == 0
    (tmp_path / "wrong.csv").rename(tmp_path / "decisions.csv")
    page = (run / "report.html").read_text(encoding="utf-8")
    commands = re.findall(r'data-copy="labelscan (apply .*?|gate .*?)"', page)
    assert [command(*one.split()).code for one in commands] == [0, 1]


def test_a_run_that_is_judged_without_its_decisions_says_so(command):
    note = "judged without the decisions of last time: add --decisions FILE"
    assert note not in command("score", "probs.npz", "-o", "run", "--decisions", "wrong.csv").err
    assert note in " ".join(command("score", "probs.npz", "-o", "run").err.split())
    assert note not in command("score", "probs.npz", "-o", "run").err


def test_a_gate_counts_what_decisions_leave(command):
    for file, code in (("wrong.csv", 1), ("right.csv", 0)):
        ended = command("gate", "run", "--max-issues=0", "--decisions", file)
        assert ended.code == code, ended.err
        assert "95 % interval from 12 decisions" in ended.out
        assert "issues.csv" not in ended.out, "it has other suspects"
    assert command("gate", "run", "--max-issues=0").code == 1, "the run is as it was"


def test_every_form_of_a_verdict_gives_the_range(command):
    for form in ("text", "junit", "sarif", "github", "markdown"):
        for decisions, words in ([], "at least 2 of 40"), (["--decisions=wrong.csv"], "interval from 12 decisions"):
            out = " ".join(command("gate", "run", "--max-issues=0", "--format", form, *decisions).out.split())
            assert words in out, form
    known = json.loads(command("gate", "run", "--max-issues=0", "--json").out)["wrong_labels"]
    assert known["low"] <= known["estimate"]
    assert known["high"] is None


def test_a_screen_offers_the_measurement_until_there_are_decisions(command, probs):
    unknown = {name: values for name, values in np.load(probs).items() if name != "true_labels"}
    np.savez(probs, **unknown)
    ended = command("score", "probs.npz", "-o", "run", "--fresh")
    assert 'measure "Measure: decide 50 labels" on that page' in ended.out
    assert "at least 2 of 40 labels are probably wrong; nobody has measured it" in ended.out
    assert "measure" in command("report", "run").out
    ended = command("score", "probs.npz", "-o", "run", "--decisions", "wrong.csv")
    assert "measure" not in ended.out
    assert "measure" not in command("report", "run").out
    words = " ".join(ended.out.split())
    for sentence in ("95 % interval from 12 decisions", "the list holds", "in 100 of the listed are wrong"):
        assert sentence in words
    known = json.loads(command("score", "probs.npz", "-o", "run", "--decisions", "wrong.csv", "--json").out)
    assert known["wrong_labels"]["source"] == "decisions"


def shown_at_the_top(out):
    """Return the ids in the table of the labels most likely wrong, in its order."""
    return re.findall(r"^ *\d+ +(\d+) .*->", out, flags=re.MULTILINE)


@pytest.mark.parametrize(("detector", "place"), [("noise-posterior", "before"), ("confident-learning", "among")])
def test_decided_labels_are_counted_and_not_shown(command, tmp_path, detector, place):
    line = ("score", "probs.npz", "-o", "other", "--fresh", "--detector", detector)
    assert shown_at_the_top(command(*line).out) == ["25", "3"]
    (tmp_path / "one.csv").write_text(HEADER + "25,drop,,,\n8,keep,,,\n")
    ended = command(*line, "--decisions", "one.csv")
    assert "3" in shown_at_the_top(ended.out)
    assert "25" not in shown_at_the_top(ended.out)
    assert f"{place} them in issues.csv: 1 label decided to be wrong" in " ".join(ended.out.split())
    assert ",25," in (tmp_path / "other" / "issues.csv").read_text()


def test_a_list_of_nothing_but_decided_labels_says_so(command):
    ended = command("score", "probs.npz", "-o", "run", "--decisions", "wrong.csv", "--detector", "confident-learning")
    assert ended.code == 0, ended.err
    assert shown_at_the_top(ended.out) == []
    assert "issues.csv has nothing but 2 labels decided to be wrong" in ended.out


def test_a_gate_on_data_judges_the_run_by_the_decisions(command, photos, tmp_path):
    line = ("gate", "photos", "--model=linear", "--folds=2", "--epochs=2", "-o", "made", "--max-issues=12")
    assert command(*line).code in (0, 2)
    ids = [f"{name}/{number}.png" for name in ("dark", "light") for number in range(6)]
    decided = [f"{one},{'drop' if one == 'dark/3.png' else 'keep'},,,\n" for one in ids]
    (tmp_path / "d.csv").write_text(HEADER + "".join(decided))
    ended = command(*line, "--decisions", "d.csv")
    summary = json.loads((tmp_path / "made" / "summary.json").read_text())
    assert summary["wrong_labels"]["n_decided"] == 12
    assert summary["wrong_labels"]["low"] == summary["wrong_labels"]["high"] == 1
    issues = (tmp_path / "made" / "issues.csv").read_text().splitlines()
    assert len(issues) == 2
    assert ",dark/3.png," in issues[1]
    assert ended.code in (0, 2), "2 where models that hardly trained have learned nothing"
