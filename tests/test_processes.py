import subprocess
import sys
import time

import pytest

from labelscan import leases
from labelscan.leases import Holder
from labelscan.processes import is_running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Linux says of processes")


def test_a_process_that_has_ended_and_was_not_waited_for_does_not_run():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert is_running(process.pid)
        assert not Holder(process=process.pid, started=leases.started(process.pid)).has_ended
        process.kill()
        until = time.monotonic() + 30
        while is_running(process.pid) and time.monotonic() < until:
            time.sleep(0.01)
        assert not is_running(process.pid)
    finally:
        process.communicate()


def test_a_process_of_which_only_its_user_may_see_when_it_began_has_not_ended(monkeypatch):
    holder = Holder()
    monkeypatch.setattr(leases, "started", lambda process: "")
    assert not holder.has_ended
    assert holder.is_running
