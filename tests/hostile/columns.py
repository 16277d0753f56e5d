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
        what="lists of different lengths",
        make=parquet(embedding=[[1.0], *VECTORS[1:]]),
        code="not-embeddings",
        names="bad.parquet index 0",
    ),
    Parquet(what="a missing list", make=parquet(emb=[None, *VECTORS[1:]]), code="not-embeddings", names="index 0"),
    Parquet(what="empty lists", make=parquet(emb=pa.array([[]] * 6, pa.list_(pa.float32()))), code="no-columns"),
    Parquet(what="NaN in a list", make=parquet(emb=[[np.nan, 1.0], *VECTORS[1:]]), code="not-finite", names="index 0"),
    Parquet(what="null in a list", make=parquet(emb=[[None, 1.0], *VECTORS[1:]]), code="not-finite", names="index 0"),
    Parquet(
        what="1e300 in a list",
        make=parquet(emb=[[1e300, 1.0], *VECTORS[1:]]),
        code="not-finite",
        names="index 0",
    ),
    Parquet(
        what="two columns of lists",
        make=parquet(one=VECTORS, two=VECTORS),
        code="which-column",
    ),
    Parquet(what="lists of float16", make=parquet(emb=pa.array(VECTORS, pa.list_(pa.float16())))),
    Jsonl(
        what="JSON lists of different lengths",
        make=jsonl([1.5, 2], [1], *VECTORS[2:]),
        code="not-embeddings",
    ),
    Jsonl(what="text in a JSON list", make=jsonl([1.5, 2], [1, "2"], *VECTORS[2:]), code="not-embeddings"),
    Jsonl(what="lists in a JSON list", make=jsonl([1.5, 2], [[1], [2]], *VECTORS[2:]), code="not-embeddings"),
    Jsonl(what="NaN in a JSON list", make=jsonl([1.5, 2], [1.5, np.nan], *VECTORS[2:]), code="not-finite"),
    Jsonl(
        what="a number of 400 digits in a JSON list",
        make=jsonl([1.5, 2], [10**399, 1], *VECTORS[2:]),
        code="not-finite",
    ),
    Npy(what="features of other rows", make=npy(np.zeros((5, 2))), code="rows-mismatch"),
    Npy(what="features of one dimension", make=npy(np.zeros(6)), code="wrong-shape"),
    Npy(what="features without columns", make=npy(np.zeros((6, 0))), code="wrong-shape"),
    Npy(what="features of text", make=npy(np.full((6, 1), "a")), code="wrong-shape"),
    Npy(what="pickled features", make=npy(np.full((6, 1), None)), code="unreadable"),
    Npy(what="features that are cut off", make=npy(np.zeros((6, 2)), slice(-8)), code="unreadable"),
    Npy(what="a .npy file without its beginning", make=npy(np.zeros((6, 2)), slice(1, None)), code="unreadable"),
    Npy(what="no file of features", make=file("bad.csv", "label\nx\ny\n"), code="unreadable"),
    Npy(what="a pipe of features", make=together(file("bad.csv", "label\nx\ny\n"), pipe("bad.npy")), code="unreadable"),
    Npy(
        what="NaN in a file of features",
        make=npy(np.array([[1.0], [np.nan], [1], [2], [3], [4]])),
        code="not-finite",
        names="bad.csv row 3",
    ),
    Npy(
        what="features beside a folder",
        make=saved(),
        line="detect . --features bad.npy",
        code="setting-without-effect",
        names="dataset.features",
    ),
]
HUGGING_FACE = [
    Folder(what="a saved data set with its images inside", make=saved(label=[0, 1] * 3)),
    Parquet(what="images in a parquet file", make=parquet(image=IMAGES)),
    Parquet(
        what="bytes that are no images",
        make=parquet(image=[b"\xff", b""] * 3),
        code="unreadable",
        names="bad",
    ),
    Parquet(what="no image in a row", make=parquet(image=[None, *IMAGES[1:]])),
    Parquet(
        what="two columns of images",
        make=parquet(image=IMAGES, img=IMAGES),
        code="which-column",
    ),
    Folder(what="no class in a row", make=saved(label=[0, -1] * 3), code="empty-cell", names="bad index 1"),
    Folder(what="a state that is no JSON", make=saved("{"), code="unreadable"),
    Folder(what="a state that names no files", make=saved({}), code="unreadable"),
    Folder(what="a state that names no file", make=saved({"_data_files": []}), code="unreadable"),
    Folder(
        what="a state that names a file elsewhere",
        make=saved({"_data_files": [{"filename": "../../etc/passwd"}]}),
        code="unreadable",
    ),
    Folder(
        what="a state that names a missing file", make=saved({"_data_files": [{"filename": "b"}]}), code="unreadable"
    ),
    Folder(what="an empty Arrow file", make=saved(content=b""), code="unreadable"),
    Folder(what="an Arrow file that is none", make=saved(content=b"\xff" * 1000), code="unreadable"),
    Folder(
        what="an Arrow file that is cut off",
        make=saved(content=stream(pa.table({"label": LABELS}))[:200]),
        code="unreadable",
    ),
    Folder(what="a data set of nested lists", make=saved({"_data_files": [{"filename": [[]]}]}), code="unreadable"),
    Folder(what="splits with other columns", make=other_columns, code="unreadable"),
    Folder(
        what="splits that are not there",
        make=together(saved(), file("bad/dataset_dict.json", '{"splits": ["train"]}')),
        code="unreadable",
    ),
    Folder(
        what="splits elsewhere",
        make=together(saved(), file("bad/dataset_dict.json", '{"splits": [".."]}')),
        code="unreadable",
    ),
]
