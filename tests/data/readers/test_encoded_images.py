"""Images inside parquet files and what Hugging Face writes, read by pyarrow alone."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from data.reading import given, load, refused
from labelscan.config import DatasetConfig
from labelscan.data.inputs import FeatureTable, Texts, are_images
from labelscan.data.readers import form
from labelscan.data.readers.labelled_rows import BY_ROW
from labelscan.images.sources import UnreadableImage

CLASSES = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def png(level):
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def images(n=6, first=0):
    return [{"bytes": png(first + row), "path": "image.png"} for row in range(n)]


def table(features=CLASSES, **columns):
    """Return a table with what ``datasets`` writes into its schema."""
    made = pa.table(columns)
    known = {"info": {"features": {name: {} for name in columns} | features}}
    return made.replace_schema_metadata({"huggingface": json.dumps(known)})


def save(folder, *parts):
    """Write a folder as ``save_to_disk`` does."""
    folder.mkdir(parents=True)
    names = [f"data-{number:05}-of-{len(parts):05}.arrow" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        with pa.ipc.new_stream(folder / name, part.schema) as writer:
            writer.write_table(part, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def levels(dataset):
    """Return the grey level of each image."""
    assert are_images(dataset.inputs)
    return [
        int(np.asarray(Image.open(io.BytesIO(dataset.inputs.read(row))))[0, 0]) for row in range(len(dataset.inputs))
    ]


def test_images_in_a_parquet_file_are_read_row_by_row(tmp_path):
    pq.write_table(table(image=images(), label=[0, 1] * 3), tmp_path / "pets.parquet", row_group_size=4)
    dataset = load(tmp_path / "pets.parquet")
    assert levels(dataset) == [0, 1, 2, 3, 4, 5]
    assert given(dataset) == ["cat", "dog"] * 3
    assert dataset.example_ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert dataset.path(0) == ""
    assert dataset.notes == ("columns: label from 'label', images in 'image'", BY_ROW)


def test_ids_sort_images_with_their_rows(tmp_path):
    pq.write_table(table(image=images(3), label=[0, 1, 1], id=list("cab")), tmp_path / "pets.parquet")
    dataset = load(tmp_path / "pets.parquet")
    assert levels(dataset) == [1, 2, 0]
    assert given(dataset) == ["dog", "dog", "cat"]


def test_bytes_alone_are_images_too(tmp_path):
    pq.write_table(pa.table({"img": [png(5), png(6)], "label": ["a", "b"]}), tmp_path / "pets.parquet")
    assert levels(load(tmp_path / "pets.parquet")) == [5, 6]


def test_what_save_to_disk_writes_is_read_file_after_file(tmp_path):
    first, second = table(image=images(3), label=[0, 1, 0]), table(image=images(2, first=3), label=[1, 1])
    folder = save(tmp_path / "pets.v1", first, second)
    (folder / "cache-1234.arrow").write_bytes(b"what datasets keeps beside it")
    dataset = load(folder)
    assert form(DatasetConfig(data=str(folder))) == "encoded images"
    assert levels(dataset) == [0, 1, 2, 3, 4]
    assert given(dataset) == ["cat", "dog", "cat", "dog", "dog"]
    assert dataset.name == "pets.v1"
    assert dataset.splits is None


def test_splits_of_a_saved_dictionary_are_pooled_unless_some_are_asked_for(tmp_path):
    save(tmp_path / "pets" / "train", table(image=images(3), label=[0, 1, 0]))
    save(tmp_path / "pets" / "test", table(image=images(2, first=3), label=[1, 0]))
    (tmp_path / "pets" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    dataset = load(tmp_path / "pets")
    assert levels(dataset) == [0, 1, 2, 3, 4]
    assert dataset.splits.tolist() == ["train", "train", "train", "test", "test"]
    test = load(tmp_path / "pets", split="test")
    assert levels(test) == [3, 4]
    assert test.example_ids.tolist() == ["3", "4"]


@pytest.mark.parametrize("inside", ["", "data"])
def test_a_folder_of_parquet_shards_has_its_splits_by_name(tmp_path, inside):
    folder = tmp_path / "pets"
    (folder / inside).mkdir(parents=True)
    (folder / "README.md").write_text("pets")
    for number in range(2):
        shard = table(image=images(2, first=2 * number), label=[0, 1])
        pq.write_table(shard, folder / inside / f"train-{number:05}-of-00002.parquet")
    pq.write_table(table(image=images(1, first=9), label=[1]), folder / inside / "test-00000-of-00001.parquet")
    dataset = load(folder)
    assert levels(dataset) == [9, 0, 1, 2, 3]
    assert dataset.splits.tolist() == ["test", "train", "train", "train", "train"]


def test_other_parquet_files_do_not_make_a_data_set_of_class_folders(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(png(1))
    pq.write_table(pa.table({"path": ["cat/1.png"], "label": ["cat"]}), tmp_path / "labels.parquet")
    assert form(DatasetConfig(data=str(tmp_path))) == "class folders"


def test_texts_embeddings_and_tables_in_saved_folders_are_read_as_from_parquet(tmp_path):
    rows = {"label": [0, 1, 0], "text": ["a fine film", "a bad film", "what fun it was"]}
    texts = load(save(tmp_path / "texts", table(**rows)))
    assert isinstance(texts.inputs, Texts)
    assert given(texts) == ["cat", "dog", "cat"]
    vectors = load(save(tmp_path / "vectors", table(**rows, emb=[[0.5], [1.5], [2.5]])))
    assert isinstance(vectors.inputs, FeatureTable)
    assert vectors.inputs.features.tolist() == [[0.5], [1.5], [2.5]]
    numbers = load(save(tmp_path / "numbers", table(x=[1.0, 2.5, 3.0], label=[0, 1, 0])))
    assert numbers.inputs.names == ("x",)


def test_an_image_that_is_not_there_is_the_state_of_its_row(tmp_path):
    cells = [*images(2), None, {"bytes": None, "path": "gone.png"}]
    pq.write_table(table(image=cells, label=[0, 1, 0, 1]), tmp_path / "pets.parquet")
    dataset = load(tmp_path / "pets.parquet")
    for row in (2, 3):
        with pytest.raises(UnreadableImage, match="no image here"):
            dataset.inputs.read(row)
    assert dataset.inputs.read(1) == png(1)


def test_no_label_is_refused_and_another_split_read(tmp_path):
    save(tmp_path / "pets" / "train", table(image=images(2), label=[0, 1]))
    save(tmp_path / "pets" / "test", table(image=images(2), label=[-1, -1]))
    (tmp_path / "pets" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert refused(tmp_path / "pets") == [("empty-cell", "pets index 2"), ("empty-cell", "pets index 3")]
    assert given(load(tmp_path / "pets", split="train")) == ["cat", "dog"]


def test_sound_is_refused_and_several_columns_of_images_are_asked_about(tmp_path):
    sound = table(audio=images(2), label=[0, 1], features={"audio": {"_type": "Audio"}, **CLASSES})
    pq.write_table(sound, tmp_path / "a.parquet")
    assert refused(tmp_path / "a.parquet") == [("not-judged", "a.parquet")]
    pq.write_table(table(image=images(2), img=images(2, first=7), label=[0, 1]), tmp_path / "b.parquet")
    assert refused(tmp_path / "b.parquet") == [("which-column", "b.parquet")]
    assert levels(load(tmp_path / "b.parquet", path_column="img")) == [7, 8]


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "", 3])
def test_a_file_elsewhere_is_never_read(tmp_path, name):
    folder = save(tmp_path / "pets", table(image=images(2), label=[0, 1]))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    assert refused(folder) == [("unreadable", str(folder))]
