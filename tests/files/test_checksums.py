"""A changed file is noticed before anything is read from it, and so is one that was made from something else."""

import os
import subprocess
import sys
import zlib

import pytest

from labelscan.files.checksums import CHUNK_BYTES, checksum_of, forget, has_changed, is_intact, write_checksum


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(bytes(range(256)) * 40)
    write_checksum(path)
    return path


def flipped(place):
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


CHANGES = [*map(flipped, (0, 1, 5000, 10_239)), lambda content: content[:-1], lambda content: b""]


@pytest.mark.parametrize("change", CHANGES)
def test_one_flipped_bit_is_noticed_wherever_it_is_and_another_length_too(file, change):
    assert is_intact(file)
    file.write_bytes(change(file.read_bytes()))
    assert not is_intact(file)
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


def test_a_file_larger_than_is_read_at_once_has_a_checksum_of_all_of_it(tmp_path):
    content = bytes(range(256)) * (CHUNK_BYTES // 256 + 1)
    (tmp_path / "large").write_bytes(content)
    assert checksum_of(tmp_path / "large") == f"{zlib.crc32(content):08x}-{len(content)}"
