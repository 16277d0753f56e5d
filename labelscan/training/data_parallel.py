"""One fold in several processes, a GPU each: they take every step together, each with its slice of the batch.

The process of the fold is the first of a *team*. It starts the others, its helpers, which make the same network and
draw the same batches. From there on a step is the one that a single process would take, up to rounding:

- Each forwards its slice; then all get the logits of the whole batch. So loss, memory of examples, margins and figures
  are computed by all alike, from what one process would see, and the first can keep the state of all.
- Each sends gradients through its slice alone, and torch's ``DistributedDataParallel`` adds them up.
- Batch norm takes mean and variance over all slices.
- Only dropout, and whatever else a network draws, differs: each draws for its slice, by the number of the step.

Helpers hold nothing that the first process lacks. Whatever ends it, be it a signal, ends them too.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed, nn

from labelscan.errors import ConfigError, LabelscanError, RunError
from labelscan.events import Listener, Waiting
from labelscan.processes import workers
from labelscan.training.device import Device, all_gpus, seed_generators, seed_of
from labelscan.training.gpu_memory import is_out_of_memory, is_short_of_memory
from labelscan.training.shared_batch_norm import share_batch_norm

if TYPE_CHECKING:
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # torch means to export it

HOST, IS_THERE = "127.0.0.1", "helper {} is there"
TIMEOUT = timedelta(minutes=10)
"""The most that processes wait for each other: for the encoding of a table, or a checkpoint on a slow disk."""
POLL_SECONDS = 0.2
LAST_WORD_SECONDS = 10.0
"""The most that the first process waits to learn why a helper is gone, or for helpers to end after the last step."""
SETTING = "executor.gpus_per_fold"


def check_gpus(device: Device, n_processes: int) -> None:
    """Raise ConfigError where a device has fewer GPUs than a fold asks for; on a CPU there may be any number."""
    n_gpus = len(all_gpus(device))
    if device.kind != "cpu" and (n_processes > n_gpus or not all_gpus(device, n_processes)):
        has = f"this machine has {n_gpus}" if n_processes > n_gpus else "no such neighbours are of one kind"
        what = f"{device.name} is one" if n_gpus == 1 else has
        hint = "name no single GPU by --device, or ask for fewer"
        raise ConfigError("too-few-gpus", f"asks for {n_processes} GPUs, and {what}", where=SETTING, hint=hint)


@dataclass(frozen=True, slots=True)
class Team:
    """The processes that train one network together, as one of them sees it."""

    rank: int = 0
    """0 is the first."""
    size: int = 1
    seed: int = 0
    """Decides what the network draws."""

    @property
    def is_alone(self) -> bool:
        return self.size == 1

    @property
    def is_whole(self) -> bool:
        """Return whether the processes still exchange tensors: once one has failed, the others let go."""
        return self.is_alone or distributed.is_initialized()

    def slice_of(self, n_examples: int) -> slice:
        """Return which of the examples of a batch this process takes; slices differ by one at most."""
        return slice(n_examples * self.rank // self.size, n_examples * (self.rank + 1) // self.size)

    def part_of(self, batch: Tensor) -> Tensor:
        """Return the rows of a batch that this process takes."""
        return batch[self.slice_of(len(batch))]

    def share(self, network: nn.Module) -> nn.Module:
        """Return a network that forwards a slice, and whose gradients are the mean over all processes."""
        return network if self.is_alone else nn.parallel.DistributedDataParallel(share_batch_norm(network))

    def whole(self, part: Tensor, n_examples: int) -> Tensor:
        """Return the (B, K) logits of a whole batch; ``part`` are those of the slice of this process."""
        if self.is_alone:
            return part
        whole: Tensor = _Whole.apply(part.float(), n_examples, self)  # type: ignore[no-untyped-call]  # torch
        return whole

    def begin_step(self, number: int) -> None:
        """Seed what the network draws: by rank and step, so that a training can be resumed after any."""
        if not self.is_alone:
            seed_generators(seed_of(self.seed, self.rank, number))


ALONE = Team()


@contextmanager
def team_of(
    device: Device,
    n_processes: int,
    help_with: Callable[[Team, Device], None],
    *,
    seed: int,
    where: str,
    notify: Listener,
) -> Iterator[Team]:
    """Start the helpers of this process, which call ``help_with`` with their team and device, until the block ends.

    Args:
        device: that of this process; helpers have the GPUs next to it, or share its CPU.
        n_processes: this one and its helpers; with 1 nothing is started.
        help_with: does in a helper all that the block does with its team; cloudpickle can send it.
        seed: of what the network draws.
        where: the fold as messages name it.
        notify: receives ``Waiting`` while helpers start.

    Raises:
        RunError: a helper failed or was killed.
    """
    if n_processes == 1:
        yield ALONE
        return
    from loky import ProcessPoolExecutor  # here, since few runs start processes

    first, *others = (Team(rank, n_processes, seed) for rank in range(n_processes))
    store = _meeting_place()
    pool = ProcessPoolExecutor(len(others), initializer=workers.prepare_worker, initargs=(os.getpid(),))
    helpers: list[Future[None]] = []
    try:
        with workers.deferred_to_workers():
            for team in others:
                gpu = replace(device, name=f"cuda:{(device.place.index or 0) + team.rank}")
                there = gpu if device.kind == "cuda" else device
                helpers.append(pool.submit(_help, help_with, team, there, store.port))
        while not store.check([IS_THERE.format(team.rank) for team in others]):  # torch would wait for one that is dead
            wait(helpers, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
            _raise_failure(helpers, where)
            notify(Waiting())
        with _joined(first, device, store):
            for helper in helpers:
                helper.add_done_callback(lambda helper: _let_go() if _failure(helper) is not None else None)
            yield first
        wait(helpers, timeout=LAST_WORD_SECONDS)
        _raise_failure(helpers, where)  # what NCCL had under way when one failed has ended without an error
    except (RuntimeError, ValueError) as error:  # as torch says that another process is gone: that one knows why
        if is_out_of_memory(error):
            raise
        wait(helpers, timeout=LAST_WORD_SECONDS, return_when=FIRST_EXCEPTION)
        _raise_failure(helpers, where)
        raise
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _help(help_with: Callable[[Team, Device], None], team: Team, device: Device, port: int) -> None:
    """Do the work of a helper, in its process."""
    store = _meeting_place(port)
    store.set(IS_THERE.format(team.rank), "")
    with _joined(team, device, store):
        help_with(team, device)


def _meeting_place(port: int = 0) -> "TCPStore":
    """Return where processes of this machine find each other: that at a port, or a new one."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # here: some builds of torch have none

    return TCPStore(HOST, port, is_master=not port, wait_for_workers=False, timeout=TIMEOUT)


