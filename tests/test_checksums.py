import pytest

from labelscan.checksums import checksum_of, forget, has_changed, is_intact, write_checksum


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
