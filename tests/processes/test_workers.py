import signal
import subprocess
import sys
import time

import pytest

from labelscan.processes.interruption import SIGNALS
from labelscan.processes.workers import deferred_to_workers

PROGRAM = "import sys; from labelscan.__main__ import program; sys.argv[1:] = {}; program()"
WORKER = "import os; from labelscan.processes.workers import prepare_worker; prepare_worker(os.getppid())"


def test_signals_that_the_caller_has_blocked_are_blocked_after_processes_were_started():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        with deferred_to_workers():
            assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= set(SIGNALS)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before | {signal.SIGUSR1}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (PROGRAM.format(["--version"]), 0),
        (PROGRAM.format(["detect", "nowhere"]), 2),
        (f"{WORKER}; print('works', flush=True)", 0),
    ],
    ids=["done", "refused", "a worker"],
)
def test_neither_the_program_nor_a_worker_unloads_what_it_has_loaded(script, code):
    unloads = "import atexit; atexit.register(print, 'unloading'); "
    ended = subprocess.run([sys.executable, "-c", unloads + script], capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert ended.stdout + ended.stderr
    assert "unloading" not in ended.stdout


def test_a_worker_ends_within_seconds_of_its_parent():
    worker = f"{WORKER}; import time; print(os.getpid(), flush=True); time.sleep(60)"
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {worker!r}]); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # it has begun
        process.kill()
        # The pipe is closed when the worker, which has inherited it, is gone as well.
        started = time.monotonic()
        process.stdout.read()
    assert time.monotonic() - started < 30
