import signal

import loky
import pytest

from labelscan.events import ignore
from labelscan.interruption import SIGNALS
from labelscan.training.device import Device
from labelscan.training.executors import local


def test_signals_wait_while_a_pool_may_start_processes(monkeypatch):
    held_back = []

    def start(**_):
        held_back.extend(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        raise RuntimeError("enough")

    monkeypatch.setattr(loky, "get_reusable_executor", start)
    with pytest.raises(RuntimeError, match="enough"):
        local._side_by_side([], 2, 0, [Device("cpu")], ignore)
    assert set(held_back) >= set(SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)
