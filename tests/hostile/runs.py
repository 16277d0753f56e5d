"""Damaged run folders."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from hostile.kinds import Kind, Make, file, link, nothing, npz, pipe, together
from labelscan.files.npz import pack_texts

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


def broken(name: str, what: str, make: Make, code: str, line: str = GATE) -> Kind:
    """Return the kind of a file of a run that is not what it should be."""
    make = together(make, file("decisions.csv", HEAD))
    return Kind(f"{name} {what}", make, code, line=line, names=f"run/{name}")


def evidence(what: str, make: Make) -> Kind:
    return broken("evidence.npz", what, make, "damaged", DECIDE)


def log_odds(what: str, error_log_odds: np.ndarray) -> Kind:
    stratum = np.zeros(len(error_log_odds), dtype=np.int8)
    arrays = partial(npz, error_log_odds=error_log_odds, stratum=stratum, number_by_agreement=np.array(np.nan))
    return broken("log_odds.npz", what, in_place("log_odds.npz", arrays), "damaged", REPORT)


Into = partial(Kind, line="score probs.npz -o other", names="other")
KINDS = [
    Kind("no such folder", nothing, "no-run", line="report nowhere", names="nowhere"),
    Kind("a file in place of the folder", a_file, "no-run", line=REPORT, names="run"),
    Kind("a folder of other things", file("other/a.txt", ""), "no-run", line="report other", names="other"),
    Kind("run.json deleted", without("run.json"), "no-run", line=REPORT, names="run"),
    Kind("run.json that is a pipe", in_place("run.json", pipe), "no-run", line=REPORT, names="run"),
    broken("run.json", "that is empty", text("run.json", ""), "unreadable"),
    broken("run.json", "that is cut off", cut("run.json"), "unreadable"),
    broken("run.json", "that is a list", text("run.json", "[1]"), "unreadable"),
    broken("run.json", "of 100,000 brackets", text("run.json", "[" * 100_000), "unreadable"),
    broken("run.json", "that is not UTF-8", text("run.json", b"\xff\xfe{}"), "unreadable"),
    broken("run.json", "of another version", edited("run.json", "format_version", value=99), "other-version"),
    Kind(
        "a run that is not finished",
        edited("run.json", "state", value="running"),
        "run-unfinished",
        line=GATE,
        names="run",
    ),
    broken("run.json", "whose data is a number", edited("run.json", "data", value=5), "damaged", REPORT),
    broken(
        "run.json", "whose times are text", edited("run.json", "timings", value={"total": "long"}), "damaged", REPORT
    ),
    broken("summary.json", "deleted", without("summary.json"), "unreadable"),
    broken("summary.json", "that is a pipe", in_place("summary.json", pipe), "unreadable"),
    broken("summary.json", "that is cut off", cut("summary.json"), "unreadable"),
    broken("summary.json", "that is a list", text("summary.json", "[]"), "unreadable"),
    broken("summary.json", "that is an empty object", text("summary.json", "{}"), "other-version"),
    broken("summary.json", "without the detector", edited("summary.json", "detector", value=None), "damaged"),
    broken("summary.json", "with text for a count", edited("summary.json", "n_flagged", value="many"), "damaged"),
    broken("summary.json", "with NaN", edited("summary.json", "chance_agreement", value=float("nan")), "unreadable"),
    broken(
        "summary.json", "whose classes are text", edited("summary.json", "class_health", value=["a"]), "damaged", REPORT
    ),
    broken(
        "summary.json",
        "with other pairs",
        edited("summary.json", "confused_pairs", value=[{"a": 1}]),
        "damaged",
        REPORT,
    ),
    broken(
        "summary.json",
        "with a range of text",
        edited("summary.json", "wrong_labels", "low", value="a"),
        "damaged",
        REPORT,
    ),
    broken("scores.csv", "deleted", without("scores.csv"), "damaged"),
    broken("scores.csv", "that is a pipe", in_place("scores.csv", pipe), "damaged"),
    broken("scores.csv", "that is empty", text("scores.csv", ""), "damaged"),
    broken("scores.csv", "that lacks rows", fewer_rows, "damaged"),
    broken("scores.csv", "that is cut off within a row", short_row, "damaged"),
    broken("scores.csv", "with other columns", text("scores.csv", "a,b\n1,2\n"), "damaged"),
    broken("scores.csv", "with text for a rank", replaced("scores.csv", "\n1,", "\none,"), "damaged"),
    broken("scores.csv", "with a rank of 30 digits", replaced("scores.csv", "\n1,", f"\n{'9' * 30},"), "damaged"),
    broken("scores.csv", "with neither true nor false", replaced("scores.csv", ",true,", ",yes,"), "damaged"),
    broken("scores.csv", "that is not UTF-8", text("scores.csv", b"\xff\xfe"), "damaged"),
    evidence("deleted", without("evidence.npz")),
    evidence("that is a pipe", in_place("evidence.npz", pipe)),
    evidence("that is cut off", cut("evidence.npz")),
    evidence("without labels", array("evidence.npz", given_labels=None)),
    evidence("with NaN", array("evidence.npz", pred_probs=np.full((12, 2), np.nan))),
    evidence("of another shape", array("evidence.npz", pred_probs=np.full((3, 2), 0.5))),
    evidence("with labels of text", array("evidence.npz", given_labels=np.array(["a"] * 12))),
    evidence("with ids of numbers", array("evidence.npz", example_ids=np.arange(12), example_ids_end=None)),
    evidence("with ids that end nowhere", array("evidence.npz", example_ids_end=np.arange(12) * 1000)),
    evidence(
        "about other examples", array("evidence.npz", **pack_texts("example_ids", [f"x{row}" for row in range(12)]))
    ),
    broken("log_odds.npz", "that is cut off", cut("log_odds.npz"), "unreadable", REPORT),
    log_odds("of text", np.array(["a"] * 12)),
    log_odds("with NaN", np.full(12, np.nan)),
    log_odds("of another length", np.zeros(3)),
    broken("measure.csv", "that is empty", text("measure.csv", ""), "damaged", REPORT),
    broken("measure.csv", "about other examples", text("measure.csv", "order,example_id\n1,zzz\n"), "damaged", REPORT),
    Kind(
        "a damaged run to compare with",
        together(lambda place: shutil.copytree(place / "run", place / "run2"), cut("summary.json")),
        "unreadable",
        line="diff run run2",
        names="run/summary.json",
    ),
    Kind(
        "a damaged run to be begun again",
        text("run.json", "[1]"),
        "unreadable",
        line="score probs.npz -o run",
        names="run/run.json",
    ),
    Into("a folder of other things to run in", file("other/a.txt", ""), "not-a-run-folder"),
    Into("a file to run in", file("other", ""), "is-a-file"),
    Into("a link to itself to run in", link("other", "other"), "folder-not-made"),
]
