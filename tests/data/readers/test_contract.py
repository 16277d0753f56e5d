"""What every reader keeps to, and which one is chosen."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data import readers
from labelscan.data.readers import FORM_SETTINGS, READERS, form, manifest
from labelscan.errors import DatasetError
from labelscan.wording.tables import write_csv


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make one piece of data of each form in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv" / "cat").mkdir(parents=True)
    np.savez(tmp_path / "arrays.npz", features=np.eye(2), labels=[0, 1])
    (tmp_path / "arrays.npz").rename(tmp_path / "arrays.NPZ")
    (tmp_path / "images.csv").write_text("path,label\n1.png,cat\n")
    (tmp_path / "images.jsonl").write_text('{"file": "1.png", "label": "cat"}\n')
    (tmp_path / "numbers.tsv").write_text("petal\tlabel\n1\tcat\n")
    (tmp_path / "table:numbers.csv").write_text("petal,label\n1,cat\n")
    (tmp_path / "reviews.csv").write_text("text,label\na fine film,good\nso dull a film,bad\n")
    (tmp_path / "vectors.jsonl").write_text('{"embedding": [0.5, 1], "label": "cat"}\n')
    (tmp_path / "shards" / "data").mkdir(parents=True)
    images = pa.table({"image": [{"bytes": b"", "path": "a"}], "label": ["cat"]})
    pq.write_table(images, tmp_path / "shards" / "data" / "train-00000-of-00001.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("demo:digits", "demo"),
        ("torchvision:MNIST", "torchvision"),
        ("folder.csv", "class folders"),
        ("arrays.NPZ", "npz"),
        ("images.csv", "manifest"),
        ("images.jsonl", "manifest"),
        ("numbers.tsv", "table"),
        ("table:numbers.csv", "table"),
        ("reviews.csv", "texts"),
        ("vectors.jsonl", "embeddings"),
        ("shards", "encoded images"),
    ],
)
def test_data_is_read_by_the_reader_of_its_form(here, data, name):
    assert form(DatasetConfig(data=data)) == name


@pytest.mark.parametrize("data", ["images.csv", "reviews.csv", "vectors.jsonl", "shards", "numbers.tsv"])
def test_a_sheet_of_any_form_refuses_to_leave_out_a_column_that_it_has_not(here, data):
    with refuses(DatasetError, "no-column"):
        readers.read(DatasetConfig(data=data, exclude=("colour",)))


def test_columns_that_are_named_decide_what_a_sheet_is(here):
    assert form(DatasetConfig(data="numbers.tsv", path_column="petal")) == "manifest"
    assert form(DatasetConfig(data="numbers.tsv", text_column=("petal",))) == "texts"
    assert form(DatasetConfig(data="reviews.csv", exclude=("text",))) == "table"
    assert form(DatasetConfig(data="images.csv", text_column=("path",))) == "texts"
    assert form(DatasetConfig(data="images.csv", features="features.npy")) == "embeddings"


@pytest.mark.parametrize("data", ["nowhere.csv", "nowhere", "nowhere:digits", "C:/images"])
def test_what_is_not_there_is_said_to_be_missing(here, data):
    with refuses(DatasetError, "no-file"):
        form(DatasetConfig(data=data))
    assert not any(READERS[name].reads(DatasetConfig(data=data)) for name in READERS)


@pytest.mark.parametrize("data", ["nowhere.csv", "folder.csv/nowhere"])
def test_a_link_that_leads_nowhere_is_said_to_be_one(here, data):
    (here / data).symlink_to("gone.csv")
    with refuses(DatasetError, "broken-link"):
        form(DatasetConfig(data=data))


def test_data_that_does_not_fit_into_memory_is_named(here, monkeypatch):
    def read(config, notify):
        raise MemoryError

    monkeypatch.setattr(manifest, "read", read)
    with refuses(DatasetError, "too-large"):
        readers.read(DatasetConfig(data="images.csv"))


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_reader_uses_settings_that_there_are(name):
    assert set(FORM_SETTINGS) >= READERS[name].SETTINGS


NAME = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=6)


@settings(max_examples=20)
@given(labels=st.lists(NAME, min_size=2, max_size=6).filter(lambda names: len(set(names)) > 1), is_table=st.booleans())
def test_labels_that_were_written_are_read_back_from_a_list_of_images_and_a_table(tmp_path_factory, labels, is_table):
    folder = tmp_path_factory.mktemp("labels")
    ids = [f"{row}.png" for row in range(len(labels))]
    for name in ids:
        (folder / name).touch()
    rows = {"size": range(len(ids))} if is_table else {"path": ids}
    write_csv(pd.DataFrame({**rows, "label": labels}), folder / "labels.csv")
    dataset = readers.read(DatasetConfig(data=str(folder / "labels.csv")))
    assert [dataset.class_names[label] for label in dataset.given_labels] == labels
