import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from failing_storage import Counted, Dead
from refusals import refuses

from labelscan.errors import DatasetError, StorageError
from labelscan.files import storage


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(storage, "FIRST_WAIT", 0.01)


def test_a_file_and_a_part_of_it_are_read(bucket):
    bucket.pipe("/b/a.txt", b"0123456789")
    assert storage.read("memory://b/a.txt") == b"0123456789"
    assert storage.read("memory://b/a.txt", 2, 5) == b"234"


def test_folders_are_listed_at_once_with_what_is_known_of_the_files(bucket):
    bucket.pipe({"/b/cat/1.png": b"one", "/b/cat/2.png": b"second", "/b/list.csv": b"", "/other/1.png": b""})
    below = storage.files_below("memory://b/")
    assert {name: one.size for name, one in below.items()} == {"cat/1.png": 3, "cat/2.png": 6, "list.csv": 0}
    assert set(storage.files_below("memory://b", depth=1)) == {"list.csv"}
    assert storage.files_below("memory://none") == {}


def test_the_mark_of_a_file_changes_with_its_content(bucket):
    bucket.pipe("/b/a", b"one")
    first = storage.status("memory://b/a")
    assert storage.status("memory://b/a") == first
    time.sleep(0.002)
    bucket.pipe("/b/a", b"two")
    assert storage.status("memory://b/a").mark != first.mark >= 0


@pytest.mark.parametrize("protocol", ["flaky", "stopping"])
def test_a_storage_that_fails_for_a_moment_is_asked_again(bucket, quick, caplog, protocol):
    bucket.pipe({f"/b/{number}": b"%d" % number for number in range(40)})
    assert [storage.read(f"{protocol}://b/{number}") for number in range(40)] == [b"%d" % n for n in range(40)]
    if protocol == "flaky":
        assert not caplog.messages, "one failure is usual"


def test_a_storage_that_stays_unresponsive_is_reported_and_ends_in_one_error(bucket, quick, monkeypatch, caplog):
    caplog.set_level("WARNING", logger="labelscan")  # which a command with --quiet in this process has raised
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(storage, "_last_warned", float("-inf"))
    bucket.pipe("/b/a", b"one")
    with refuses(StorageError, "storage-unavailable") as caught:
        storage.read("dead://b/a")
    assert caught.value.exit_code == 3
    assert Dead.asked > 1
    (message,) = caplog.messages
    assert "dead://b/a: the storage does not answer" in message
    assert "asked again" in message


def test_who_may_not_read_learns_so_at_once(bucket):
    bucket.pipe("/b/a", b"one")
    with refuses(StorageError, "access-refused"):
        storage.read("closed://b/a")


def test_a_missing_file_is_missing_and_not_asked_for_again(bucket):
    with pytest.raises(FileNotFoundError):
        storage.read("counted://b/none")
    assert Counted.asked == 1


def test_a_server_that_gives_a_whole_file_for_a_part_is_found_out(bucket, quick, monkeypatch):
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.0)
    bucket.pipe("/b/a", b"0123456789")
    with refuses(StorageError, "storage-unavailable"):
        storage.read("memory://b/a", 0, 20)


def test_a_protocol_without_its_library_says_what_to_install(monkeypatch):
    from fsspec.registry import known_implementations

    missing = {"class": "no_such_library.System", "err": "install it"}
    monkeypatch.setitem(known_implementations, "gs", missing)
    with refuses(DatasetError, "not-installed"):
        storage.read("gs://b/a")
    with refuses(DatasetError, "unknown-protocol"):
        storage.read("nope://b/a")


def test_a_signature_is_not_in_the_error(bucket, quick, monkeypatch):
    class Signed(Dead):
        protocol = "https"

        def fail(self, number):
            raise OSError("403, url='https://host/a.png?X-Amz-Signature=hidden'")

    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(storage, "_opened", lambda url: (Signed(), url))
    with pytest.raises(StorageError) as caught:
        storage.read("https://host/a.png?X-Amz-Signature=hidden")
    assert "hidden" not in str(caught.value)
    assert "https://host/a.png" in str(caught.value)
    assert caught.value.__cause__ is None


def test_many_threads_may_read(bucket):
    bucket.pipe({f"/b/{number}": b"%d" % number for number in range(64)})
    with ThreadPoolExecutor(64) as threads:
        found = list(threads.map(lambda number: storage.read(f"memory://b/{number}"), range(64)))
    assert found == [b"%d" % number for number in range(64)]
