import errno
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from refusals import refuses

from labelscan.errors import DiskError
from labelscan.files import atomic
from labelscan.files.atomic import (
    BOOT,
    DAY,
    is_running,
    partial_path,
    read_json,
    replacing,
    replacing_bytes,
    sweep,
    write_json,
    write_npz,
    writing,
)


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
    with replacing(path) as file:
        file.write("half\nof it\r\n")
        assert not path.exists()
    assert path.read_bytes() == b"half\nof it\r\n"


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


@settings(max_examples=25)
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


ANY_TYPE = st.sampled_from(["<f4", "<f8", "<i8", "|u1", "|b1", "<U3", "<f2", "<c8"])


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", exclude_characters="\0/\\"), min_size=1, max_size=4),
        ANY_TYPE.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0, max_side=3))),
        max_size=3,
    )
)
@example({"file": np.zeros(2), "names": np.array(["a", "b"])})
def test_any_arrays_are_read_as_written(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    write_npz(path, content)
    with np.load(path, allow_pickle=False) as read:
        assert read.files == list(content)
        for name, array in content.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)


@pytest.fixture
def ended():
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="there no process can be asked whether it runs")
def test_what_killed_processes_have_left_is_swept_and_nothing_else(tmp_path, ended):
    mine = partial_path(tmp_path / "a.csv")
    left = mine.with_name(mine.name.replace(f".{os.getpid()}.", f".{ended}."))
    folder = left.with_name(left.name.replace("a.csv", "photos"))
    elsewhere, old = (tmp_path / f".{name}.0123abcd.{ended}.partial" for name in ("b.csv", "c.csv"))
    of_user = tmp_path / ".notes.partial"
    for path in (mine, left, elsewhere, old, of_user):
        path.write_text("half")
    folder.mkdir()
    (folder / "0.png").write_text("half")
    outside = tmp_path / "kept"
    outside.mkdir()
    (outside / "kept.txt").write_text("whole")
    link = left.with_name(left.name.replace("a.csv", "link"))
    link.symlink_to(outside)
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    sweep(tmp_path)
    assert {mine, elsewhere, of_user, outside} == set(tmp_path.iterdir())
    assert (outside / "kept.txt").exists()


@pytest.mark.skipif(not BOOT.exists(), reason="only Linux says so")
@pytest.mark.parametrize("where", ["BOOT", "PROCESSES"])
def test_what_another_machine_or_container_of_the_same_name_is_writing_is_not_swept(
    tmp_path, ended, monkeypatch, where
):
    folder, there = tmp_path / "run", tmp_path / "there"
    folder.mkdir()
    if where == "BOOT":
        there.write_text("another")
    else:
        there.symlink_to("pid:[1]")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(atomic, where, there)
        elsewhere.setattr(os, "getpid", lambda: ended)
        theirs = partial_path(folder / "report.html")
    mine = partial_path(folder / "report.html").name.replace(f".{os.getpid()}.", f".{ended}.")
    for path in (theirs, folder / mine):
        path.write_text("half")
    sweep(folder)
    assert list(folder.iterdir()) == [theirs]


def test_a_process_of_another_user_is_not_taken_for_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "kill", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EPERM, "not yours")))
    partial = partial_path(tmp_path / "a.csv")
    partial.write_text("half")
    sweep(tmp_path)
    assert partial.exists()


FULL = [OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)]


@pytest.mark.parametrize("failed", [*FULL, OSError("73200 requested and 62432 written")], ids=str)
def test_a_disk_that_takes_no_more_says_where_and_how_much_is_free(tmp_path, failed):
    with refuses(DiskError, "disk", "a.csv") as error, writing(tmp_path / "deep" / "a.csv"):
        raise failed
    assert error.value.errno == (failed.errno or errno.ENOSPC)  # NumPy's own words have none
    assert pickle.loads(pickle.dumps(error.value)).problems == error.value.problems  # it may come from a worker


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), replacing(tmp_path / "a.csv"):
        raise PermissionError(errno.EACCES, "no")


def test_arrays_under_one_name_are_stacked_as_numpy_does(tmp_path):
    parts = [np.arange(6, dtype=np.float32).reshape(2, 3), np.asfortranarray(np.ones((2, 3), dtype=np.float32))]
    write_npz(tmp_path / "stacked.npz", {"parts": parts})
    write_npz(tmp_path / "whole.npz", {"parts": np.stack(parts)})
    assert (tmp_path / "stacked.npz").read_bytes()[100:] == (tmp_path / "whole.npz").read_bytes()[100:]
    with np.load(tmp_path / "stacked.npz") as arrays:
        np.testing.assert_array_equal(arrays["parts"], np.stack(parts))


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux says of processes")
def test_a_process_that_has_ended_and_was_not_waited_for_does_not_run():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert is_running(process.pid)
        process.kill()
        until = time.monotonic() + 30
        while is_running(process.pid) and time.monotonic() < until:
            time.sleep(0.01)
        assert not is_running(process.pid)
    finally:
        process.communicate()
