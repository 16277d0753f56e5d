"""Manifests: rows of paths and labels, as text, JSON and parquet."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hostile.kinds import IMAGES, Kind, Make, file, folder, link, locked, nothing, photos, pipe, together

ROWS = "".join(f"{name},{name[:3]}\n" for name in IMAGES)
GOOD = f"path,label\n{ROWS}"


def csv(content: str | bytes, name: str = "bad.csv") -> Make:
    return together(photos(), file(name, content))


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


Csv = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv")
Tsv = partial(Kind, line="detect bad.tsv --folds 2 --dry-run", names="bad.tsv")
Jsonl = partial(Kind, line="detect bad.jsonl --folds 2 --dry-run", names="bad.jsonl row 5")
Parquet = partial(Kind, line="detect bad.parquet --folds 2 --dry-run", names="bad.parquet")

KINDS = [
    # Whatever the file is
    Csv(what="no such file", make=nothing, says="no such file"),
    Csv(what="an empty file", make=file("bad.csv", ""), says="the file is empty"),
    Csv(what="a file of blank lines", make=file("bad.csv", "\n\n\n"), says="the file is empty"),
    Csv(what="a pipe", make=pipe("bad.csv"), says="this is a pipe, not a file"),
    Kind(what="a device", line="detect /dev/zero --dry-run", make=nothing, says="not read", names="/dev/zero"),
    Csv(what="a link to a device", make=link("bad.csv", "/dev/zero"), says="this is a device, not a file"),
    Csv(what="a link to itself", make=link("bad.csv", "bad.csv"), says="no such file"),
    Csv(what="a folder called like a file", make=folder("bad.csv"), says="no class folder"),
    Csv(what="a file that may not be read", make=locked("bad.csv"), says="Permission denied", as_root=False),
    Csv(what="a path that is too long", line=f"detect {'a' * 300}.csv", make=nothing, says="too long", names="aaa"),
    Kind(what="another extension", line="detect bad.xlsx", make=file("bad.xlsx", "PK"), says=".xlsx", names="bad.xlsx"),
    Kind(what="no extension", line="detect bad", make=file("bad", "text"), says="without an extension", names="bad"),
    Kind(
        what="an address", line="detect https://a.org/b.csv", make=nothing, says="no such file", names="https://a.org"
    ),
    # Encodings and line ends
    Csv(what="UTF-16 with a byte order mark", make=csv(GOOD.encode("utf-16")), says="not UTF-8: byte 0xff"),
    Csv(what="UTF-16 without one", make=csv(GOOD.encode("utf-16-le")), says="NUL bytes", names="bad.csv row 1"),
    Csv(
        what="Latin-1",
        make=csv(f"{GOOD}größe.png,dog\n".encode("latin-1")),
        says="not UTF-8: byte 0xf6 at column 3",
        names="bad.csv row 6",
    ),
    Csv(what="a byte order mark", make=csv("\ufeff" + GOOD)),
    Csv(what="lines that end in a carriage return", make=csv(GOOD.replace("\n", "\r"))),
    Csv(what="lines that end in both", make=csv(GOOD.replace("\n", "\r\n"))),
    Csv(what="no line end at the end", make=csv(GOOD.rstrip())),
    Csv(what="blank lines in between", make=csv(GOOD.replace("\n", "\n\n"))),
    Csv(
        what="a zip file",
        make=file("bad.csv", b"PK\x03\x04\x14\x00\x08\xff\xfe"),
        says="not UTF-8",
        names="bad.csv row 1",
    ),
    # Quotes, rows and columns
    Csv(what="a quote that is never closed", make=csv(f'{GOOD}"cat/1.png,cat\n'), says="broken quotes", names="row 6"),
    Csv(what="text after a quote", make=csv(f'{GOOD}"cat"/1.png,cat\n'), says="broken quotes", names="bad.csv row 6"),
    Csv(
        what="a field of a megabyte", make=csv(f"{GOOD}{'a' * 2**20},cat\n"), says="field limit", names="bad.csv row 6"
    ),
    Csv(what="a row with a field more", make=csv(f"{GOOD}cat/1.png,cat,1\n"), says="3 fields for 2", names="row 6"),
    Csv(what="a row with a field less", make=csv(f"{GOOD}cat/1.png\n"), says="1 fields for 2", names="bad.csv row 6"),
    Csv(what="semicolons", make=csv(GOOD.replace(",", ";")), says="separated by semicolons", names="bad.csv row 1"),
    Tsv(what="commas in a .tsv", make=csv(GOOD, "bad.tsv"), says="separated by commas", names="bad.tsv row 1"),
    Csv(what="tabs in a .csv", make=csv(GOOD.replace(",", "\t")), says="separated by tabs", names="bad.csv row 1"),
    Csv(what="column names without rows", make=csv("path,label\n"), says="there is no example"),
    Csv(what="rows without column names", make=csv(ROWS), says="no"),
    Csv(
        what="two columns of one name",
        make=csv("path,label,label\ncat/1.png,a,b\n"),
        says="column 'label' occurs twice",
    ),
    Csv(
        what="two columns that could be the label",
        make=csv("path,label,given_label\ncat/1.png,a,b\n"),
        says="could both",
    ),
    Csv(what="two columns that could be the path", make=csv("file,image,label\ncat/1.png,b,c\n"), says="could both"),
    Csv(what="columns without names", make=csv(f",\n{ROWS}"), says="column '' occurs twice"),
    Csv(what="a name of a megabyte", make=csv(f"path,{'a' * 2**17}\ncat/1.png,cat\n"), says="no label column"),
    Csv(what="no label column", make=csv("path,colour\ncat/1.png,red\n"), says="no label column"),
    Csv(
        what="a label column that is not there",
        make=csv(GOOD),
        line="detect bad.csv --label-column lable",
        says="lable",
    ),
    Csv(what="columns of boxes", make=csv("path,label,bbox\ncat/1.png,cat,1 2 3 4\n"), says="bbox"),
    Csv(
        what="the issues.csv of a run",
        make=file("bad.csv", "rank,example_id,path,given_label,suggested_label,label_quality\n"),
        says="results of a run",
    ),
    Csv(
        what="decisions in place of data",
        make=file("bad.csv", "example_id,decision,new_label\n"),
        says="decisions of a reviewer",
    ),
    Csv(
        what="a split that is not there",
        make=csv(GOOD.replace("path,label", "path,split")),
        line="detect bad.csv --split test --label-column split --split-column split",
        says="no split is called 'test'",
    ),
    # Cells
    Csv(what="an empty label", make=csv(f"{GOOD}cat/1.png,\n"), says="'label' is empty", names="bad.csv row 6"),
    Csv(what="a blank label", make=csv(f"{GOOD}cat/1.png, \t\n"), says="'label' is empty", names="bad.csv row 6"),
    Csv(what="an empty path", make=csv(f"{GOOD},cat\n"), says="'path' is empty", names="bad.csv row 6"),
    Csv(
        what="several labels in a cell",
        make=csv(f'{GOOD}cat/1.png,"[""cat"", ""dog""]"\n'),
        says="is the list",
        names="row 6",
    ),
    Csv(what="one label for all", make=csv(GOOD.replace("dog\n", "cat\n")), says="every label is 'cat'"),
    Csv(
        what="a label of its own for each of many rows",
        make=csv("path,label\n" + "".join(f"cat/1.png,{row}\n" for row in range(200))),
        says="twice",
    ),
    Csv(
        what="a path twice",
        make=csv(f"{GOOD}cat/1.png,dog\n"),
        says="'cat/1.png' is listed twice, first at bad.csv row 2",
        names="row 6",
    ),
    Csv(
        what="a path twice in two spellings",
        make=csv(f"{GOOD}./dog/../cat/1.png,dog\n"),
        says="is listed twice",
        names="row 6",
    ),
    Csv(
        what="an id twice",
        make=csv("id,path,label\n1,cat/1.png,cat\n1,dog/1.png,dog\n"),
        says="'1' is listed twice",
        names="row 3",
    ),
    Csv(
        what="an empty id",
        make=csv("id,path,label\n1,cat/1.png,cat\n,dog/1.png,dog\n"),
        says="'id' is empty",
        names="row 3",
    ),
    Csv(
        what="labels with control characters",
        make=csv(GOOD.replace(",cat\n", ",ca\x1b[2Jt\n")),
        read_as="read; shown escaped",
    ),
    Csv(
        what="labels that differ in case",
        make=csv(GOOD.replace("cat/2.png,cat", "cat/2.png,Cat")),
        read_as="read, with a note",
    ),
    Csv(
        what="labels that a spreadsheet would run", make=csv(GOOD.replace(",cat\n", ",=1+1\n")), read_as="read as text"
    ),
    # Paths
    Csv(what="a file that is not there", make=csv(f"{GOOD}gone.png,cat\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="an address of an image",
        make=csv(f"{GOOD}https://a.org/1.png,cat\n"),
        says="addresses are not fetched",
        names="row 6",
    ),
    Csv(what="a pattern of files", make=csv(f"{GOOD}cat/*.png,cat\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="backslashes between folders",
        make=csv(f"{GOOD}dog\\1.png,dog\n"),
        says="write / between folders",
        names="row 6",
    ),
    Csv(
        what="spaces around a path",
        make=csv(f"{GOOD}dog/1.png ,dog\n"),
        says="take out the spaces",
        names="bad.csv row 6",
    ),
    Csv(what="another case", make=csv(f"{GOOD}DOG/1.PNG,dog\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="a path through a file",
        make=csv(f"{GOOD}cat/1.png/2.png,dog\n"),
        says="no such file",
        names="bad.csv row 6",
    ),
    Csv(
        what="a path out of the folder",
        make=together(csv(GOOD.replace("dog/1.png", "../a.png"), "in/bad.csv"), photos("in/"), file("a.png", b"")),
        line="detect in/bad.csv --folds 2 --dry-run",
    ),
    Csv(
        what="no image that can be read",
        make=together(file("bad.csv", "path,label\na.png,a\nb.png,b\n"), file("a.png", ""), file("b.png", "")),
        says="none of the images",
        names="a.png",
    ),
    # JSON lines
    Jsonl(what="a jsonl line that is cut off", make=jsonl('{"path": "cat/1.png", "lab'), says="not valid JSON"),
    Jsonl(what="a comma too many", make=jsonl('{"path": "cat/1.png", "label": "cat",}'), says="not valid JSON"),
    Jsonl(what="single quotes", make=jsonl("{'path': 'cat/1.png', 'label': 'cat'}"), says="not valid JSON"),
    Jsonl(what="two objects on a line", make=jsonl('{"path": "a"} {"path": "b"}'), says="Extra data"),
    Jsonl(what="an array in place of an object", make=jsonl('["cat/1.png", "cat"]'), says="a list, not an object"),
    Jsonl(what="a number in place of an object", make=jsonl("7"), says="not an object"),
    Jsonl(what="null in place of an object", make=jsonl("null"), says="not an object"),
    Jsonl(
        what="a name twice in an object",
        make=jsonl('{"path": "a", "label": "a", "label": "b"}'),
        says="'label' occurs twice",
    ),
    Jsonl(
        what="100,000 brackets",
        make=jsonl(f'{{"path": {"[" * 100_000}{"]" * 100_000}, "label": "a"}}'),
        says="nested too deeply",
    ),
    Jsonl(
        what="a list of labels",
        make=jsonl('{"path": "dog/1.png", "label": ["a", "b"]}'),
        says="not one value",
        names="row 5",
    ),
    Jsonl(what="an object as a path", make=jsonl('{"path": {"a": 1}, "label": "a"}'), says="not one value"),
    Jsonl(what="null as a label", make=jsonl('{"path": "dog/1.png", "label": null}'), says="'label' is empty"),
    Jsonl(what="an object without a label", make=jsonl('{"path": "dog/1.png"}'), says="'label' is empty"),
    Jsonl(what="half of a surrogate pair", make=jsonl('{"path": "\\ud800.png", "label": "a"}'), says="is not UTF-8"),
    Jsonl(what="an empty jsonl file", make=file("bad.jsonl", ""), says="the file is empty", names="bad.jsonl"),
    Jsonl(
        what="objects without names", make=file("bad.jsonl", "{}\n{}\n"), says="the file is empty", names="bad.jsonl"
    ),
    Jsonl(
        what="one JSON array of all rows",
        make=file("bad.jsonl", '[\n{"path": "a", "label": "b"}\n]\n'),
        says="not",
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
    Parquet(what="an empty parquet file", make=file("bad.parquet", b""), says="cannot be read"),
    Parquet(what="text called .parquet", make=file("bad.parquet", GOOD), says="cannot be read"),
    Parquet(what="parquet that is cut off", make=cut_off, says="cannot be read"),
    Parquet(what="parquet with spoilt pages", make=spoilt, says="cannot be read"),
    Parquet(what="parquet with a spoilt footer", make=spoilt_footer, says="cannot be read"),
    Parquet(what="parquet that is a pipe", make=pipe("bad.parquet"), says="this is a pipe"),
    Parquet(what="fifty million equal rows", make=many_rows, says="50,000,000 rows are in"),
    Parquet(
        what="no rows",
        make=parquet(path=pa.array([], pa.string()), label=pa.array([], pa.string())),
        says="there is no example",
    ),
    Parquet(
        what="lists as labels",
        make=parquet(label=[["a"], ["b"], ["a"], ["b"]]),
        says="is not one value",
        names="bad.parquet index 0",
    ),
    Parquet(what="structures as labels", make=parquet(label=[{"a": 1}] * 4), says="is not one value", names="index 0"),
    Parquet(
        what="images inside the file", make=parquet(path=[b"\x89PNG"] * 4), says="is not one value", names="index 0"
    ),
    Parquet(
        what="a missing label", make=parquet(label=["a", None, "b", "a"]), says="'label' is empty", names="index 1"
    ),
    Parquet(what="two parquet columns of one name", make=twice, says="column 'label' occurs twice"),
    Parquet(
        what="labels as a dictionary",
        make=parquet(label=pa.array(["a", "b", "a", "b"]).dictionary_encode()),
    ),
    Parquet(what="labels as whole numbers", make=parquet(label=[1, 2, 1, 2])),
    Parquet(
        what="labels as dates of another age",
        make=parquet(label=pa.array([2**62, 0, 2**62, 0], pa.timestamp("us"))),
        says="cannot be read",
    ),
]
