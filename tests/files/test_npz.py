"""Npz files are read as NumPy reads them, unless they claim more than they hold."""

import struct
import zipfile
from zipfile import ZipFile

import numpy as np
import pytest

from labelscan.files.atomic import write_npz
from labelscan.files.npz import (
    PickledObjects,
    array_names,
    array_shapes,
    pack_texts,
    read_arrays,
    read_texts,
)
from labelscan.files.reading import why

ARRAYS = {
    "images": np.arange(24, dtype=np.uint8).reshape(4, 2, 3),
    "labels": np.array(["a", "b", "a", "b"]),
    "file": np.asfortranarray(np.ones((4, 2), ">f8")),
    "empty": np.zeros((0, 3)),
    "one": np.array(1.5),
}


def header(shape, descr="|u1"):
    """Return the start of an array file that says ``shape``."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path, member, compression=zipfile.ZIP_STORED):
    """Write a file with one member, called ``labels``."""
    with ZipFile(path, "w", compression) as file:
        file.writestr("labels.npy", member)
    return path


def refusal(path, names=None):
    with pytest.raises(ValueError, match=r".") as refused:
        read_arrays(path, names)
    return why(refused.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_those_that_numpy_wrote(tmp_path, save):
    with (tmp_path / "a.npz").open("wb") as file:
        save(file, **{name: array for name, array in ARRAYS.items() if name != "file"})
    read = read_arrays(tmp_path / "a.npz")
    for name, array in read.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype
    assert array_names(tmp_path / "a.npz") == list(read)
    assert array_shapes(tmp_path / "a.npz") == {name: array.shape for name, array in read.items()}


def test_masks_that_shrink_well_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("labelscan.files.npz.MOST_UNPACKED", 1 << 20)
    masks = np.zeros((40, 320, 320), np.uint8)
    for number, (row, column) in enumerate(np.random.default_rng(0).integers(20, 200, (40, 2))):
        masks[number, row : row + 80, column : column + 80] = 255
    np.savez_compressed(tmp_path / "a.npz", images=masks)
    assert masks.nbytes > 300 * (tmp_path / "a.npz").stat().st_size
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npz")["images"], masks)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", labels=np.array([{}], dtype=object))
    with pytest.raises(PickledObjects, match="array 'labels' holds pickled objects"):
        read_arrays(tmp_path / "a.npz")


def test_an_array_that_is_there_twice_is_refused(tmp_path):
    with ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("labels.npy", header((1,)) + b"a")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("labels.npy", header((1,)) + b"b")
    assert "array 'labels' is there twice" in refusal(tmp_path / "a.npz")


def test_what_is_mapped_is_what_was_written(tmp_path):
    write_npz(tmp_path / "a.npz", ARRAYS)
    read = read_arrays(tmp_path / "a.npz", mapped=ARRAYS)
    for name, array in read.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype
    assert isinstance(read["images"], np.memmap)
    assert not read["images"].flags.writeable
    np.savez_compressed(tmp_path / "b.npz", images=ARRAYS["images"])
    np.testing.assert_array_equal(read_arrays(tmp_path / "b.npz", mapped=ARRAYS)["images"], ARRAYS["images"])


@pytest.mark.parametrize("place", [-200, -100])
def test_a_changed_byte_is_found_before_an_array_is_mapped(tmp_path, place):
    write_npz(tmp_path / "a.npz", {"numbers": np.arange(1000, dtype=np.uint8)})
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[place - 300] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match="CRC"):
        read_arrays(tmp_path / "a.npz", mapped=["numbers"])


@pytest.mark.parametrize("texts", [[], [""], ["a", "", "é\n\0", "x" * 1000, "\udcff"]])
def test_packed_texts_are_read_as_they_were_and_so_is_an_array_of_text(tmp_path, texts):
    packed = pack_texts("ids", texts)
    assert sum(array.nbytes for array in packed.values()) < 1100, "each takes its own room"
    np.savez(tmp_path / "texts.npz", **packed)
    assert read_texts(tmp_path / "texts.npz", "ids") == texts
    np.savez(tmp_path / "array.npz", ids=np.array(["a", "bc"]))
    assert read_texts(tmp_path / "array.npz", "ids") == ["a", "bc"]


@pytest.mark.parametrize(
    "arrays",
    [
        {"ids": np.arange(3)},
        {"ids": np.array([["a"]])},
        {"ids": np.zeros(3, np.uint8), "ids_end": np.array([2, 1, 3])},
        {"ids": np.zeros(3, np.uint8), "ids_end": np.array([1, 4])},
        {"ids": np.zeros(3, np.uint8), "ids_end": np.array([-1, 3])},
        {"ids": np.zeros(3, np.uint8), "ids_end": np.array([1.0, 3.0])},
        {"ids": np.full(2, 255, np.uint8), "ids_end": np.array([2])},
    ],
    ids=str,
)
def test_what_is_no_list_of_text_is_a_value_error(tmp_path, arrays):
    np.savez(tmp_path / "texts.npz", **arrays)
    with pytest.raises(ValueError, match=r"ids are|decode"):
        read_texts(tmp_path / "texts.npz", "ids")
