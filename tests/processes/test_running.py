import subprocess
import sys
import time

import pytest

from labelscan.processes.running import is_running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Linux says of processes")


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
