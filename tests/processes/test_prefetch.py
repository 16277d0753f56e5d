"""Work that is done ahead: in order, bounded, and given up when nobody wants its results any more."""

import threading
import time

import pytest

from labelscan.processes.prefetch import A_THREAD, Prefetch


def test_results_come_in_order_whichever_is_done_first():
    def work(item):
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item

    with Prefetch(4, "test") as threads:
        assert list(threads.results(work, range(20))) == list(range(20))


def test_no_more_is_begun_than_keeps_the_threads_busy():
    begun = []
    with Prefetch(3, "test") as threads:
        results = threads.results(lambda item: item, (begun.append(item) or item for item in range(100)))
        for n_taken in range(1, 50):
            next(results)
            assert len(begun) == A_THREAD * 3 + n_taken - 1


def test_all_threads_work_at_once():
    together = threading.Barrier(3, timeout=10)
    with Prefetch(3, "test") as threads:
        assert len(list(threads.results(lambda _: together.wait(), range(6)))) == 6


def test_what_is_not_begun_never_is_and_what_is_learns_that_it_may_stop():
    done = []

    def work(item):
        done.append((item, item == 0 or threads.stopped.wait(60)))

    with Prefetch(2, "test") as threads:
        next(threads.results(work, range(100)))
    assert len(done) <= A_THREAD * 2
    assert all(notified for _, notified in done)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test")]


def test_an_error_of_the_work_is_raised_in_its_place():
    def work(item):
        return 1 / (2 - item)

    with Prefetch(2, "test") as threads:
        results = threads.results(work, range(5))
        assert [next(results), next(results)] == [0.5, 1.0]
        with pytest.raises(ZeroDivisionError):
            next(results)
