"""Device, number type, seeds and determinism: everything that decides whether two runs agree."""

import hashlib
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from labelscan.config import DeviceConfig
from labelscan.errors import ConfigError

DEVICES = "use auto, cpu, cuda, cuda:1 or mps"


@dataclass(frozen=True, slots=True)
class Device:
    """Where tensors live and in which type the model computes; picklable."""

    name: str
    """As torch names it: ``cpu``, ``cuda:0``, ``mps``."""
    dtype_name: str = "float32"
    one_of_all: bool = False
    """Whether no particular GPU was asked for, so that folds may be spread over all of them."""

    @property
    def place(self) -> torch.device:
        return torch.device(self.name)

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]  # cpu, cuda or mps

    @property
    def processor(self) -> str:
        """Return the kind of GPU, or of CPU by its vector instructions: others give other last digits."""
        if self.kind == "cuda":
            return torch.cuda.get_device_name(self.place)
        if self.kind != "cpu":
            return self.kind
        return torch.backends.cpu.get_cpu_capability() + (" AMX" if has_matrix_units() else "")

    @property
    def dtype(self) -> torch.dtype:
        """Return the type that matrix products are computed in."""
        dtype: torch.dtype = getattr(torch, self.dtype_name)
        return dtype

    def current(self) -> AbstractContextManager[object]:
        """Return the context in which it is the GPU that a network means by ``cuda``, if it is one."""
        return torch.cuda.device(self.place) if self.place.type == "cuda" else nullcontext()

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context to run a forward pass in."""
        return nullcontext() if self.dtype is torch.float32 else torch.autocast(self.kind, dtype=self.dtype)


def has_matrix_units() -> bool:
    """Return whether the CPU has instructions for matrices of bfloat16 (AMX), and the system lets them be used."""
    return bool(torch.cpu._is_amx_tile_supported() and torch.cpu._init_amx())


def choose_device(config: DeviceConfig) -> Device:
    """Return the device that ``config`` means on this machine.

    ``auto`` is the first GPU that this torch has kernels for, else MPS, else the CPU. Precision ``auto`` is bfloat16 on
    CUDA with compute capability 8.0 or more, else float32: on CPUs without matrix units bfloat16 is slower, and with
    them ``device_for`` knows the networks that gain.

    Raises:
        ConfigError: a device that this machine lacks or torch has no kernels for, or a precision that it cannot do.
    """
    name = _available(config.name)
    precision = config.precision
    one_of_all = name.startswith("cuda") and config.name in ("auto", "cuda")
    if precision == "auto":
        capable = name.startswith("cuda") and torch.cuda.get_device_capability(name)[0] >= 8
        return Device(name, "bfloat16" if capable else "float32", one_of_all)
    if precision == "float16" and not name.startswith("cuda"):
        raise ConfigError(
            "wrong-precision", "float16 needs CUDA", where="device.precision", hint="use bfloat16 or float32"
        )
    if precision == "bfloat16" and name == "mps":
        raise ConfigError(
            "wrong-precision", "bfloat16 is not supported on mps", where="device.precision", hint="use float32"
        )
    return Device(name, precision, one_of_all)


def device_for(device: Device, config: DeviceConfig, *, matrix_units: bool) -> Device:
    """Return the device with the precision that a network is trained in; ``matrix_units`` are for one that gains."""
    is_faster = matrix_units and device.kind == "cpu" and config.precision == "auto" and has_matrix_units()
    return replace(device, dtype_name="bfloat16") if is_faster else device


def _available(name: str) -> str:
    if name == "auto":
        usable = next(filter(_has_kernels, range(_n_gpus())), None)
        if usable is not None:
            return f"cuda:{usable}"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(
            "unknown-device", f"no device is called {name!r}", where="device.name", hint=DEVICES
        ) from None
    if device.type == "cuda":
        count, index = _n_gpus(), device.index or 0
        if index >= count:
            found = f"{count} CUDA device{'s' if count != 1 else ''} found"
            raise ConfigError(
                "no-device", f"{name!r} is not on this machine: {found}", where="device.name", hint="use auto or cpu"
            )
        if not _has_kernels(index):
            raise ConfigError(
                "no-device",
                f"torch {torch.__version__} has no kernels for {Device(name).processor}",
                where="device.name",
                hint="use auto or cpu, or install a torch that was built for this GPU",
            )
        return f"cuda:{index}"
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("no-device", "'mps' is not on this machine", where="device.name", hint="use auto or cpu")
    if device.type not in ("cpu", "mps"):
        raise ConfigError("unknown-device", f"{name!r} is not supported", where="device.name", hint=DEVICES)
    return device.type


def _n_gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _has_kernels(index: int) -> bool:
    """Return whether torch was built for a GPU: a driver may well know one that is too old or too new for that.

    Kernels of ``sm_86`` run on 8.6 to 8.9; what is kept as ``compute_86`` is compiled for all that came later.
    """
    built = re.findall(r"(sm|compute)_(\d+)(\d)", " ".join(torch.cuda.get_arch_list()))
    if not built:  # AMD's have other names
        return True
    major, minor = torch.cuda.get_device_capability(f"cuda:{index}")
    return any(
        (int(of), int(least)) <= (major, minor) and (kind == "compute" or int(of) == major) for kind, of, least in built
    )


def all_gpus(device: Device, n_each: int = 1) -> list[Device]:
    """Return every GPU that may take the place of ``device``, or ``device`` alone.

    Those of another kind may not: they give other last digits. Where folds take ``n_each`` neighbours, only the first
    of each of these groups is returned.
    """
    if not device.one_of_all:
        return [device]
    gpus = [Device(f"cuda:{index}", device.dtype_name) for index in range(torch.cuda.device_count())]
    groups = [gpus[first : first + n_each] for first in range(0, len(gpus) + 1 - n_each, n_each)]
    return [group[0] for group in groups if all(gpu.processor == device.processor for gpu in group)]


def seed_of(*parts: object) -> int:
    """Return a seed in [0, 2**63) made from all ``parts``: run seed, repeat, fold, purpose."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@contextmanager
