"""Manifests in JSON lines and parquet."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hostile.kinds import IMAGES, Kind, Make, file, photos, pipe, together
from hostile.manifests import GOOD


def jsonl(*lines: str) -> Make:
    good = [f'{{"path": "{name}", "label": "{name[:3]}"}}' for name in IMAGES]
    return together(photos(), file("bad.jsonl", "\n".join([*good, *lines]) + "\n"))


def parquet(name: str = "bad.parquet", **columns: object) -> Make:
    def make(place: Path) -> None:
        photos()(place)
        usual = {"path": list(IMAGES), "label": [name[:3] for name in IMAGES]}
        pq.write_table(pa.table(usual | columns), place / name)

    return make


def many_rows(place: Path) -> None:
    """Make a small file of fifty million equal rows."""
    indices = pa.array([0], pa.int8()).take(pa.array([0] * 1_000_000))
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["x"]))
    table = pa.table({"path": pa.chunked_array([column] * 50), "label": pa.chunked_array([column] * 50)})
    pq.write_table(table, place / "bad.parquet", row_group_size=50_000_000)


def cut_off(place: Path) -> None:
    parquet()(place)
    content = (place / "bad.parquet").read_bytes()
    (place / "bad.parquet").write_bytes(content[: len(content) // 2])


def spoilt(place: Path) -> None:
    parquet()(place)
    content = bytearray((place / "bad.parquet").read_bytes())
    content[4:60] = bytes(range(100, 156))
    (place / "bad.parquet").write_bytes(content)


def spoilt_footer(place: Path) -> None:
    parquet()(place)
    content = bytearray((place / "bad.parquet").read_bytes())
    content[-120:-40] = b"\xff" * 80
    (place / "bad.parquet").write_bytes(content)


def twice(place: Path) -> None:
    columns = [pa.array(list(IMAGES)), pa.array(["a", "b"] * 2), pa.array(["a", "b"] * 2)]
    pq.write_table(pa.table(columns, names=["path", "label", "label"]), place / "bad.parquet")


Jsonl = partial(Kind, line="detect bad.jsonl --folds 2 --dry-run", names="bad.jsonl row 5")
Parquet = partial(Kind, line="detect bad.parquet --folds 2 --dry-run", names="bad.parquet")

KINDS = [
    # JSON lines
    Jsonl(what="a jsonl line that is cut off", make=jsonl('{"path": "cat/1.png", "lab'), code="not-valid"),
    Jsonl(what="a comma too many", make=jsonl('{"path": "cat/1.png", "label": "cat",}'), code="not-valid"),
    Jsonl(what="single quotes", make=jsonl("{'path': 'cat/1.png', 'label': 'cat'}"), code="not-valid"),
    Jsonl(what="two objects on a line", make=jsonl('{"path": "a"} {"path": "b"}'), code="not-valid"),
    Jsonl(what="an array in place of an object", make=jsonl('["cat/1.png", "cat"]'), code="broken-row"),
    Jsonl(what="a number in place of an object", make=jsonl("7"), code="broken-row"),
    Jsonl(what="null in place of an object", make=jsonl("null"), code="broken-row"),
    Jsonl(
        what="a name twice in an object",
        make=jsonl('{"path": "a", "label": "a", "label": "b"}'),
        code="not-valid",
    ),
    Jsonl(
        what="100,000 brackets",
        make=jsonl(f'{{"path": {"[" * 100_000}{"]" * 100_000}, "label": "a"}}'),
        code="not-valid",
    ),
    Jsonl(
        what="a list of labels",
        make=jsonl('{"path": "dog/1.png", "label": ["a", "b"]}'),
        code="several-values",
        names="row 5",
    ),
    Jsonl(what="an object as a path", make=jsonl('{"path": {"a": 1}, "label": "a"}'), code="several-values"),
    Jsonl(what="null as a label", make=jsonl('{"path": "dog/1.png", "label": null}'), code="empty-cell"),
    Jsonl(what="an object without a label", make=jsonl('{"path": "dog/1.png"}'), code="empty-cell"),
    Jsonl(what="half of a surrogate pair", make=jsonl('{"path": "\\ud800.png", "label": "a"}'), code="not-utf8"),
    Jsonl(what="an empty jsonl file", make=file("bad.jsonl", ""), code="empty-file", names="bad.jsonl"),
    Jsonl(what="objects without names", make=file("bad.jsonl", "{}\n{}\n"), code="empty-file", names="bad.jsonl"),
    Jsonl(
        what="one JSON array of all rows",
        make=file("bad.jsonl", '[\n{"path": "a", "label": "b"}\n]\n'),
        code="not-valid",
        names="bad.jsonl row 1",
    ),
    Jsonl(
        what="a byte order mark in jsonl",
        make=together(
            photos(),
            file("bad.jsonl", "\ufeff" + "".join(f'{{"path": "{name}", "label": "{name[:3]}"}}\n' for name in IMAGES)),
        ),
    ),
    Jsonl(
        what="a number of 5,000 digits",
        make=together(
            photos(),
            file(
                "bad.jsonl",
                "".join(f'{{"path": "{name}", "label": {"1" * 5000}{row % 2}}}\n' for row, name in enumerate(IMAGES)),
            ),
        ),
        read_as="read as text",
    ),
    # Parquet
    Parquet(what="an empty parquet file", make=file("bad.parquet", b""), code="unreadable"),
    Parquet(what="text called .parquet", make=file("bad.parquet", GOOD), code="unreadable"),
    Parquet(what="parquet that is cut off", make=cut_off, code="unreadable"),
    Parquet(what="parquet with spoilt pages", make=spoilt, code="unreadable"),
    Parquet(what="parquet with a spoilt footer", make=spoilt_footer, code="unreadable"),
    Parquet(what="parquet that is a pipe", make=pipe("bad.parquet"), code="unreadable"),
    Parquet(what="fifty million equal rows", make=many_rows, code="unreadable"),
    Parquet(
        what="no rows",
        make=parquet(path=pa.array([], pa.string()), label=pa.array([], pa.string())),
        code="no-examples",
    ),
    Parquet(
        what="lists as labels",
        make=parquet(label=[["a"], ["b"], ["a"], ["b"]]),
        code="several-values",
        names="bad.parquet index 0",
    ),
    Parquet(what="structures as labels", make=parquet(label=[{"a": 1}] * 4), code="several-values", names="index 0"),
    Parquet(what="structures as paths", make=parquet(path=[{"a": 1}] * 4), code="several-values", names="index 0"),
    Parquet(what="a missing label", make=parquet(label=["a", None, "b", "a"]), code="empty-cell", names="index 1"),
    Parquet(what="two parquet columns of one name", make=twice, code="column-twice"),
    Parquet(
        what="labels as a dictionary",
        make=parquet(label=pa.array(["a", "b", "a", "b"]).dictionary_encode()),
    ),
    Parquet(what="labels as whole numbers", make=parquet(label=[1, 2, 1, 2])),
    Parquet(
        what="labels as dates of another age",
        make=parquet(label=pa.array([2**62, 0, 2**62, 0], pa.timestamp("us"))),
        code="unreadable",
    ),
]