@contextmanager
def _joined(team: Team, device: Device, store: "TCPStore") -> Iterator[None]:
    """Let this process exchange tensors with the others of its team; returns when all have joined."""
    on_gpu = device.kind == "cuda"
    with torch.cuda.device(device.place) if on_gpu else nullcontext():
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=store,
            rank=team.rank,
            world_size=team.size,
            timeout=TIMEOUT,
            device_id=device.place if on_gpu else None,
        )
        try:
            yield
        except BaseException:
            _let_go()
            raise
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _let_go() -> None:
    """Wait no more for the other processes, one of which is gone: NCCL would, on the GPU, until the time is over."""
    if distributed.is_initialized() and distributed.get_backend() == "nccl":  # gloo notices by itself
        distributed.distributed_c10d._abort_process_group()


def _failure(helper: Future[None]) -> BaseException | None:
    """Return what has ended a helper; None where it runs, or has shut down gracefully."""
    return helper.exception() if helper.done() and not helper.cancelled() else None


def _raise_failure(helpers: Sequence[Future[None]], where: str) -> None:
    """Raise RunError, or the helper's own error where it is meant for the user, if one has failed."""
    from loky.process_executor import TerminatedWorkerError

    error = next(filter(None, map(_failure, helpers)), None)
    if error is None:
        return
    if isinstance(error, LabelscanError):
        raise error
    was_killed = isinstance(error, TerminatedWorkerError)
    what = "was killed" if was_killed else f"ended with {type(error).__name__}: {error}"
    raise RunError(
        "process-ended",
        f"one of the {len(helpers) + 1} processes that train it {what}",
        where=where,
        hint="use less memory: --batch-size or --image-size"
        if is_short_of_memory(error)
        else "run again with --debug for the traceback",
    ) from error


class _Whole(torch.autograd.Function):
    """The logits of all slices of a batch, put together in every process; gradients go back to the own slice alone."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, n_examples: int, team: Team) -> Tensor:
        ctx.mine, ctx.size = team.slice_of(n_examples), team.size
        whole = part.new_zeros(n_examples, *part.shape[1:])
        whole[ctx.mine] = part
        distributed.all_reduce(whole)  # each row is of one process and 0 in the others: slices may differ in size
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient[ctx.mine] * ctx.size, None, None  # the mean over processes divides by their number
