"""The copy of a run that is kept in a bucket: what is there counts, and what is deleted there stays deleted."""

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile

from labelscan.data import storage
from labelscan.errors import StorageError
from labelscan.events import ignore
from labelscan.leases import Leases
from labelscan.results.bucket import Bucket, LeasesInBucket, what_tells
from labelscan.results.joined_run import StartedOverError
from labelscan.results.open_run import join_run, open_run
from labelscan.results.same_run import Identity

URL = "memory://runs/first"


@pytest.fixture
def there():
    """Return the files of a bucket in memory, empty at first."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_an_earlier_process_left_here_does_not_replace_what_is_there(there, tmp_path):
    there.pipe({"/runs/first/run.json": b"new", "/runs/first/fold-0-0/output.npz": b"new"})
    write(tmp_path, **{"run.json": "old", "fold-0-0__output.npz": "old"})
    write(tmp_path, **{"store__images.npy": "old", "issues.csv": "old", "decisions.csv": "mine", "report.html": "mine"})
    bucket = Bucket(URL, tmp_path)
    bucket.fetch()
    assert files_in(tmp_path) == {"run.json": "new", "decisions.csv": "mine", "report.html": "mine"}
    bucket.put()
    assert {name: there.cat(name) for name in there.find("/runs/first")} == {
        "/runs/first/run.json": b"new",
        "/runs/first/fold-0-0/output.npz": b"new",
    }
    bucket.fetch("fold-0-0/")
    assert (tmp_path / "fold-0-0" / "output.npz").read_text() == "new"


def test_what_one_worker_deletes_another_does_not_put_back(there, tmp_path):
    one, other = Bucket(URL, tmp_path / "one"), Bucket(URL, tmp_path / "other")
    for bucket in (one, other):
        bucket.fetch()
    write(tmp_path / "one", **{"fold-0-0__FAILED": "why", "run.json": "{}"})
    one.put()
    other.fetch()
    assert set(files_in(tmp_path / "other")) == {"fold-0-0/FAILED", "run.json"}
    (tmp_path / "one" / "fold-0-0" / "FAILED").unlink()
    one.put()
    other.fetch()
    other.put()
    assert there.find("/runs/first") == ["/runs/first/run.json"]
    assert set(files_in(tmp_path / "other")) == {"run.json"}


def test_what_is_made_anew_here_while_it_is_deleted_there_is_kept(there, tmp_path):
    bucket = Bucket(URL, tmp_path)
    bucket.fetch()
    write(tmp_path, **{"fold-0-0__FAILED": "why"})
    bucket.put()
    bucket.fetch()
    write(tmp_path, **{"fold-0-0__FAILED": "another reason"})
    there.rm("/runs/first/fold-0-0/FAILED")
    bucket.fetch()
    assert files_in(tmp_path) == {"fold-0-0/FAILED": "another reason"}


def test_no_key_leads_out_of_the_copy_and_nothing_of_this_machine_alone_is_put(there, tmp_path, monkeypatch):
    for key in ("../../evil.txt", "fold-0-0/../../run.json", "evil.txt", "fold-0-0//log.jsonl"):
        there.store[f"/runs/first/{key}"] = MemoryFile(there, key, b"evil")
    copy = tmp_path / "a" / "b"
    Bucket(URL, copy).fetch("")
    (tmp_path / "c").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "c"))
    with what_tells(URL):
        assert files_in(tmp_path) == {}
    there.store.clear()
    write(copy, **{"store__cache__1.rows": "", "store__images-part-0-of-2__cache__shelf.json": "", "slurm__1.out": ""})
    write(copy, **{"leases__copy.lock": "", "self-check__leases__run.1.lease": "", "decisions.csv": "", "run.json": ""})
    bucket = Bucket(URL, copy)
    bucket.fetch()
    write(copy, **{"run.json": "{}"})
    bucket.put()
    assert there.find("/runs/first") == ["/runs/first/run.json"]


def test_a_lease_that_is_let_go_while_another_asks_for_it_is_still_refused(there, monkeypatch):
    def refuse(url, content, *, only_new):
        raise FileExistsError(url)

    monkeypatch.setattr(storage, "write", refuse)
    with pytest.raises(FileExistsError):
        LeasesInBucket(f"{URL}/leases").create("run.1.lease", b"")


def test_a_storage_that_does_not_answer_keeps_no_lease_from_being_let_go(there, monkeypatch):
    def fail(*_):
        raise StorageError("the storage does not answer")

    with Leases(LeasesInBucket(f"{URL}/leases")) as leases:
        assert leases.take("a")
        assert leases.take("b")
        monkeypatch.setattr(storage, "delete", fail)
    assert not leases.holds("a")
    assert not leases.holds("b")
    monkeypatch.setattr(storage, "read", fail)
    with Leases(LeasesInBucket(f"{URL}/leases")) as others:
        assert not others.take("a"), "nothing is known of its holder"
        assert others.holder("a") is None


def test_who_has_joined_a_run_that_starts_over_puts_nothing_into_the_next_one(there, tmp_path):
    identity = Identity(settings={}, results_depend_on={"command": "detect"}, data={"fingerprint": "0123"})
    wanted = {"begin": lambda _: {"shards": ["fold-0-0", "fold-0-1"]}, "kept_in": URL}
    after = []

    def work():
        with join_run(tmp_path / "worker", identity, notify=ignore, **wanted) as run:
            write(run.path, **{"fold-0-1__log.jsonl": "of the run before"})
            with open_run(tmp_path / "another", identity, fresh=True, **wanted):
                pass
            after.extend(storage.files_below(URL))
            run.leases.take("fold-0-0")

    with pytest.raises(StartedOverError, match="started over since this process joined it"):
        work()
    assert "run.json" in after
    assert sorted(storage.files_below(URL)) == sorted(after)
