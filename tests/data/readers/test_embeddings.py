"""Embeddings in a column of a sheet, or in a .npy file beside it."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.reading import load, refused
from labelscan.config import DatasetConfig
from labelscan.data.inputs import FeatureTable, Texts
from labelscan.data.readers import form
from labelscan.data.readers.labelled_rows import BY_ROW
from labelscan.images.sources import ImageFiles

VECTORS = [[0.5, 1.0], [1.5, 2.0], [2.5, -3.0], [3.5, 0.0]]
LABELS = ["a", "b", "a", "b"]


def parquet(folder, **columns):
    pq.write_table(pa.table({"label": LABELS, **columns}), folder / "e.parquet", row_group_size=3)
    return folder / "e.parquet"


def jsonl(folder, *rows):
    (folder / "e.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder / "e.jsonl"


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.float32()), pa.list_(pa.float64(), 2), pa.large_list(pa.float32()), pa.list_(pa.float16(), 2)],
    ids=str,
)
def test_a_column_of_lists_is_features(tmp_path, kind):
    dataset = load(parquet(tmp_path, embedding=pa.array(VECTORS, kind)))
    assert isinstance(dataset.inputs, FeatureTable)
    np.testing.assert_array_equal(dataset.inputs.features, VECTORS)
    assert dataset.inputs.features.dtype == np.float32
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3"]
    assert dataset.notes == ("columns: label from 'label', 2 features from 'embedding'", BY_ROW)


def test_lists_in_jsonl_are_features(tmp_path):
    rows = [{"vector": one, "label": label} for one, label in zip([[1, 2], *VECTORS[1:]], LABELS, strict=True)]
    np.testing.assert_array_equal(load(jsonl(tmp_path, *rows)).inputs.features, [[1, 2], *VECTORS[1:]])


def test_whole_numbers_are_features_by_their_name_only(tmp_path):
    whole = [[1, 2], [3, 4], [5, 6], [7, 8]]
    np.testing.assert_array_equal(load(parquet(tmp_path, emb=whole)).inputs.features, whole)
    path = parquet(tmp_path, input_ids=whole, text=["a b", "c d", "e f", "g h"])
    assert form(DatasetConfig(data=str(path))) == "texts"
    np.testing.assert_array_equal(load(path, include=("input_ids",)).inputs.features, whole)


def test_the_only_column_of_fractions_is_found_and_two_are_asked_about(tmp_path):
    np.testing.assert_array_equal(load(parquet(tmp_path, clip_vit=VECTORS)).inputs.features, VECTORS)
    path = parquet(tmp_path, clip_vit=VECTORS, dino=[[one] for one in range(4)], bert=VECTORS)
    assert refused(path) == [("which-column", "e.parquet")]
    assert load(path, include=("bert",)).notes[0].endswith("2 features from 'bert'")
    assert load(path, exclude=("bert",)).notes[0].endswith("2 features from 'clip_vit'")


def test_several_labels_are_no_embedding(tmp_path):
    path = parquet(tmp_path, text=["a b", "c d", "e f", "g h"]).with_name("m.parquet")
    pq.write_table(pa.table({"text": ["a b", "c d"], "labels": [[0.0, 1.0], [1.0, 1.0]]}), path)
    assert form(DatasetConfig(data=str(path))) != "embeddings"


def test_what_was_embedded_is_kept_for_people_and_other_columns_are_named(tmp_path):
    path = parquet(tmp_path, embedding=VECTORS, text=["a b", "c d", "e f", "g h"], id=list("dcba"), price=range(4))
    dataset = load(path)
    assert isinstance(dataset.inputs.originals, Texts)
    assert dataset.inputs.originals.texts.tolist() == ["g h", "e f", "c d", "a b"]
    np.testing.assert_array_equal(dataset.inputs.features, VECTORS[::-1])
    assert any(note.startswith("columns not used: price:") for note in dataset.notes)


def test_images_that_were_embedded_keep_their_paths_and_need_not_be_there(tmp_path):
    dataset = load(parquet(tmp_path, embedding=VECTORS, path=["b.png", "a.png", "c.png", "d.png"]))
    assert isinstance(dataset.inputs.originals, ImageFiles)
    assert dataset.example_ids.tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert dataset.path(0) == str(tmp_path / "a.png")
    np.testing.assert_array_equal(dataset.inputs.features[0], VECTORS[1])


def test_paths_of_what_was_embedded_are_kept_though_models_may_not_see_them(tmp_path):
    path = parquet(tmp_path, bert=VECTORS, clip=VECTORS, path=[f"{row}.png" for row in range(4)])
    for choice in ({"include": ("bert",)}, {"exclude": ("clip", "path")}):
        assert load(path, **choice).path(1) == str(tmp_path / "1.png")


def test_lists_of_other_lengths_and_missing_ones_are_reported_with_their_rows(tmp_path):
    ragged = [[1.0, 2.0], [1.0], None, [3.0, 4.0]]
    assert refused(parquet(tmp_path, embedding=ragged)) == [("not-embeddings", f"e.parquet index {n}") for n in (1, 2)]
    rows = [{"embedding": one, "label": label} for one, label in zip(ragged, LABELS, strict=True)]
    assert refused(jsonl(tmp_path, *rows)) == [("not-embeddings", f"e.jsonl row {n}") for n in (2, 3)]
    empty = pa.array([[]] * 4, pa.list_(pa.float32()))
    assert refused(parquet(tmp_path, embedding=empty)) == [("no-columns", "e.parquet")]


def test_numbers_that_are_not_finite_are_reported_with_their_rows(tmp_path):
    broken = [[1.0, 2.0], [np.nan, 1.0], [1.0, None], [np.inf, 0.0]]
    assert refused(parquet(tmp_path, embedding=broken)) == [("not-finite", f"e.parquet index {n}") for n in (1, 2, 3)]


def test_rows_of_other_splits_are_not_looked_at(tmp_path):
    path = parquet(tmp_path, embedding=[[1.0, 2.0], [3.0, 4.0], None, [5.0, 6.0]], split=["a", "a", "b", "a"])
    np.testing.assert_array_equal(load(path, split="a").inputs.features, [[1, 2], [3, 4], [5, 6]])
    assert refused(path) == [("not-embeddings", "e.parquet index 2")]


def manifest(folder, text="path,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n"):
    (folder / "list.csv").write_text(text)
    return folder / "list.csv"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8"])
def test_a_file_of_features_beside_a_manifest_replaces_its_images(tmp_path, dtype):
    features = np.arange(8).reshape(4, 2).astype(dtype)
    np.save(tmp_path / "f.npy", features)
    dataset = load(manifest(tmp_path), features=str(tmp_path / "f.npy"))
    np.testing.assert_array_equal(dataset.inputs.features, features)
    assert dataset.inputs.features.dtype == np.float32
    assert dataset.path(1) == str(tmp_path / "1.png")


def test_a_file_of_features_goes_with_a_sheet_of_labels_alone(tmp_path):
    np.save(tmp_path / "f.npy", np.array(VECTORS))
    path = manifest(tmp_path, "id,label,split\nd,a,x\nc,b,x\nb,a,y\na,b,x\n")
    dataset = load(path, features=str(tmp_path / "f.npy"), split="x")
    assert dataset.example_ids.tolist() == ["a", "c", "d"]
    np.testing.assert_array_equal(dataset.inputs.features, [VECTORS[3], VECTORS[1], VECTORS[0]])


@pytest.mark.parametrize(
    ("array", "code", "where"),
    [
        (np.zeros((5, 2)), "rows-mismatch", "f.npy"),
        (np.zeros(4), "wrong-shape", "f.npy"),
        (np.zeros((4, 0)), "wrong-shape", "f.npy"),
        (np.array([["a"]] * 4), "wrong-shape", "f.npy"),
        (np.array([[None]] * 4), "unreadable", "f.npy"),
        (np.full((4, 1), np.nan), "not-finite", "list.csv row 2"),
    ],
)
def test_a_file_of_features_that_does_not_fit_is_refused(tmp_path, array, code, where):
    np.save(tmp_path / "f.npy", array)
    found, place = refused(manifest(tmp_path), features=str(tmp_path / "f.npy"))[0]
    assert (found, place.removeprefix(f"{tmp_path}/")) == (code, where)


def test_a_file_that_is_cut_off_or_missing_is_refused(tmp_path):
    np.save(tmp_path / "f.npy", np.zeros((4, 100)))
    (tmp_path / "f.npy").write_bytes((tmp_path / "f.npy").read_bytes()[:-8])
    for file in (tmp_path / "f.npy", tmp_path / "g.npy"):
        assert refused(manifest(tmp_path), features=str(file)) == [("unreadable", str(file))]
