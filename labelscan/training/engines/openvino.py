"""A frozen network as OpenVINO runs it: about three times as fast as torch in float32, and six times in bfloat16.

Converting and compiling take seconds, so a network that was checked against torch is kept in the cache, compiled.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labelscan.events import Listener
from labelscan.images.cache import Cache
from labelscan.processes.cores import available_cores

TOLERANCES = {"float32": 1e-4, "bfloat16": 0.1}
"""The most that features may differ from those of torch in float32, relative to the largest. Of ten backbones bfloat16
differed by 0.003 to 0.03: it keeps 8 bits of a number."""
_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_DIGEST = b"compiled network"
"""The key of the only row of a shelf."""


class Refused(Exception):  # noqa: N818  # a network that another engine takes is no error of a run
    """A network that OpenVINO cannot run, or runs to other features; its text says why."""


class OpenVinoEngine:
    """Runs a network in eval mode on the CPU, in one thread for each thread that calls.

    Weights and the numbers between layers are rounded to ``dtype_name``, float32 or bfloat16. The compiled network is
    kept in ``cache``, by the ``facts`` that features depend on.

    Raises:
        Refused: it cannot run this network.
    """

    name = "openvino"

    def __init__(
        self,
        network: nn.Module,
        shape: tuple[int, int, int, int],
        dtype_name: str,
        *,
        facts: Mapping[str, object],
        cache: Cache | None,
        notify: Listener,
    ) -> None:
        self.batch_size, self.facts = shape[0], facts
        self._requests = threading.local()
        if cache is None:
            self._compiled = _in_a_thread(_compiled, network, shape, dtype_name)
            return
        with cache.shelf("networks", facts, notify=notify) as shelf:
            content = shelf.get(_DIGEST)
            kept = None if content is None else _in_a_thread(_loaded, content, dtype_name)
            self._compiled = kept or _in_a_thread(_compiled, network, shape, dtype_name)
            if content is None:  # else every run that cannot load it would add one more
                content = np.frombuffer(self._compiled.export_model().getbuffer(), dtype=np.uint8)
                shelf.add([_DIGEST], content[None])

    def __call__(self, images: Tensor) -> NDArray[np.float32]:
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        return _features(self._requests.own, images)


def _in_a_thread(work: Callable[..., Any], *given: object) -> Any:
    """Return what ``work`` makes of what it is given, in a thread of its own.

    Where a CPU has matrix units, OpenVINO gives the thread that loads it another stack for signals, and frees it with
    one of its parts: in the main thread the next signal would then end the process.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="openvino") as threads:
        return threads.submit(work, *given).result()


def _loaded(content: NDArray[np.uint8], dtype_name: str) -> Any | None:
    """Return a network that was kept compiled, or None where it cannot be loaded."""
    try:
        return _package().Core().import_model(content.tobytes(), "CPU", _settings(dtype_name))
    except (RuntimeError, ImportError):  # of another machine that shares the cache, or not to be loaded any more
        return None


def _compiled(network: nn.Module, shape: tuple[int, int, int, int], dtype_name: str) -> Any:
    """Return the network, converted, compiled and checked."""
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last)
    try:
        openvino = _package()
        # Not traced on the images of the check: what a trace has kept as a constant would look right on these.
        model, core = _converted(openvino, network, torch.zeros_like(images)), openvino.Core()
        checks = {name: core.compile_model(model, "CPU", _settings(name)) for name in ("float32", dtype_name)}
        with torch.inference_mode():
            expected = network(images).flatten(1).numpy()
        for name, compiled in checks.items():
            features = _features(compiled.create_infer_request(), images)
            difference = np.abs(features - expected).max() / np.abs(expected).max()
            if not difference <= TOLERANCES[name]:  # NaN too
                raise Refused(f"its features differ by {difference:.2g} of the largest in {name}")
    except Refused:
        raise
    except Exception as error:  # OpenVINO raises many kinds, and some are of no kind but this
        *_, last = ("", *str(error).strip().splitlines())  # what comes before is where in its sources
        raise Refused(f"it cannot run this network ({type(error).__name__}: {last.strip(' -')})") from error
    return checks[dtype_name]


def _converted(openvino: ModuleType, network: nn.Module, images: Tensor) -> Any:
    """Return the network as a model of OpenVINO, for images that lie in memory as (B, H, W, C)."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that tracing keeps sizes as constants, which is what is wanted
        # Traced twice by OpenVINO itself, to find what differs between two runs: eval mode has nothing of that kind.
        traced = torch.jit.trace(network, images, check_trace=False, strict=False)  # type: ignore[no-untyped-call]  # torch
        model = openvino.convert_model(traced, input=list(images.shape), example_input=images)
    layout = openvino.preprocess.PrePostProcessor(model)
    layout.input().tensor().set_layout(openvino.Layout("NHWC"))
    layout.input().model().set_layout(openvino.Layout("NCHW"))
    return layout.build()


def _features(request: Any, images: Tensor) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())  # which copies nothing from channels_last
    features = request.infer([rows], share_inputs=True)[0]
    return np.array(features, dtype="<f4").reshape(len(rows), -1)  # a copy: the next batch overwrites them


def _settings(dtype_name: str) -> dict[str, object]:
    cores = available_cores()
    return {
        # Each stream is a thread of its own, so that results do not depend on how many there are.
        "NUM_STREAMS": cores,
        "INFERENCE_NUM_THREADS": cores,
        "INFERENCE_PRECISION_HINT": _HINTS[dtype_name],
        "ENABLE_CPU_PINNING": False,  # two runs would share one core, and leave others idle
    }


def _package() -> ModuleType:
    """Return OpenVINO, imported without the part that reports every import to its makers over the network."""
    hidden = {name: module for name, module in sys.modules.items() if name == "openvino_telemetry"}
    cast(dict[str, object], sys.modules)["openvino_telemetry"] = None  # it can do without
    try:
        return import_module("openvino")
    finally:
        del sys.modules["openvino_telemetry"]
        sys.modules.update(hidden)
