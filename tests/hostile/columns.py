"""Embeddings and images in columns, in .npy files, and in the folders that Hugging Face's datasets writes."""

import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hostile.kinds import Kind, Make, file, pipe, png, together

LABELS = ["x", "y"] * 3
VECTORS = [[row + 0.5, 1.0] for row in range(6)]
IMAGES = [{"bytes": png(40 * row), "path": "image.png"} for row in range(6)]


def parquet(name: str = "bad.parquet", **columns: object) -> Make:
    return lambda place: pq.write_table(pa.table({"label": LABELS} | columns), place / name)


def jsonl(*vectors: object) -> Make:
    rows = ({"embedding": vector, "label": label} for vector, label in zip(vectors, LABELS, strict=True))
    return file("bad.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))


def npy(array: np.ndarray, spoil: slice = slice(None)) -> Make:
    """Return the maker of a sheet of labels, and of features beside it of which some bytes are kept."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    sheet = "id,label\n" + "".join(f"{row},{label}\n" for row, label in enumerate(LABELS))
    return together(file("bad.csv", sheet), file("bad.npy", content.getvalue()[spoil]))


def stream(table: pa.Table) -> bytes:
    content = io.BytesIO()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    return content.getvalue()


def saved(state: object = None, content: bytes | None = None, **columns: object) -> Make:
    """Return the maker of a folder that ``save_to_disk`` might have written."""
    table = pa.table({"label": LABELS, "image": IMAGES} | columns)
    known = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(known)})
    state = {"_data_files": [{"filename": "data.arrow"}]} if state is None else state
    return together(
        file("bad/dataset_info.json", "{}"),
        file("bad/state.json", state if isinstance(state, str) else json.dumps(state)),
        file("bad/data.arrow", stream(table) if content is None else content),
    )


def other_columns(place: Path) -> None:
    (place / "bad").mkdir()
    pq.write_table(pa.table({"image": IMAGES, "label": LABELS}), place / "bad" / "train-00000-of-00002.parquet")
    pq.write_table(pa.table({"image": LABELS, "label": LABELS}), place / "bad" / "test-00000-of-00001.parquet")


Parquet = partial(Kind, line="detect bad.parquet --folds 2 --dry-run", names="bad.parquet")
Jsonl = partial(Kind, line="detect bad.jsonl --folds 2 --dry-run", names="bad.jsonl row 2")
Npy = partial(Kind, line="detect bad.csv --features bad.npy --folds 2 --dry-run", names="bad.npy")
Folder = partial(Kind, line="detect bad --folds 2 --dry-run", names="bad")

EMBEDDINGS = [
    Parquet(
        "lists of different lengths",
        parquet(embedding=[[1.0], *VECTORS[1:]]),
        "not-embeddings",
        names="bad.parquet index 0",
    ),
    Parquet("a missing list", parquet(emb=[None, *VECTORS[1:]]), "not-embeddings", names="index 0"),
    Parquet("empty lists", parquet(emb=pa.array([[]] * 6, pa.list_(pa.float32()))), "no-columns"),
    Parquet("NaN in a list", parquet(emb=[[np.nan, 1.0], *VECTORS[1:]]), "not-finite", names="index 0"),
    Parquet("null in a list", parquet(emb=[[None, 1.0], *VECTORS[1:]]), "not-finite", names="index 0"),
    Parquet("1e300 in a list", parquet(emb=[[1e300, 1.0], *VECTORS[1:]]), "not-finite", names="index 0"),
    Parquet("two columns of lists", parquet(one=VECTORS, two=VECTORS), "which-column"),
    Parquet("lists of float16", parquet(emb=pa.array(VECTORS, pa.list_(pa.float16())))),
    Jsonl("JSON lists of different lengths", jsonl([1.5, 2], [1], *VECTORS[2:]), "not-embeddings"),
    Jsonl("text in a JSON list", jsonl([1.5, 2], [1, "2"], *VECTORS[2:]), "not-embeddings"),
    Jsonl("lists in a JSON list", jsonl([1.5, 2], [[1], [2]], *VECTORS[2:]), "not-embeddings"),
    Jsonl("NaN in a JSON list", jsonl([1.5, 2], [1.5, np.nan], *VECTORS[2:]), "not-finite"),
    Jsonl("a number of 400 digits in a JSON list", jsonl([1.5, 2], [10**399, 1], *VECTORS[2:]), "not-finite"),
    Npy("features of other rows", npy(np.zeros((5, 2))), "rows-mismatch"),
    Npy("features of one dimension", npy(np.zeros(6)), "wrong-shape"),
    Npy("features without columns", npy(np.zeros((6, 0))), "wrong-shape"),
    Npy("features of text", npy(np.full((6, 1), "a")), "wrong-shape"),
    Npy("pickled features", npy(np.full((6, 1), None)), "unreadable"),
    Npy("features that are cut off", npy(np.zeros((6, 2)), slice(-8)), "unreadable"),
    Npy("a .npy file without its beginning", npy(np.zeros((6, 2)), slice(1, None)), "unreadable"),
    Npy("no file of features", file("bad.csv", "label\nx\ny\n"), "unreadable"),
    Npy("a pipe of features", together(file("bad.csv", "label\nx\ny\n"), pipe("bad.npy")), "unreadable"),
    Npy(
        "NaN in a file of features",
        npy(np.array([[1.0], [np.nan], [1], [2], [3], [4]])),
        "not-finite",
        names="bad.csv row 3",
    ),
    Npy(
        "features beside a folder",
        saved(),
        "setting-without-effect",
        line="detect . --features bad.npy",
        names="dataset.features",
    ),
]
HUGGING_FACE = [
    Folder("a saved data set with its images inside", saved(label=[0, 1] * 3)),
    Parquet("images in a parquet file", parquet(image=IMAGES)),
    Parquet("bytes that are no images", parquet(image=[b"\xff", b""] * 3), "unreadable", names="bad"),
    Parquet("no image in a row", parquet(image=[None, *IMAGES[1:]])),
    Parquet("two columns of images", parquet(image=IMAGES, img=IMAGES), "which-column"),
    Folder("no class in a row", saved(label=[0, -1] * 3), "empty-cell", names="bad index 1"),
    Folder("a state that is no JSON", saved("{"), "unreadable"),
    Folder("a state that names no files", saved({}), "unreadable"),
    Folder("a state that names no file", saved({"_data_files": []}), "unreadable"),
    Folder(
        "a state that names a file elsewhere", saved({"_data_files": [{"filename": "../../etc/passwd"}]}), "unreadable"
    ),
    Folder("a state that names a missing file", saved({"_data_files": [{"filename": "b"}]}), "unreadable"),
    Folder("an empty Arrow file", saved(content=b""), "unreadable"),
    Folder("an Arrow file that is none", saved(content=b"\xff" * 1000), "unreadable"),
    Folder("an Arrow file that is cut off", saved(content=stream(pa.table({"label": LABELS}))[:200]), "unreadable"),
    Folder("a data set of nested lists", saved({"_data_files": [{"filename": [[]]}]}), "unreadable"),
    Folder("splits with other columns", other_columns, "unreadable"),
    Folder(
        "splits that are not there",
        together(saved(), file("bad/dataset_dict.json", '{"splits": ["train"]}')),
        "unreadable",
    ),
    Folder("splits elsewhere", together(saved(), file("bad/dataset_dict.json", '{"splits": [".."]}')), "unreadable"),
]
