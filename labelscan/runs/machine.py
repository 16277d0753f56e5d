"""The machine that works on a run, as run.json records it: all on which last digits may depend but for the training."""

import platform
from pathlib import Path

import numpy as np
from PIL import features
from threadpoolctl import threadpool_info

CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, object]:
    """Return system, processor, its best instruction set that NumPy uses, and the versions of BLAS and libjpeg."""
    build = np.show_config(mode="dicts")
    blas = build.get("Build Dependencies", {}).get("blas", {})
    found = build.get("SIMD Extensions", {}).get("found", [])
    turbo = features.version("libjpeg_turbo")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpu": found[-1] if found else "baseline",
        "blas": f"{blas.get('name')} {blas.get('version')}{_kernels(str(blas.get('version')))}",
        "libjpeg": f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}",
    }


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _kernels(version: str) -> str:
    """Return the kind of processor whose kernels OpenBLAS has chosen, where it says so."""
    chosen = (one.get("architecture") for one in threadpool_info() if one.get("version") == version)
    return next((f" for {name}" for name in chosen if name), "")
