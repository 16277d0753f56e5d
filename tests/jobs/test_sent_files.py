"""Files of the driver on another machine: the same bytes, fetched once, in a folder of the user's own."""

import os
import time

import numpy as np
import pytest
from filelock import FileLock
from refusals import refuses

from labelscan.errors import RunError
from labelscan.jobs import sent_files
from labelscan.jobs.sent_files import KEPT_SECONDS, file_here, folder_of_copies, send

CONTENT = bytes(range(256))


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Return the folder of temporary files, in which copies lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """Return a file in pieces, which only the driver's machine has seen."""
    monkeypatch.setattr(sent_files, "CHUNK_BYTES", 100)
    path = tmp_path / "rows.npy"
    path.write_bytes(CONTENT)
    one = send(path, np.copy)
    assert len(one.chunks) == 3
    path.unlink()
    return one


def never(chunk):
    pytest.fail("it was fetched")


def test_a_file_that_this_machine_sees_is_not_copied(tmp_path, temporary):
    (tmp_path / "rows.npy").write_bytes(CONTENT)
    assert file_here(send(tmp_path / "rows.npy", np.copy), never) == tmp_path / "rows.npy"
    assert not list(temporary.iterdir())


def test_another_file_at_the_same_place_is_not_taken_for_it(sent):
    sent.path.write_bytes(CONTENT[::-1])
    assert file_here(sent, np.asarray).read_bytes() == CONTENT


def test_a_copy_is_fetched_once_and_a_damaged_one_again(sent):
    copy = file_here(sent, np.asarray)
    assert (copy.suffix, copy.read_bytes()) == (".npy", CONTENT)
    assert file_here(sent, never) == copy
    copy.write_bytes(CONTENT[1:])
    assert file_here(sent, np.asarray).read_bytes() == CONTENT


def test_copies_that_no_run_has_used_for_a_day_are_deleted_and_nothing_else(sent, temporary):
    old, used = folder_of_copies() / "old.npy", folder_of_copies() / "used.npy"
    for path, age in ((old, KEPT_SECONDS + 60), (used, KEPT_SECONDS - 60)):
        path.write_bytes(CONTENT)
        os.utime(path, times=(time.time() - age,) * 2)
    copy = file_here(sent, np.asarray)
    assert not old.exists()
    assert used.exists()
    then = time.time() - KEPT_SECONDS - 60
    os.utime(copy, times=(then, then))
    assert file_here(sent, never) == copy
    assert copy.stat().st_mtime > then + 60, "it counts as used now"
    assert len(list(temporary.iterdir())) == 1, "all copies lie in one folder"


@pytest.mark.parametrize("error", [OSError("no locks available"), NotImplementedError()])
def test_where_files_cannot_be_locked_a_copy_is_made_all_the_same(sent, monkeypatch, error):
    def refuse(self):
        raise error

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert file_here(sent, np.asarray).read_bytes() == CONTENT


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="temporary files are each user's own there")
def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    folder = folder_of_copies()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with refuses(RunError, "unsafe-folder"):
        folder_of_copies()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with refuses(RunError, "unsafe-folder"):
        folder_of_copies()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="temporary files are each user's own there")
def test_a_folder_of_another_user_is_refused(monkeypatch):
    folder, other = folder_of_copies(), os.getuid() + 1
    folder.rename(folder.with_name(f"labelscan-inputs-{other}"))
    monkeypatch.setattr(os, "getuid", lambda: other)
    with refuses(RunError, "unsafe-folder"):
        folder_of_copies()
