import json
import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.atomic import read_json, replacing, replacing_bytes, write_json, write_npz


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_and_fail():
        with replacing(path) as file:
            file.write("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_seen_of_a_file_before_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with replacing_bytes(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    target, link, dangling = tmp_path / "deep" / "a.txt", tmp_path / "link", tmp_path / "dangling"
    link.symlink_to("deep/a.txt")
    dangling.symlink_to("link")
    for path, content in ((dangling, "first"), (link, "second")):
        with replacing(path) as file:
            file.write(content)
        assert (link.is_symlink(), dangling.is_symlink()) == (True, True)
        assert target.read_text() == content
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_into_and_stays(tmp_path):
    pipe, link, read = tmp_path / "pipe", tmp_path / "link", []
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        reader.start()
        with replacing_bytes(path) as file:
            file.write(b"whole")
        reader.join()
    assert read == [b"whole", b"whole"]
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_line_ends_are_written_as_given(tmp_path):
    with replacing(tmp_path / "a.txt") as file:
        file.write("a\nb\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"a\nb\r\n"


@given(
    content=st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.integers() | st.text(st.characters(codec="utf-8")) | st.none()
    )
)
def test_json_is_read_as_written(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, content)
    assert read_json(path) == content
    assert list(read_json(path)) == list(content)


def test_json_takes_no_number_that_other_readers_do_not(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not (tmp_path / "a.json").exists()
    write_json(tmp_path / "b.json", {"name": "Käfer"})
    assert "Käfer" in (tmp_path / "b.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == {"name": "Käfer"}


def test_arrays_are_read_as_written_without_pickle(tmp_path):
    write_npz(
        tmp_path / "a.npz", {"probs": np.eye(3, dtype=np.float32), "names": np.array(["a", "b"]), "file": np.zeros(2)}
    )
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["probs"], np.eye(3, dtype=np.float32))
        assert arrays["names"].tolist() == ["a", "b"]
