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
    Decisions(what="no such file", make=nothing, code="no-file"),
    Decisions(what="a pipe", make=pipe("decisions.csv"), code="unreadable"),
    Decisions(
        what="a device",
        line="gate run --max-rate 0.9 --decisions /dev/zero",
        make=nothing,
        code="unreadable",
        names="/dev/zero",
    ),
    Decisions(what="a folder", make=folder("decisions.csv"), code="unreadable"),
    Decisions(what="an empty file", make=file("decisions.csv", ""), code="no-column"),
    Decisions(what="another table", make=file("decisions.csv", "a,b\n1,2\n"), code="no-column"),
    Decisions(
        what="semicolons",
        make=file("decisions.csv", f"{HEAD}0,keep,,,\n".replace(",", ";")),
        read_as="read as with commas",
    ),
    Decisions(what="UTF-16", make=file("decisions.csv", HEAD.encode("utf-16")), code="unreadable"),
    Decisions(what="Latin-1", make=decided("größe,keep,,,0\n".encode("latin-1")), code="unreadable"),
    Decisions(what="a quote that is never closed", make=decided('"0,keep,,,0\n'), code="unreadable"),
    Decisions(what="a field of a megabyte", make=decided(f"{'a' * 2**20},keep,,,0\n"), code="unreadable"),
    Decisions(
        what="a word that is no decision",
        make=decided("0,maybe,,,0\n"),
        code="not-a-decision",
        names="decisions.csv row 2",
    ),
    Decisions(what="rows without a decision", make=decided("0,,,,0\n,,,,\n"), read_as="still to be decided"),
    Decisions(
        what="a new label without a decision",
        make=decided("0,,b,,0\n"),
        code="not-a-decision",
        names="decisions.csv row 2",
    ),
    Decisions(what="no example", make=decided(",keep,,,0\n"), code="empty-cell", names="decisions.csv row 2"),
    Decisions(
        what="relabel without a label",
        make=decided("0,relabel,,,0\n"),
        code="no-new-label",
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
        code="not-decisions",
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
        code="unknown-example",
    ),
    Apply(
        what="a label that has changed, to be applied",
        make=decided("0,keep,,,b\n"),
        code="other-label",
    ),
    Apply(
        what="a new label that is no class, to be applied",
        make=decided("0,relabel,zzz,,\n"),
        code="unknown-class",
    ),
    Json(what="a JSON export that is cut off", make=file("bad.json", "[{"), code="unreadable"),
    Json(what="JSON of 100,000 brackets", make=file("bad.json", "[" * 100_000), code="unreadable"),
    Json(what="JSON that is no list of tasks", make=file("bad.json", '{"a": 1}'), code="not-decisions"),
    Json(what="a list of numbers", make=file("bad.json", "[1, 2]"), code="not-decisions"),
    Json(what="no task", make=file("bad.json", "[]"), code="no-annotations"),
    Json(
        what="tasks of others",
        make=file("bad.json", '[{"id": 1, "label": "a"}]'),
        code="not-a-decision",
        names="bad.json task 1",
    ),
    Json(what="a JSON export that is a pipe", make=pipe("bad.json"), code="unreadable"),
]

Baseline = partial(Kind, line=WITH_BASELINE, names="baseline.csv")
BASELINES = [
    Baseline(what="no such file", make=nothing, code="no-file"),
    Baseline(what="a pipe", make=pipe("baseline.csv"), code="unreadable"),
    Baseline(what="a folder", make=folder("baseline.csv"), code="unreadable"),
    Baseline(what="an empty file", make=file("baseline.csv", ""), code="no-column"),
    Baseline(what="another table", make=file("baseline.csv", "a,b\n"), code="no-column"),
    Baseline(what="UTF-16", make=file("baseline.csv", "example_id,given_label\n".encode("utf-16")), code="unreadable"),
    Baseline(
        what="a quote that is never closed",
        make=file("baseline.csv", 'example_id,given_label\n"0,a\n'),
        code="unreadable",
    ),
    Baseline(
        what="an empty id",
        make=file("baseline.csv", "example_id,given_label\n,a\n"),
        code="empty-cell",
        names="baseline.csv row 2",
    ),
    Baseline(
        what="a row without a label",
        make=file("baseline.csv", "example_id,given_label\n0\n"),
        code="empty-cell",
        names="baseline.csv row 2",
    ),
    Baseline(
        what="decisions to keep without a label",
        make=file("baseline.csv", "example_id,decision,new_label\n0,keep,\n"),
        code="no-given-label",
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
        code="unreadable",
        names="baseline.csv",
    ),
    Kind(
        what="an update of decisions",
        line=f"{WITH_BASELINE} --update-baseline",
        make=file("baseline.csv", HEAD),
        code="holds-decisions",
        names="baseline.csv",
    ),
    Kind(
        what="an update of a file of the run",
        line="gate run --baseline run/scores.csv --update-baseline",
        make=nothing,
        code="run-file",
        names="run/scores.csv",
    ),
]
