"""Decisions of a reviewer, and baselines of labels that were reviewed."""

from functools import partial

from hostile.kinds import Kind, Make, file, folder, nothing, pipe

HEAD = "example_id,decision,new_label,time,given_label\n"
WITH_BASELINE = "gate run --baseline baseline.csv"
Decisions = partial(Kind, line="gate run --max-rate 0.9 --decisions decisions.csv", names="decisions.csv")
Json = partial(Kind, line="gate run --max-rate 0.9 --decisions bad.json", names="bad.json")


def decided(rows: str | bytes) -> Make:
    content = HEAD.encode() + rows if isinstance(rows, bytes) else HEAD + rows
    return file("decisions.csv", content)


Apply = partial(Kind, line="apply run --decisions decisions.csv -o new.npz", names="decisions.csv")
DECISIONS = [
    Decisions("no such file", nothing, "no-file"),
    Decisions("a pipe", pipe("decisions.csv"), "unreadable"),
    Decisions(
        "a device", nothing, "unreadable", line="gate run --max-rate 0.9 --decisions /dev/zero", names="/dev/zero"
    ),
    Decisions("a folder", folder("decisions.csv"), "unreadable"),
    Decisions("an empty file", file("decisions.csv", ""), "no-column"),
    Decisions("another table", file("decisions.csv", "a,b\n1,2\n"), "no-column"),
    Decisions(
        "semicolons", file("decisions.csv", f"{HEAD}0,keep,,,\n".replace(",", ";")), read_as="read as with commas"
    ),
    Decisions("UTF-16", file("decisions.csv", HEAD.encode("utf-16")), "unreadable"),
    Decisions("Latin-1", decided("größe,keep,,,0\n".encode("latin-1")), "unreadable"),
    Decisions("a quote that is never closed", decided('"0,keep,,,0\n'), "unreadable"),
    Decisions("a field of a megabyte", decided(f"{'a' * 2**20},keep,,,0\n"), "unreadable"),
    Decisions("a word that is no decision", decided("0,maybe,,,0\n"), "not-a-decision", names="decisions.csv row 2"),
    Decisions("rows without a decision", decided("0,,,,0\n,,,,\n"), read_as="still to be decided"),
    Decisions("a new label without a decision", decided("0,,b,,0\n"), "not-a-decision", names="decisions.csv row 2"),
    Decisions("no example", decided(",keep,,,0\n"), "empty-cell", names="decisions.csv row 2"),
    Decisions("relabel without a label", decided("0,relabel,,,0\n"), "no-new-label", names="decisions.csv row 2"),
    Decisions("a row that is too short", decided("0\n"), read_as="still to be decided"),
    Decisions("a row that is too long", decided("0,keep,,,0,1,2,3\n"), read_as="read, without the cells beyond"),
    Decisions("decisions on an example twice", decided("0,keep,,,0\n0,drop,,,0\n"), read_as="the last counts"),
    Decisions("decisions about other data", decided("zzz,keep,,,0\n"), "not-decisions"),
    Decisions(
        "a decision about an example that is gone",
        decided("0,keep,,,\nzzz,keep,,,0\n"),
        read_as="left out, with a note",
    ),
    Decisions("a decision about a label that has changed", decided("0,keep,,,b\n"), read_as="left out, with a note"),
    Apply("decisions about other data, to be applied", decided("zzz,keep,,,0\n"), "unknown-example"),
    Apply("a label that has changed, to be applied", decided("0,keep,,,b\n"), "other-label"),
    Apply("a new label that is no class, to be applied", decided("0,relabel,zzz,,\n"), "unknown-class"),
    Json("a JSON export that is cut off", file("bad.json", "[{"), "unreadable"),
    Json("JSON of 100,000 brackets", file("bad.json", "[" * 100_000), "unreadable"),
    Json("JSON that is no list of tasks", file("bad.json", '{"a": 1}'), "not-decisions"),
    Json("a list of numbers", file("bad.json", "[1, 2]"), "not-decisions"),
    Json("no task", file("bad.json", "[]"), "no-annotations"),
    Json("tasks of others", file("bad.json", '[{"id": 1, "label": "a"}]'), "not-a-decision", names="bad.json task 1"),
    Json("a JSON export that is a pipe", pipe("bad.json"), "unreadable"),
]

Baseline = partial(Kind, line=WITH_BASELINE, names="baseline.csv")
BASELINES = [
    Baseline("no such file", nothing, "no-file"),
    Baseline("a pipe", pipe("baseline.csv"), "unreadable"),
    Baseline("a folder", folder("baseline.csv"), "unreadable"),
    Baseline("an empty file", file("baseline.csv", ""), "no-column"),
    Baseline("another table", file("baseline.csv", "a,b\n"), "no-column"),
    Baseline("UTF-16", file("baseline.csv", "example_id,given_label\n".encode("utf-16")), "unreadable"),
    Baseline("a quote that is never closed", file("baseline.csv", 'example_id,given_label\n"0,a\n'), "unreadable"),
    Baseline(
        "an empty id", file("baseline.csv", "example_id,given_label\n,a\n"), "empty-cell", names="baseline.csv row 2"
    ),
    Baseline(
        "a row without a label",
        file("baseline.csv", "example_id,given_label\n0\n"),
        "empty-cell",
        names="baseline.csv row 2",
    ),
    Baseline(
        "decisions to keep without a label",
        file("baseline.csv", "example_id,decision,new_label\n0,keep,\n"),
        "no-given-label",
    ),
    Baseline(
        "a row that is too long",
        file("baseline.csv", "example_id,given_label\n3,1,9\n8,0\n"),
        read_as="read, without the cells beyond",
    ),
    Baseline("an update of a pipe", pipe("baseline.csv"), "unreadable", line=f"{WITH_BASELINE} --update-baseline"),
    Baseline(
        "an update of decisions",
        file("baseline.csv", HEAD),
        "holds-decisions",
        line=f"{WITH_BASELINE} --update-baseline",
    ),
    Kind(
        "an update of a file of the run",
        nothing,
        "run-file",
        line="gate run --baseline run/scores.csv --update-baseline",
        names="run/scores.csv",
    ),
]
