"""A changed file is noticed before anything is read from it, and so is one that was made from something else."""

import os
import subprocess
import sys
import zlib

import pytest

from labelscan.files import checksums
from labelscan.files.checksums import checksum_of, forget, has_changed, is_intact, write_checksum


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(bytes(range(256)) * 40)
    write_checksum(path)
    return path


@pytest.mark.parametrize("place", [0, 1, 5000, 10_239])
def test_one_flipped_bit_is_noticed_wherever_it_is(file, place):
    assert is_intact(file)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert not is_intact(file)
    assert has_changed(file)


def test_a_file_that_is_cut_off_or_empty_has_changed(file):
    file.write_bytes(file.read_bytes()[:-1])
    assert has_changed(file)
    file.write_bytes(b"")
    assert has_changed(file)


def test_what_is_missing_is_not_intact_and_has_not_changed(file):
    forget(file)
    assert not is_intact(file)
    assert not has_changed(file)
    write_checksum(file)
    file.unlink()
    assert not is_intact(file)
    assert not has_changed(file)
    with pytest.raises(FileNotFoundError):
        checksum_of(file)


def test_a_file_that_was_made_from_something_else_is_not_intact_and_has_not_changed(file):
    write_checksum(file, "0123")
    assert is_intact(file, "0123")
    assert not is_intact(file, "012")
    assert not is_intact(file)
    assert not has_changed(file)
    file.write_bytes(file.read_bytes() + b"\0")
    assert not is_intact(file, "0123")
    assert has_changed(file)


@pytest.mark.parametrize("content", [b"", b"0", b"\xff\xfe", b"1" * 10_000], ids=["empty", "short", "no text", "long"])
def test_a_checksum_that_is_damaged_is_that_of_another_file(file, content):
    file.with_name("rows.npy.checksum").write_bytes(content)
    assert not is_intact(file)
    assert has_changed(file)


def test_a_file_of_the_same_size_that_takes_its_place_is_another(file):
    other = file.with_name("other.npy")
    other.write_bytes(bytes(file.stat().st_size))
    before = checksum_of(file)
    os.replace(other, file)  # noqa: PTH105
    assert checksum_of(file) != before
    assert has_changed(file)


def test_a_byte_that_a_disk_has_flipped_without_a_trace_is_noticed_by_the_next_process(file):
    status, content = file.stat(), bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    code = "import sys; from pathlib import Path; from labelscan.files.checksums import is_intact"
    code += "; print(is_intact(Path(sys.argv[1])))"
    asked = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert asked.stdout == "False\n"


def test_a_file_larger_than_is_read_at_once_has_a_checksum_of_all_of_it(tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 4)
    at_once = checksum_of(path)
    monkeypatch.setattr(checksums, "CHUNK_BYTES", 100)
    checksums._checksum.cache_clear()
    assert checksum_of(path) == at_once == f"{zlib.crc32(path.read_bytes()):08x}-1024"
