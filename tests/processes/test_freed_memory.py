"""The command line keeps freed memory for the next tensors, in its own process and in those that it starts."""

import ctypes
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone can be told"
)
PAGES = """
import resource

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        blocks = [bytes([1]) * (12 * 2**20) for _ in range(6)]  # as large as tensors are
        del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

new_pages()
"""
COMMAND = f"""
import subprocess, sys
from labelscan import __main__

{PAGES}
usual = new_pages()

def run(arguments):
    new_pages()
    print(usual, new_pages(), flush=True)
    subprocess.run([sys.executable, "-c", {PAGES + "print(new_pages())"!r}], check=True)
    return 0

__main__.main = run
__main__.program()
"""


def printed(code, **environment):
    usual = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**usual, **environment}
    )
    return [int(number) for number in done.stdout.split()]


def test_blocks_of_a_command_and_of_its_processes_take_the_memory_that_others_have_left():
    usual, kept, kept_in_child = printed(COMMAND)
    assert kept < usual / 10
    assert kept_in_child < usual / 10


def test_what_the_user_has_set_is_left_alone():
    usual, still, still_in_child = printed(COMMAND, MALLOC_MMAP_THRESHOLD_=str(2**20))
    assert still > usual / 2
    assert still_in_child > usual / 10  # the rest comes from what is asked for ahead


def test_a_program_that_imports_labelscan_keeps_its_own_settings():
    usual, still = printed(PAGES + "usual = new_pages()\nimport labelscan\nlabelscan.score\nprint(usual, new_pages())")
    assert still > usual / 2
