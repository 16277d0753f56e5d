"""Where a job runs, and with how much; apart from the job, since the same job may run anywhere."""

from dataclasses import dataclass, field

import torch

from labelscan.config import CacheConfig, fingerprint
from labelscan.training.device import Device


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """The device of a job and what it may use there. Last digits depend on the first four alone."""

    device: Device
    threads: int
    """CPU threads."""
    n_processes: int = 1
    """Those that train a network together, on its device and the next ones: each takes a slice of every batch."""
    engine: str = ""
    """What computes the features that the job reads; empty where it reads none of a frozen backbone."""
    folds_per_gpu: int = 1
    """How many jobs may share a GPU."""
    resident_bytes: int = 0
    """The most that the examples may take to lie on a GPU."""
    cache_bytes: int = 2**29
    """The most of its inputs that a process maps into memory."""
    cache: CacheConfig = field(default_factory=CacheConfig)

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with all that last digits depend on, the version of torch included.

        Which of several GPUs it is makes no difference.
        """
        return fingerprint(
            {
                "device": self.device.kind,
                "precision": self.device.dtype_name,
                "threads": self.threads,
                "processes": self.n_processes,
                "engine": self.engine,
                "torch": torch.__version__,
            }
        )
