"""How a GPU is shared out among the folds of a run, decided once: by all that it has, not by what is free at a moment.

A small network at a small batch leaves a GPU idle for most of the time: its steps are over before Python has launched
the next. Then several folds, each in a process of its own, take turns on it.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from labelscan.processes.cores import available_cores
from labelscan.training.device import Device, all_gpus
from labelscan.training.margins import HOST_FROM

RESIDENT_SHARE = 1 / 3
"""The most of the memory that the examples take; the rest is for networks and their training."""
CONTEXT_BYTES = 2**30
"""About what CUDA and its libraries take for each process, before any tensor."""
SMALL_STEP = 2**27
"""Bytes that a step keeps for its gradients, up to which it leaves a GPU idle. It moves them about four times, which
takes half a millisecond at one terabyte a second; to launch a step's one or two hundred kernels takes two or more."""
OUT_OF_MEMORY = ("out of memory", "ALLOC_FAILED", "unable to find an engine")
"""What CUDA, cuBLAS and cuDNN say in errors of their own; cuDNN tries all its ways before it does."""
MOST_A_GPU = 5
"""Folds on one GPU: more than so many steps of half a millisecond would wait for each other."""
WORTH_SHARING = 1_000_000
"""Training examples, all epochs and folds together, from which on it pays to start processes: a small network takes
some 30,000 a second, and processes with CUDA take ten seconds to start."""


def folds_per_gpu(device: Device, n_jobs: int, n_passes: int, step_bytes: float, n_probs: int) -> int:
    """Return how many folds share a GPU, the same on each.

    Args:
        device: where they train.
        n_jobs: folds of the run.
        n_passes: training examples that all of them together go through, in all epochs.
        step_bytes: what the largest step keeps, as ``step_bytes`` returns it.
        n_probs: probabilities of training examples that a fold collects.
    """
    gpus = all_gpus(device)
    if device.kind != "cuda" or n_passes < WORTH_SHARING or not step_bytes <= SMALL_STEP:
        return 1
    # Gradients in reverse take as much again as what was kept for them.
    fold_bytes = CONTEXT_BYTES + 2 * step_bytes + min(4 * n_probs, HOST_FROM)
    have_room = int((1 - RESIDENT_SHARE) * total_bytes(device) / fold_bytes)
    most = max(1, min(MOST_A_GPU, have_room, available_cores() // len(gpus)))
    n_here = math.ceil(n_jobs / len(gpus))
    return math.ceil(n_here / math.ceil(n_here / most))  # in as many rounds, of nearly the same size


def step_bytes(make: Callable[[], nn.Module], input_shape: tuple[int, ...], batch_size: int) -> float:
    """Return about how many bytes a training step keeps for its gradients, by two examples on the CPU.

    It is infinite for a network that cannot tell, such as one that takes other inputs.
    """
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        kept[memory.data_ptr()] = memory.nbytes()
        return tensor

    shape = (input_shape[-1], *input_shape[:-1]) if len(input_shape) == 3 else input_shape
    try:
        with torch.random.fork_rng(devices=[]), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network = make().train()
            outputs = network(torch.rand(2, *shape))  # which keeps what was counted, so that none has the same place
    except Exception:  # a network of another package may do anything with its inputs
        return math.inf
    del outputs
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    return batch_size * sum(size for place, size in kept.items() if place not in own) / 2


@contextmanager
def gpu_memory_returned() -> Iterator[None]:
    """Return the memory that tensors have left on GPUs when the block ends: torch keeps it from other processes."""
    try:
        yield
    finally:
        torch.cuda.empty_cache()  # which does nothing where CUDA does not run


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the memory of a GPU is too small, by torch or by a library of CUDA."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def resident_bytes(device: Device, sharers: int) -> int:
    """Return how many bytes of a GPU the examples of one of its ``sharers`` may take; 0 where there is none."""
    return int(RESIDENT_SHARE * total_bytes(device)) // sharers


def total_bytes(device: Device) -> int:
    """Return the memory of the smallest GPU that may take the place of ``device``; 0 where there is none."""
    if device.kind != "cuda":
        return 0
    return min(torch.cuda.get_device_properties(gpu.place).total_memory for gpu in all_gpus(device))


def is_short_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a process or a GPU had too little memory; one that was killed mostly had."""
    from loky.process_executor import TerminatedWorkerError

    is_of_host = isinstance(error, MemoryError | TerminatedWorkerError) or "DefaultCPUAllocator" in str(error)
    return is_of_host or is_out_of_memory(error)