def reproducible(seed: int, *, threads: int) -> Iterator[None]:
    """Seed every generator and fix the number of CPU threads, and restore both afterwards.

    Python's and NumPy's global generators are included, since a user's own model may draw from them. Sums are split
    among threads, so another number of threads gives other last digits.
    """
    # cuBLAS reads this when its first handle is made; without it some of its sums depend on timing.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_num_threads()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    states = random.getstate(), np.random.get_state()
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        # Where CUDA does not run, nothing has drawn from its generators, and to ask for them would start it.
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []):  # type: ignore[no-untyped-call]  # torch
            seed_generators(seed)
            yield
    finally:
        torch.set_num_threads(before)
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def seed_generators(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def make_network(make: Callable[[], nn.Module], device: Device, seed: int) -> nn.Module:
    """Return a fresh network on the device, with weights drawn from ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make()
    for module in network.modules() if device.kind == "cpu" else ():
        if type(module) is nn.Dropout:
            module.__class__ = FastDropout
    if device.kind != "mps":  # which has few channels_last kernels and would copy back and forth
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs
    return network.to(device.place)


class FastDropout(nn.Dropout):
    """``nn.Dropout`` for the CPU, which draws four masks from one random number, from the same distribution.

    Torch draws one for each value, which takes a tenth of the training time of a network with a wide dropout layer.
    16 bits are enough: the share that is dropped is exact to 1 in 65,536.
    """

    def forward(self, values: Tensor) -> Tensor:
        dense = values.is_contiguous() or values.is_contiguous(memory_format=torch.channels_last)
        if not self.training or not 0 < self.p < 1 or self.inplace or values.device.type != "cpu" or not dense:
            return super().forward(values)
        numbers = torch.empty(-(-values.numel() // 4), dtype=torch.int64)
        numbers.random_(torch.iinfo(torch.int64).min, None)
        # Laid out in memory as the values are, so that both are read without jumps.
        draws = numbers.view(torch.int16).as_strided(values.size(), values.stride())
        kept = draws >= round(self.p * 2**16) - 2**15
        return values * kept.to(values.dtype).mul_(1 / (1 - self.p))
