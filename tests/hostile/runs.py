"""Damaged run folders."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from hostile.kinds import Kind, Make, file, link, nothing, npz, pipe, together

GATE = "gate run --max-rate 0.9"
REPORT = "report run --no-pictures"
DECIDE = "gate run --max-rate 0.9 --decisions decisions.csv"
HEAD = "example_id,decision,new_label,time,given_label\n"


def without(name: str) -> Make:
    return lambda place: (place / "run" / name).unlink()


def in_place(name: str, make: Callable[[str], Make]) -> Make:
    """Return the maker of something else in the place of a file of the run."""
    return together(without(name), make(f"run/{name}"))


def text(name: str, content: str | bytes) -> Make:
    return in_place(name, partial(file, content=content))


def edited(name: str, *path: str, value: object) -> Make:
    """Return the maker of a run in which one value of a JSON file is another; None takes it out."""

    def make(place: Path) -> None:
        content = json.loads((place / "run" / name).read_text())
        part = content
        for key in path[:-1]:
            part = part[key]
        if value is None:
            del part[path[-1]]
        else:
            part[path[-1]] = value
        (place / "run" / name).write_text(json.dumps(content))

    return make


def cut(name: str) -> Make:
    def make(place: Path) -> None:
        content = (place / "run" / name).read_bytes()
        (place / "run" / name).write_bytes(content[: len(content) // 2])

    return make


def replaced(name: str, old: str, new: str) -> Make:
    def make(place: Path) -> None:
        path = place / "run" / name
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))

    return make


def array(name: str, **changed: object) -> Make:
    """Return the maker of a run in which some arrays of a file are others; None takes one out."""

    def make(place: Path) -> None:
        with np.load(place / "run" / name) as arrays:
            content = {key: arrays[key] for key in arrays.files} | changed
        np.savez(place / "run" / name, **{key: one for key, one in content.items() if one is not None})

    return make


def fewer_rows(place: Path) -> None:
    path = place / "run" / "scores.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))


def short_row(place: Path) -> None:
    path = place / "run" / "scores.csv"
    path.write_text(path.read_text().rpartition(",")[0])


def a_file(place: Path) -> None:
    shutil.rmtree(place / "run")
    (place / "run").write_text("not a folder")


Gate = partial(Kind, line=GATE)
Report = partial(Kind, line=REPORT)
Decide = partial(Kind, line=DECIDE)
KINDS = [
    Kind(what="no such folder", line="report nowhere", make=nothing, says="there is no run here", names="nowhere"),
    Kind(what="a file in place of the folder", line=REPORT, make=a_file, says="there is no run here", names="run"),
    Kind(
        what="a folder of other things",
        line="report other",
        make=file("other/a.txt", ""),
        says="there is no run",
        names="other",
    ),
    Report(what="run.json deleted", make=without("run.json"), says="there is no run here", names="run"),
    Report(what="run.json that is a pipe", make=in_place("run.json", pipe), says="there is no run here", names="run"),
    Gate(what="run.json that is empty", make=text("run.json", ""), says="cannot be read", names="run/run.json"),
    Gate(what="run.json that is cut off", make=cut("run.json"), says="cannot be read", names="run/run.json"),
    Gate(
        what="run.json that is a list",
        make=text("run.json", "[1]"),
        says="holds a list, not an object",
        names="run/run.json",
    ),
    Gate(
        what="run.json of 100,000 brackets",
        make=text("run.json", "[" * 100_000),
        says="nested too deeply",
        names="run/run.json",
    ),
    Gate(
        what="run.json that is not UTF-8", make=text("run.json", b"\xff\xfe{}"), says="not UTF-8", names="run/run.json"
    ),
    Gate(
        what="run.json of another version",
        make=edited("run.json", "format_version", value=99),
        says="another version",
        names="run/run.json",
    ),
    Gate(
        what="a run that is not finished",
        make=edited("run.json", "state", value="running"),
        says="this run is not finished",
        names="run",
    ),
    Report(
        what="run.json whose data is a number",
        make=edited("run.json", "data", value=5),
        says="not the record of a run",
        names="run/run.json",
    ),
    Report(
        what="run.json whose times are text",
        make=edited("run.json", "timings", value={"total": "long"}),
        says="not the record",
        names="run/run.json",
    ),
    Gate(what="summary.json deleted", make=without("summary.json"), says="No such file", names="run/summary.json"),
    Gate(
        what="summary.json that is a pipe",
        make=in_place("summary.json", pipe),
        says="this is a pipe",
        names="run/summary.json",
    ),
    Gate(
        what="summary.json that is cut off", make=cut("summary.json"), says="cannot be read", names="run/summary.json"
    ),
    Gate(
        what="summary.json that is a list",
        make=text("summary.json", "[]"),
        says="holds a list",
        names="run/summary.json",
    ),
    Gate(
        what="summary.json that is an empty object",
        make=text("summary.json", "{}"),
        says="another version",
        names="run/summary.json",
    ),
    Gate(
        what="summary.json without the detector",
        make=edited("summary.json", "detector", value=None),
        says="detector is missing",
        names="run/summary.json",
    ),
    Gate(
        what="summary.json with text for a count",
        make=edited("summary.json", "n_flagged", value="many"),
        says="n_flagged is not",
        names="run/summary.json",
    ),
    Gate(
        what="summary.json with NaN",
        make=edited("summary.json", "chance_accuracy", value=float("nan")),
        says="chance_accuracy is not",
        names="run/summary.json",
    ),
    Report(
        what="summary.json whose classes are text",
        make=edited("summary.json", "class_health", value=["a"]),
        says="class_health is not",
        names="run/summary.json",
    ),
    Report(
        what="summary.json with other pairs",
        make=edited("summary.json", "confused_pairs", value=[{"a": 1}]),
        says="confused_pairs is not",
        names="run/summary.json",
    ),
    Report(
        what="summary.json with a range of text",
        make=edited("summary.json", "wrong_labels", "low", value="a"),
        says="wrong_labels is not",
        names="run/summary.json",
    ),
    Gate(what="scores.csv deleted", make=without("scores.csv"), says="No such file", names="run/scores.csv"),
    Gate(
        what="scores.csv that is a pipe",
        make=in_place("scores.csv", pipe),
        says="this is a pipe",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv that is empty",
        make=text("scores.csv", ""),
        says="is not the table of scores",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv that lacks rows",
        make=fewer_rows,
        says="has 9 examples, and summary.json 12",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv that is cut off within a row",
        make=short_row,
        says="is not the table of scores of a run (a row is cut off)",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv with other columns",
        make=text("scores.csv", "a,b\n1,2\n"),
        says="its columns are a, b",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv with text for a rank",
        make=replaced("scores.csv", "\n1,", "\none,"),
        says="is not the table of scores",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv with a rank of 30 digits",
        make=replaced("scores.csv", "\n1,", f"\n{'9' * 30},"),
        says="is not the table of scores",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv with neither true nor false",
        make=replaced("scores.csv", ",true,", ",yes,"),
        says="neither true nor false",
        names="run/scores.csv",
    ),
    Gate(
        what="scores.csv that is not UTF-8",
        make=text("scores.csv", b"\xff\xfe"),
        says="not UTF-8",
        names="run/scores.csv",
    ),
    Decide(
        what="evidence.npz deleted",
        make=together(without("evidence.npz"), file("decisions.csv", HEAD)),
        says="No such file",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz that is a pipe",
        make=together(in_place("evidence.npz", pipe), file("decisions.csv", HEAD)),
        says="this is a pipe",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz that is cut off",
        make=together(cut("evidence.npz"), file("decisions.csv", HEAD)),
        says="is not the evidence of a run",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz without labels",
        make=together(array("evidence.npz", given_labels=None), file("decisions.csv", HEAD)),
        says="there is no array 'given_labels'",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz with NaN",
        make=together(array("evidence.npz", pred_probs=np.full((12, 2), np.nan)), file("decisions.csv", HEAD)),
        says="NaN or infinite probability",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz of another shape",
        make=together(array("evidence.npz", pred_probs=np.full((3, 2), 0.5)), file("decisions.csv", HEAD)),
        says="is not the evidence of a run",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz with labels of text",
        make=together(array("evidence.npz", given_labels=np.array(["a"] * 12)), file("decisions.csv", HEAD)),
        says="not whole numbers",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz with ids of numbers",
        make=together(array("evidence.npz", example_ids=np.arange(12)), file("decisions.csv", HEAD)),
        says="not a list of text",
        names="run/evidence.npz",
    ),
    Decide(
        what="evidence.npz about other examples",
        make=together(
            array("evidence.npz", example_ids=np.array([f"x{row}" for row in range(12)])), file("decisions.csv", HEAD)
        ),
        says="is not about the labels",
        names="run/evidence.npz",
    ),
    Report(what="doubt.npz that is cut off", make=cut("doubt.npz"), says="cannot be read", names="run/doubt.npz"),
    Report(
        what="doubt.npz of text",
        make=in_place("doubt.npz", lambda name: npz(name, error_log_odds=np.array(["a"] * 12))),
        says="is not one number a label",
        names="run/doubt.npz",
    ),
    Report(
        what="doubt.npz with NaN",
        make=in_place("doubt.npz", lambda name: npz(name, error_log_odds=np.full(12, np.nan))),
        says="is not one number a label",
        names="run/doubt.npz",
    ),
    Report(
        what="doubt.npz of another length",
        make=in_place("doubt.npz", lambda name: npz(name, error_log_odds=np.zeros(3))),
        says="is not one number a label",
        names="run/doubt.npz",
    ),
    Report(
        what="measure.csv that is empty",
        make=text("measure.csv", ""),
        says="is not the sample of a run",
        names="run/measure.csv",
    ),
    Report(
        what="measure.csv about other examples",
        make=text("measure.csv", "order,example_id\n1,zzz\n"),
        says="is not about the labels",
        names="run/measure.csv",
    ),
    Kind(
        what="a damaged run to compare with",
        line="diff run run2",
        make=together(lambda place: shutil.copytree(place / "run", place / "run2"), cut("summary.json")),
        says="cannot be read",
        names="run/summary.json",
    ),
    Kind(
        what="a damaged run to be begun again",
        line="score probs.npz -o run",
        make=text("run.json", "[1]"),
        says="holds a list",
        names="run/run.json",
    ),
    Kind(
        what="a folder of other things to run in",
        line="score probs.npz -o other",
        make=file("other/a.txt", ""),
        says="the folder is not empty",
        names="other",
    ),
    Kind(
        what="a file to run in",
        line="score probs.npz -o other",
        make=file("other", ""),
        says="this is a file, not a folder",
        names="other",
    ),
    Kind(
        what="a link to itself to run in",
        line="score probs.npz -o other",
        make=link("other", "other"),
        says="cannot be made",
        names="other",
    ),
]
