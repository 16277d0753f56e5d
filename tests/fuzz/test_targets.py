"""A short look at every target of fuzzing: its seeds, some hundred damaged inputs, and every finding so far."""

import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from fuzz.mutation import damaged
from fuzz.targets import MOST_SECONDS, TARGETS

N_DAMAGED = 60
FINDINGS = sorted((Path(__file__).parent / "findings").glob("*/*"))


@pytest.fixture(autouse=True)
def nothing_that_a_damaged_file_warns_of_is_an_error(recwarn):
    """Let libraries warn: whoever runs labelscan sees that at most."""


@contextmanager
def at_most_seconds(seconds):
    """Raise where the block takes more time of the processor; without signals, as on Windows, it may.

    Time on the clock would be that of a machine that is busy otherwise.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def too_long(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def check(name, content):
    try:
        with at_most_seconds(MOST_SECONDS):
            TARGETS[name](content)
    except Exception as error:
        pytest.fail(f"{name} raises {type(error).__name__}: {error}\nfor {content!r}")


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read_and_damaged_input_is_read_or_refused(name):
    target = TARGETS[name]
    seeds = list(target.seeds())
    for seed in seeds:
        target.read(seed)  # which is what is meant, and not refused
    for content in (b"", *damaged(seeds, target.words, N_DAMAGED)):
        check(name, content)


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: "/".join(path.parts[-2:]))
def test_what_fuzzing_has_found_is_fixed(path):
    check(path.parent.name.replace("-", " "), path.read_bytes())
