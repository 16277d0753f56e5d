import errno
import io
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from labelscan import leases as module
from labelscan.errors import DiskError
from labelscan.lease_places import Folder
from labelscan.leases import Holder, Leases
from labelscan.results.open_run import leases_of

ELSEWHERE = "another0"
"""The key of a host whose processes nobody here can ask for."""


@pytest.fixture
def quick(monkeypatch):
    """Make hearts beat, and stand still, in fractions of a second."""
    monkeypatch.setattr(module, "HEART_SECONDS", 0.02)
    monkeypatch.setattr(module, "LEASE_SECONDS", 0.3)


def taken_elsewhere(folder, name="fold-0-0", **facts):
    """Leave the lease of a process of another host, whose heart beats only by hand."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.1.lease"
    holder = replace(Holder(), host="far", host_key=ELSEWHERE, **facts)
    path.write_bytes(holder.to_bytes())
    return path, holder


def test_one_process_holds_a_lease_until_it_lets_go(tmp_path):
    with Leases(tmp_path / "leases") as mine, Leases(tmp_path / "leases") as others:
        assert mine.take("a")
        assert mine.take("a")
        assert not others.take("a")
        assert others.take("b")
        assert others.holder("a").process == os.getpid()
        assert sorted(others.held()) == ["a", "b"]
        mine.release("a")
        assert not mine.holds("a")
        assert others.take("a")
    assert list(tmp_path.iterdir()) == [], "the folder goes with the last lease"


def test_a_beat_that_is_under_way_makes_no_released_lease_anew(tmp_path, quick):
    class Slow(Folder):
        """Where a file is written late, and made anew if it is gone by then, as a bucket does."""

        def replace(self, name, content):
            begun.set()
            time.sleep(0.2)
            (self.path / name).write_bytes(content)

    begun, folder = threading.Event(), tmp_path / "leases"
    with Leases(Slow(folder)) as leases:
        assert leases.take("a")
        assert begun.wait(10)
        leases.release("a")
        time.sleep(0.3)
        assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_a_heart_beats_on_where_its_folder_cannot_be_listed(tmp_path):
    class Unlisted(Folder):
        def names(self):
            if cannot:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().names()

    cannot = []
    with Leases(Unlisted(tmp_path)) as leases:
        assert leases.take("a")
        cannot.append(True)
        beats = set()
        for _ in range(20):
            beats.add((tmp_path / "a.1.lease").read_bytes())
            time.sleep(0.02)
        cannot.clear()
        assert len(beats) > 3
        assert leases.holds("a")


def test_of_many_that_ask_at_once_one_gets_it(tmp_path):
    many = [Leases(tmp_path / "leases") for _ in range(16)]
    start = threading.Barrier(len(many))

    def take(leases):
        start.wait()
        return leases.take("a")

    with ThreadPoolExecutor(len(many)) as threads:
        assert sum(threads.map(take, many)) == 1


def test_the_lease_of_a_process_that_has_ended_here_is_taken_at_once(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    (tmp_path / "a.7.lease").write_bytes(Holder(process=process.pid).to_bytes())
    with Leases(tmp_path) as leases:
        assert leases.held() == {}
        assert leases.take("a")
        assert [path.name for path in tmp_path.iterdir()] == ["a.8.lease"]


@pytest.mark.usefixtures("quick")
def test_a_heart_that_stands_still_is_taken_for_dead_by_the_time_of_who_waits(tmp_path):
    path, holder = taken_elsewhere(tmp_path, since="2001-01-01T00:00:00+00:00")  # clocks do not matter
    with Leases(tmp_path) as leases:
        for beat in range(1, 30):  # it lives for longer than a heart may stand still
            path.write_bytes(replace(holder, beat=beat).to_bytes())
            assert not leases.take("fold-0-0")
            time.sleep(0.02)
        assert leases.held() == {"fold-0-0": replace(holder, beat=29)}
        stood_still = time.monotonic()
        while not leases.take("fold-0-0"):
            time.sleep(0.02)
        assert time.monotonic() - stood_still > 0.25


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("record", [b"", b"{", b'{"owner": 1}'])
def test_a_lease_that_nobody_can_read_is_waited_for_and_taken(tmp_path, record):
    (tmp_path / "a.1.lease").write_bytes(record)
    with Leases(tmp_path) as leases:
        assert not leases.take("a")
        assert leases.holder("a") is None
        time.sleep(0.35)
        assert leases.take("a")


def test_a_disk_that_is_full_leaves_no_lease_that_nobody_holds(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    opens = Path.open

    def opened(path, mode="r", *rest, **options):
        file = opens(path, mode, *rest, **options)
        if mode != "xb":
            return file
        file.close()
        return Full()

    leases = Leases(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DiskError, match="no space is left"):
            leases.take("a")
    assert not list(tmp_path.iterdir())
    with leases:
        assert leases.take("a"), "at once"


def test_a_folder_that_cannot_be_listed_does_not_pass_for_an_empty_one(tmp_path, monkeypatch):
    taken_elsewhere(tmp_path, "a")
    monkeypatch.setattr("labelscan.reading.AGAIN_SECONDS", 0.01)
    lists, failures = os.listdir, [OSError(errno.ESTALE, os.strerror(errno.ESTALE))] * 3

    def listed(path):
        if failures:
            raise failures.pop()
        return lists(path)

    monkeypatch.setattr(os, "listdir", listed)
    leases = Leases(tmp_path)
    assert list(leases.others()) == ["a"], "it is listed again"
    failures += [PermissionError(errno.EACCES, os.strerror(errno.EACCES))] * 4
    with pytest.raises(PermissionError):
        leases.others()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["a later term", "it is gone"])
def test_a_holder_that_was_too_slow_hears_that_it_has_lost(tmp_path, how):
    with Leases(tmp_path) as leases:
        assert leases.take("a")
        (mine,) = tmp_path.iterdir()
        if how == "a later term":
            (tmp_path / "a.2.lease").write_bytes(Holder().to_bytes())
        else:
            mine.unlink()
        for _ in range(200):
            if not leases.holds("a"):
                break
            time.sleep(0.02)
        assert not leases.holds("a")
        assert not mine.exists() or how == "a later term", "it is not made anew"


@pytest.mark.usefixtures("quick")
def test_a_lease_that_was_made_anew_by_another_is_not_taken_back(tmp_path):
    with Leases(tmp_path) as slow, Leases(tmp_path) as others:
        assert slow.take("a")
        (lease,) = tmp_path.iterdir()
        lease.unlink()
        assert others.take("a")
        for _ in range(200):
            if not slow.holds("a"):
                break
            time.sleep(0.02)
        assert not slow.confirm("a")
        slow.release("a")
        time.sleep(0.1)
        assert others.holds("a")
        assert others.confirm("a")


@pytest.mark.usefixtures("quick")
def test_a_heart_is_watched_anew_after_a_time_without_an_answer(tmp_path, monkeypatch):
    """As where the storage stood still, for the holder as well as for who looks."""
    monkeypatch.setattr(module, "GAP_SECONDS", 0.1)
    taken_elsewhere(tmp_path)
    with Leases(tmp_path) as leases:
        assert not leases.take("fold-0-0")
        time.sleep(0.5)
        assert not leases.take("fold-0-0")
        looked = time.monotonic()
        while not leases.take("fold-0-0"):
            time.sleep(0.02)
        assert time.monotonic() - looked > 0.25


@pytest.mark.usefixtures("quick")
def test_many_dead_hearts_are_found_dead_though_it_takes_long_to_look_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GAP_SECONDS", 0.1)
    names = [f"fold-0-{number}" for number in range(20)]
    for name in names:
        taken_elsewhere(tmp_path, name)

    class Slow(Folder):
        def read(self, name):
            time.sleep(0.02)
            return super().read(name)

    with Leases(Slow(tmp_path)) as leases:
        began = time.monotonic()
        while not any(leases.take(name) for name in names):
            assert time.monotonic() - began < 20
    assert time.monotonic() - began > 0.3


def test_folders_are_changed_before_what_others_have_made_is_looked_for(tmp_path):
    """A network drive may else remember for a while that a file was not there."""
    (tmp_path / "fold-0-0").mkdir()
    os.utime(tmp_path, (1, 1))
    os.utime(tmp_path / "fold-0-0", (1, 1))
    with leases_of(tmp_path) as leases:
        assert leases.take("fold-0-1"), "whose folder is not there yet"
        assert tmp_path.stat().st_mtime > 1
        assert (tmp_path / "fold-0-0").stat().st_mtime == 1
        assert leases.take("fold-0-0")
        assert (tmp_path / "fold-0-0").stat().st_mtime > 1
    assert [path.name for path in tmp_path.rglob("*")] == ["fold-0-0"]


def test_a_lease_is_let_go_where_nothing_is_to_be_made_any_more(tmp_path):
    order = []

    def refuse():
        order.append("guard")
        raise RuntimeError("over")

    with Leases(tmp_path, order.append) as mine, Leases(tmp_path) as others:
        mine.guard = refuse
        with pytest.raises(RuntimeError, match="over"):
            mine.take("a")
        assert others.take("a")
        mine.guard = lambda: order.append("guard")
        assert mine.take("b")
    assert order == ["guard", "guard", "b"], "nothing is looked for where the run is another one"


def test_a_number_that_was_given_to_another_process_is_not_taken_for_the_first(tmp_path):
    (tmp_path / "a.1.lease").write_bytes(replace(Holder(), started="17").to_bytes())
    with Leases(tmp_path) as leases:
        assert leases.take("a")


@pytest.mark.usefixtures("quick")
def test_a_heart_beats_while_its_process_is_busy(tmp_path):
    with Leases(tmp_path) as mine, Leases(tmp_path) as others:
        assert mine.take("a")
        first = others.holder("a")
        time.sleep(0.2)
        assert others.holder("a").beat > first.beat + 2
        assert others.holder("a") == replace(first, beat=others.holder("a").beat)
