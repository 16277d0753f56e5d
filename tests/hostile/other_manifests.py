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
    Jsonl("a jsonl line that is cut off", jsonl('{"path": "cat/1.png", "lab'), "not-valid"),
    Jsonl("a comma too many", jsonl('{"path": "cat/1.png", "label": "cat",}'), "not-valid"),
    Jsonl("single quotes", jsonl("{'path': 'cat/1.png', 'label': 'cat'}"), "not-valid"),
    Jsonl("two objects on a line", jsonl('{"path": "a"} {"path": "b"}'), "not-valid"),
    Jsonl("an array in place of an object", jsonl('["cat/1.png", "cat"]'), "broken-row"),
    Jsonl("a number in place of an object", jsonl("7"), "broken-row"),
    Jsonl("null in place of an object", jsonl("null"), "broken-row"),
    Jsonl("a name twice in an object", jsonl('{"path": "a", "label": "a", "label": "b"}'), "not-valid"),
    Jsonl("100,000 brackets", jsonl(f'{{"path": {"[" * 100_000}{"]" * 100_000}, "label": "a"}}'), "not-valid"),
    Jsonl("a list of labels", jsonl('{"path": "dog/1.png", "label": ["a", "b"]}'), "several-values", names="row 5"),
    Jsonl("an object as a path", jsonl('{"path": {"a": 1}, "label": "a"}'), "several-values"),
    Jsonl("null as a label", jsonl('{"path": "dog/1.png", "label": null}'), "empty-cell"),
    Jsonl("an object without a label", jsonl('{"path": "dog/1.png"}'), "empty-cell"),
    Jsonl("half of a surrogate pair", jsonl('{"path": "\\ud800.png", "label": "a"}'), "not-utf8"),
    Jsonl("an empty jsonl file", file("bad.jsonl", ""), "empty-file", names="bad.jsonl"),
    Jsonl("objects without names", file("bad.jsonl", "{}\n{}\n"), "empty-file", names="bad.jsonl"),
    Jsonl(
        "one JSON array of all rows",
        file("bad.jsonl", '[\n{"path": "a", "label": "b"}\n]\n'),
        "not-valid",
        names="bad.jsonl row 1",
    ),
    Jsonl(
        "a byte order mark in jsonl",
        together(
            photos(),
            file("bad.jsonl", "\ufeff" + "".join(f'{{"path": "{name}", "label": "{name[:3]}"}}\n' for name in IMAGES)),
        ),
    ),
    Jsonl(
        "a number of 5,000 digits",
        together(
            photos(),
            file(
                "bad.jsonl",
                "".join(f'{{"path": "{name}", "label": {"1" * 5000}{row % 2}}}\n' for row, name in enumerate(IMAGES)),
            ),
        ),
        read_as="read as text",
    ),
    # Parquet
    Parquet("an empty parquet file", file("bad.parquet", b""), "unreadable"),
    Parquet("text called .parquet", file("bad.parquet", GOOD), "unreadable"),
    Parquet("parquet that is cut off", cut_off, "unreadable"),
    Parquet("parquet with spoilt pages", spoilt, "unreadable"),
    Parquet("parquet with a spoilt footer", spoilt_footer, "unreadable"),
    Parquet("parquet that is a pipe", pipe("bad.parquet"), "unreadable"),
    Parquet("fifty million equal rows", many_rows, "unreadable"),
    Parquet("no rows", parquet(path=pa.array([], pa.string()), label=pa.array([], pa.string())), "no-examples"),
    Parquet(
        "lists as labels", parquet(label=[["a"], ["b"], ["a"], ["b"]]), "several-values", names="bad.parquet index 0"
    ),
    Parquet("structures as labels", parquet(label=[{"a": 1}] * 4), "several-values", names="index 0"),
    Parquet("structures as paths", parquet(path=[{"a": 1}] * 4), "several-values", names="index 0"),
    Parquet("a missing label", parquet(label=["a", None, "b", "a"]), "empty-cell", names="index 1"),
    Parquet("two parquet columns of one name", twice, "column-twice"),
    Parquet("labels as a dictionary", parquet(label=pa.array(["a", "b", "a", "b"]).dictionary_encode())),
    Parquet("labels as whole numbers", parquet(label=[1, 2, 1, 2])),
    Parquet(
        "labels as dates of another age",
        parquet(label=pa.array([2**62, 0, 2**62, 0], pa.timestamp("us"))),
        "unreadable",
    ),
]
