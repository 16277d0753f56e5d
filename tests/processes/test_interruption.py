import os
import signal
import subprocess
import sys

import pytest
from refusals import refuses

from labelscan.errors import Interrupted
from labelscan.processes import interruption
from labelscan.processes.interruption import SIGNALS, check, prepare_signals, shutting_down_gracefully, stopping_at_once


@pytest.fixture(autouse=True)
def nothing_is_left(handlers):
    yield
    assert (interruption._state.received, interruption._state.waits) == ([], [])


def send(number):
    os.kill(os.getpid(), number)


def work(*numbers):
    """Send signals to itself, then look for them, and print those that did not stop the work at once."""
    survived = []
    try:
        for number in numbers:
            send(number)
            survived.append(number)
        check()
    finally:
        print(*(one.name for one in survived))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_each_signal_stops_the_command_line_at_once_where_nothing_is_to_be_kept(number):
    prepare_signals()
    with pytest.raises(KeyboardInterrupt):
        send(number)
    assert interruption.reason() == ("stopped by the user" if number == signal.SIGINT else f"stopped by {number.name}")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_within_work_that_shuts_down_gracefully_it_waits_for_the_next_check_and_that_is_said_once(number, capsys):
    said = []
    prepare_signals(said.append)
    again = number if number != signal.SIGINT else signal.SIGTERM  # some senders send twice
    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else Interrupted), shutting_down_gracefully():
        work(number, again)
    assert capsys.readouterr().out == f"{number.name} {again.name}\n"
    assert said == ["the step is finished first, and what is done is kept; Ctrl-C again stops at once"]
    assert signal.getsignal(number) is interruption.stop_at_once


def test_work_that_is_done_before_it_looks_is_interrupted_at_its_end():
    with pytest.raises(KeyboardInterrupt), shutting_down_gracefully():
        send(signal.SIGINT)


def test_a_second_ctrl_c_stops_at_once(capsys):
    with pytest.raises(KeyboardInterrupt), shutting_down_gracefully():
        work(signal.SIGINT, signal.SIGINT)
    assert capsys.readouterr().out == "SIGINT\n"


@pytest.mark.parametrize("when", ["begins", "ends"])
def test_a_signal_at_the_moment_when_work_begins_or_ends_is_neither_lost_nor_an_error(when, monkeypatch):
    prepare_signals()
    handle = signal.signal

    def handle_and_send(number, handler):
        before = handle(number, handler)
        if number == signal.SIGTERM and (handler == interruption._receive) == (when == "begins"):
            handle(number, interruption._receive)  # as if it had come just before
            send(number)
            handle(number, handler)
        return before

    monkeypatch.setattr(signal, "signal", handle_and_send)
    with refuses(Interrupted, "interrupted"), shutting_down_gracefully():
        pass
    assert signal.getsignal(signal.SIGTERM) is interruption.stop_at_once


def test_work_in_one_piece_is_stopped_at_once_within_work_that_shuts_down_gracefully(capsys):
    with pytest.raises(KeyboardInterrupt), shutting_down_gracefully(), stopping_at_once():
        work(signal.SIGINT)
    assert capsys.readouterr().out == "\n"


def test_a_library_takes_over_ctrl_c_and_no_signal_of_its_caller():
    received = []
    signal.signal(signal.SIGTERM, lambda *_: received.append("the caller's"))
    with shutting_down_gracefully():
        send(signal.SIGTERM)
        assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        check()
    assert received == ["the caller's"]


def test_what_the_caller_ignores_as_nohup_does_is_still_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    prepare_signals()
    with shutting_down_gracefully():
        send(signal.SIGHUP)
        check()


def test_a_signal_after_the_work_changes_neither_exit_code_nor_output():
    code = f"""
import os, sys
from labelscan import __main__
from labelscan.processes import interruption

def ignore_signals(done=interruption.ignore_signals):
    done()
    for number in {list(map(int, SIGNALS))}:
        os.kill(os.getpid(), number)

interruption.ignore_signals = ignore_signals
sys.argv[1:] = ["--version"]
__main__.program()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
