"""Data sets that torchvision knows, laid down by the test as torchvision would find them."""

import struct

import numpy as np
import pytest
from PIL import Image
from refusals import refuses

from labelscan.config import DatasetConfig
from labelscan.data.readers import read
from labelscan.data.readers.torchvision_set import TorchvisionImages
from labelscan.errors import ConfigError, DatasetError
from labelscan.images.sources import ImageArray, ImageFiles


def load(root, name, **config):
    return read(DatasetConfig(data=f"torchvision:{name}", root=str(root), **config))


def lay_mnist(root, n_train=6, n_test=4):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, n_images, value in (("train", n_train, 1), ("t10k", n_test, 2)):
        images = np.full((n_images, 28, 28), value, dtype=np.uint8)
        images[:, -1, -1] = np.arange(n_images)  # no two are the same
        labels = np.arange(n_images, dtype=np.uint8) % 10
        header = struct.pack(">BBBBIII", 0, 0, 8, 3, n_images, 28, 28)
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(
            struct.pack(">BBBBI", 0, 0, 8, 1, n_images) + labels.tobytes()
        )


def test_both_splits_are_pooled_unless_one_is_asked_for(tmp_path):
    lay_mnist(tmp_path)
    dataset = load(tmp_path, "mnist")
    assert dataset.name == "MNIST"
    assert isinstance(dataset.inputs, ImageArray)
    assert dataset.inputs.images.shape == (10, 28, 28, 1)
    assert dataset.splits.tolist() == ["train"] * 6 + ["test"] * 4
    assert dataset.example_ids.tolist() == [str(row) for row in range(10)]
    assert dataset.class_names[:2] == ("0 - zero", "1 - one")
    np.testing.assert_array_equal(dataset.inputs.images[:, 0, 0, 0], [1] * 6 + [2] * 4)
    assert len(load(tmp_path, "MNIST", split="test")) == 4


def test_a_set_with_splits_of_its_own_and_files_keeps_their_paths(tmp_path):
    for split in ("train", "val"):
        for label in ("n01440764", "n02102040"):
            for index in range(2):
                file = tmp_path / "imagenette2" / split / label / f"{index}.JPEG"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8)).save(file)
    dataset = load(tmp_path, "Imagenette")
    assert isinstance(dataset.inputs, ImageFiles)
    assert dataset.example_ids[0] == "imagenette2/train/n01440764/0.JPEG"
    assert len(dataset) == 4
    assert len(set(dataset.class_names)) == 2
    both = load(tmp_path, "Imagenette", split="train,val")
    assert len(both) == 8
    assert set(both.splits) == {"train", "val"}
    with refuses(DatasetError, "unreadable"):
        load(tmp_path, "Imagenette", split="test")


@pytest.mark.parametrize(
    ("name", "config", "kind", "code"),
    [
        ("CIFAR10", {}, DatasetError, "unreadable"),
        ("cifar-10", {}, ConfigError, "unknown-data-set"),
        ("ImageNet", {"download": True}, ConfigError, "no-download"),
        ("MNIST", {"split": "val"}, DatasetError, "unknown-split"),
    ],
)
def test_what_torchvision_cannot_give_is_refused(tmp_path, name, config, kind, code):
    with refuses(kind, code):
        load(tmp_path, name, **config)


def test_images_that_the_set_decodes_itself_are_read_one_at_a_time():
    class Set:
        def __len__(self):
            return 3

        def __getitem__(self, row):
            return Image.new("L" if row == 0 else "RGB", (4, 2), row if row == 0 else (row, 0, 0)), row % 2

    images = TorchvisionImages((Set(), Set()), np.array([[0, 0], [0, 1], [1, 2]]))
    assert images.read(0).shape == (2, 4, 1)
    assert images.take(np.array([2])).read(0)[0, 0].tolist() == [2, 0, 0]
    assert (images.path(0), images.file(0)) == ("", None)
