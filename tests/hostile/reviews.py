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
    Decisions(what="no such file", make=nothing, says="there is no such file"),
    Decisions(what="a pipe", make=pipe("decisions.csv"), says="this is a pipe"),
    Decisions(
        what="a device",
        line="gate run --max-rate 0.9 --decisions /dev/zero",
        make=nothing,
        says="this is a device",
        names="/dev/zero",
    ),
    Decisions(what="a folder", make=folder("decisions.csv"), says="this is a folder"),
    Decisions(what="an empty file", make=file("decisions.csv", ""), says="no column is called 'example_id'"),
    Decisions(what="another table", make=file("decisions.csv", "a,b\n1,2\n"), says="no column is called 'example_id'"),
    Decisions(
        what="semicolons",
        make=file("decisions.csv", f"{HEAD}0,keep,,,\n".replace(",", ";")),
        read_as="read as with commas",
    ),
    Decisions(what="UTF-16", make=file("decisions.csv", HEAD.encode("utf-16")), says="not UTF-8"),
    Decisions(what="Latin-1", make=decided("größe,keep,,,0\n".encode("latin-1")), says="not UTF-8: byte 0xf6"),
    Decisions(what="a quote that is never closed", make=decided('"0,keep,,,0\n'), says="cannot be read"),
    Decisions(
        what="a field of a megabyte", make=decided(f"{'a' * 2**20},keep,,,0\n"), says="field larger than field limit"
    ),
    Decisions(
        what="a word that is no decision",
        make=decided("0,maybe,,,0\n"),
        says="'maybe' is not a decision",
        names="decisions.csv row 2",
    ),
    Decisions(what="rows without a decision", make=decided("0,,,,0\n,,,,\n"), read_as="still to be decided"),
    Decisions(
        what="a new label without a decision",
        make=decided("0,,b,,0\n"),
        says="'' is not a decision",
        names="decisions.csv row 2",
    ),
    Decisions(
        what="no example", make=decided(",keep,,,0\n"), says="the example_id is empty", names="decisions.csv row 2"
    ),
    Decisions(
        what="relabel without a label",
        make=decided("0,relabel,,,0\n"),
        says="relabel without a new_label",
        names="decisions.csv row 2",
    ),
    Decisions(what="a row that is too short", make=decided("0\n"), read_as="still to be decided"),
    Decisions(
        what="a row that is too long", make=decided("0,keep,,,0,1,2,3\n"), read_as="read, without the cells beyond"
    ),
    Decisions(
        what="decisions on an example twice", make=decided("0,keep,,,0\n0,drop,,,0\n"), read_as="the last counts"
    ),
    Decisions(
        what="decisions about other data",
        make=decided("zzz,keep,,,0\n"),
        says="no decision is about an example of this data: none is called 'zzz'",
    ),
    Decisions(
        what="a decision about an example that is gone",
        make=decided("0,keep,,,\nzzz,keep,,,0\n"),
        read_as="left out, with a note",
    ),
    Decisions(
        what="a decision about a label that has changed", make=decided("0,keep,,,b\n"), read_as="left out, with a note"
    ),
    Apply(
        what="decisions about other data, to be applied",
        make=decided("zzz,keep,,,0\n"),
        says="no example is called 'zzz'",
    ),
    Apply(
        what="a label that has changed, to be applied",
        make=decided("0,keep,,,b\n"),
        says="was 'b' when it was reviewed",
    ),
    Apply(
        what="a new label that is no class, to be applied",
        make=decided("0,relabel,zzz,,\n"),
        says="'zzz', for '0', is not a class",
    ),
    Json(what="a JSON export that is cut off", make=file("bad.json", "[{"), says="cannot be read"),
    Json(what="JSON of 100,000 brackets", make=file("bad.json", "[" * 100_000), says="nested too deeply"),
    Json(what="JSON that is no list of tasks", make=file("bad.json", '{"a": 1}'), says="this is not a list of tasks"),
    Json(what="a list of numbers", make=file("bad.json", "[1, 2]"), says="this is not a list of tasks"),
    Json(what="no task", make=file("bad.json", "[]"), says="there is no task"),
    Json(
        what="tasks of others",
        make=file("bad.json", '[{"id": 1, "label": "a"}]'),
        says="has no example_id",
        names="bad.json task 1",
    ),
    Json(what="a JSON export that is a pipe", make=pipe("bad.json"), says="this is a pipe"),
]

Baseline = partial(Kind, line=WITH_BASELINE, names="baseline.csv")
BASELINES = [
    Baseline(what="no such file", make=nothing, says="there is no such baseline"),
    Baseline(what="a pipe", make=pipe("baseline.csv"), says="this is a pipe"),
    Baseline(what="a folder", make=folder("baseline.csv"), says="this is a folder"),
    Baseline(what="an empty file", make=file("baseline.csv", ""), says="no column is called 'example_id'"),
    Baseline(what="another table", make=file("baseline.csv", "a,b\n"), says="no column is called 'example_id'"),
    Baseline(what="UTF-16", make=file("baseline.csv", "example_id,given_label\n".encode("utf-16")), says="not UTF-8"),
    Baseline(
        what="a quote that is never closed",
        make=file("baseline.csv", 'example_id,given_label\n"0,a\n'),
        says="cannot be read",
    ),
    Baseline(
        what="an empty id",
        make=file("baseline.csv", "example_id,given_label\n,a\n"),
        says="the example_id is empty",
        names="baseline.csv row 2",
    ),
    Baseline(
        what="a row without a label",
        make=file("baseline.csv", "example_id,given_label\n0\n"),
        says="the given_label is empty",
        names="baseline.csv row 2",
    ),
    Baseline(
        what="decisions to keep without a label",
        make=file("baseline.csv", "example_id,decision,new_label\n0,keep,\n"),
        says="no given_label says with which label",
    ),
    Baseline(
        what="a row that is too long",
        make=file("baseline.csv", "example_id,given_label\n3,1,9\n8,0\n"),
        read_as="read, without the cells beyond",
    ),
    Kind(
        what="an update of a pipe",
        line=f"{WITH_BASELINE} --update-baseline",
        make=pipe("baseline.csv"),
        says="this is a pipe",
        names="baseline.csv",
    ),
    Kind(
        what="an update of decisions",
        line=f"{WITH_BASELINE} --update-baseline",
        make=file("baseline.csv", HEAD),
        says="are not overwritten",
        names="baseline.csv",
    ),
    Kind(
        what="an update of a file of the run",
        line="gate run --baseline run/scores.csv --update-baseline",
        make=nothing,
        says="this is a file of the run",
        names="run/scores.csv",
    ),
]
