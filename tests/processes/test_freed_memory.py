"""Freed memory is kept for the next tensors while a network computes, and given back afterwards."""

import ctypes
import subprocess
import sys

import pytest

PAGES = """
import resource
import torch
from labelscan.processes.freed_memory import freed_memory_kept

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        tensors = [torch.ones(3 * 2**20) for _ in range(6)]  # 12 MB each
        del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

usual = new_pages()
before = resident()
with freed_memory_kept():
    new_pages()
    kept = new_pages()
    within = resident()
print(usual, kept, within - before, resident() - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone can be told"
)
def test_tensors_take_the_memory_that_others_have_left_and_it_is_given_back_in_the_end() -> None:
    printed = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, text=True, check=True).stdout
    usual, kept, within, afterwards = map(int, printed.split())
    assert kept < usual / 10
    assert within > 10_000  # pages, of some 18,000 that the tensors take
    assert afterwards < within / 10
