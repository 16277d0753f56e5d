import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from labelscan import leases as leases_module
from labelscan.errors import RunError
from labelscan.events import FoldDone, Noted, ignore
from labelscan.leases import Holder, Leases
from labelscan.training import job_queue
from labelscan.training.job_queue import JobQueue, one_after_another


@dataclass
class Job:
    """A shard in memory; all of its copies share ``did``."""

    number: int
    did: list = field(default_factory=list)
    holder: str = ""
    work: object = lambda notify: None

    @property
    def name(self):
        return f"fold-0-{self.number}"

    def held_by(self, owner):
        return replace(self, holder=owner)

    is_asked_to_stop = False

    def begin(self):
        return 0

    def run(self, notify):
        self.work(notify)
        self.did.append(self.holder)

    def finished(self):
        return FoldDone(0, self.number, 1.0, 0.0) if self.did else None

    def events_from(self, offset):
        return [], offset

    def failure(self, error):
        return RunError(f"{self.name}: {error}")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(job_queue, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(leases_module, "HEART_SECONDS", 0.02)
    monkeypatch.setattr(leases_module, "LEASE_SECONDS", 0.3)


def test_processes_share_the_jobs_and_each_is_done_once(tmp_path):
    jobs = [Job(number, work=lambda notify: time.sleep(0.02)) for number in range(12)]
    heard = [[], []]

    def work(who):
        with Leases(tmp_path / "leases") as leases:
            one_after_another(JobQueue(jobs, leases, heard[who].append))

    threads = [threading.Thread(target=work, args=[who]) for who in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(job.did) == 1 for job in jobs)
    for events in heard:  # what others finish is told too, and who works on it
        assert any(isinstance(event, FoldDone) for event in events)
        assert all("process" in event.message for event in events if isinstance(event, Noted))


def test_a_job_whose_holder_is_dead_is_taken_over(tmp_path):
    left = replace(Holder(), host="far", host_key="another0")
    (tmp_path / "fold-0-1.1.lease").write_bytes(left.to_bytes())
    jobs, heard = [Job(0), Job(1)], []
    with Leases(tmp_path) as leases:
        one_after_another(JobQueue(jobs, leases, heard.append))
    assert [len(job.did) for job in jobs] == [1, 1]
    assert Noted(f"fold-0-1 is carried out by {left}") in heard


def test_who_has_lost_a_job_leaves_it_and_waits_for_it(tmp_path):
    did = []

    def lose(notify):
        (tmp_path / "fold-0-0.2.lease").write_bytes(replace(Holder(), host_key="another0").to_bytes())
        for _ in range(100):
            time.sleep(0.02)
            notify(None)
            if len(did) > 0:
                break
        raise AssertionError("it was not told")

    job = Job(0, did, work=lose)
    with Leases(tmp_path) as leases:
        queue = JobQueue([job], leases, ignore)
        threading.Timer(0.3, lambda: did.append("another")).start()
        one_after_another(queue)
    assert did == ["another"]


def test_an_error_names_the_job_and_lets_others_try_it(tmp_path):
    def fail(notify):
        raise ValueError("no")

    with Leases(tmp_path / "leases") as leases:
        with pytest.raises(RunError, match="fold-0-0: no"):
            one_after_another(JobQueue([Job(0, work=fail)], leases, ignore))
        assert leases.held() == {}
