"""Every form of data that is not images in files, from reading it to its wrong labels."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import labelscan

N = 60
WRONG = [3, 16, 41]
TRUE = [row % 2 for row in range(N)]
GIVEN = [1 - label if row in WRONG else label for row, label in enumerate(TRUE)]
WORDS = (["sun", "beach", "warm", "summer", "swim"], ["snow", "ski", "cold", "winter", "sledge"])
NAMES = ("hot", "icy")


def sentences():
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS[label], 8)) for label in TRUE]


def vectors():
    return (np.random.default_rng(0).normal(0, 0.3, (N, 3)) + np.array(TRUE)[:, None]).round(3)


def reviews(folder):
    lines = [f"{text},{NAMES[label]}" for text, label in zip(sentences(), GIVEN, strict=True)]
    (folder / "reviews.csv").write_text("\n".join(["review,label", *lines]) + "\n")
    return folder / "reviews.csv", {}


def text_files(folder):
    for row, (text, label) in enumerate(zip(sentences(), GIVEN, strict=True)):
        (folder / "texts" / NAMES[label]).mkdir(parents=True, exist_ok=True)
        (folder / "texts" / NAMES[label] / f"{row}.txt").write_text(text)
    return folder / "texts", {}


def embeddings(folder):
    table = pa.table({"embedding": vectors().tolist(), "label": GIVEN})
    pq.write_table(table, folder / "e.parquet")
    return folder / "e.parquet", {}


def json_lines(folder):
    rows = ({"emb": row.tolist(), "label": label} for row, label in zip(vectors(), GIVEN, strict=True))
    (folder / "e.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder / "e.jsonl", {}


def features_beside_labels(folder):
    np.save(folder / "f.npy", vectors())
    (folder / "labels.csv").write_text("label\n" + "".join(f"{label}\n" for label in GIVEN))
    return folder / "labels.csv", {"dataset.features": str(folder / "f.npy")}


def images_inside(folder):
    cells = []
    for row, label in enumerate(TRUE):
        buffer = io.BytesIO()
        pixels = np.full((8, 8), 20 + 200 * label, np.uint8)
        pixels.flat[:8] = np.unpackbits(np.uint8(row)) * 200  # no two alike
        Image.fromarray(pixels).save(buffer, "PNG")
        cells.append({"bytes": buffer.getvalue(), "path": "image.png"})
    pq.write_table(pa.table({"image": cells, "label": GIVEN}), folder / "i.parquet")
    return folder / "i.parquet", {}


@pytest.mark.parametrize(
    "make",
    [reviews, text_files, embeddings, json_lines, features_beside_labels, images_inside],
    ids=lambda f: f.__name__,
)
def test_wrong_labels_come_out_on_top_of_every_form(tmp_path, make):
    data, settings = make(tmp_path)
    run = labelscan.detect(settings=labelscan.settings(data, folds=3, overrides=settings), output=tmp_path / "run")
    top = run.issues.scores["example_id"].tolist()[: len(WRONG)]
    assert sorted(int(one.rpartition("/")[2].removesuffix(".txt")) for one in top) == WRONG
    again = labelscan.detect(settings=labelscan.settings(data, folds=3, overrides=settings), output=tmp_path / "run")
    assert again.issues.scores.equals(run.issues.scores)


def test_texts_that_cannot_be_read_are_kept_with_the_reason(tmp_path):
    data, _ = text_files(tmp_path)
    (data / "hot" / "odd.txt").write_bytes("größer".encode("latin-1"))
    (data / "icy" / "empty.txt").write_text(" \n")
    run = labelscan.detect(settings=labelscan.settings(data, folds=3), output=tmp_path / "run")
    status = run.issues.scores.set_index("example_id")["status"]
    assert status["hot/odd.txt"] == "unreadable: not UTF-8: byte 0xf6 at position 2"
    assert status["icy/empty.txt"] == "unreadable: the text is empty"
    assert (status == "scored").sum() == N
