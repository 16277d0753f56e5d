import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from refusals import refuses
from torch import nn

from labelscan.config import DeviceConfig
from labelscan.errors import ConfigError
from labelscan.events import Warned
from labelscan.images.cache import Cache
from labelscan.training import engines
from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice, choose_engine, make_engine, openvino

pytestmark = pytest.mark.skipif(find_spec("openvino") is None, reason="needs labelscan[cpu]")
SHAPE, CHOICE = (3, 8, 8), EngineChoice("openvino", "1", "float32")


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return self.layer(images).mean(dim=(2, 3))


class Airy(nn.Module):
    """Has an operation that OpenVINO lacks."""

    def forward(self, images):
        return torch.special.airy_ai(images).mean(dim=(2, 3))


class OutsideOfTorch(nn.Module):
    """Is constant to whom only its torch operations are seen."""

    def forward(self, images):
        return torch.from_numpy(np.sort(images.numpy(), axis=1)).mean(dim=(2, 3))


def make(network, **options):
    return make_engine(network.eval(), SHAPE, Device("cpu"), options.pop("choice", CHOICE), **options)


class Wrong(Convolution):
    """Gives a trace other features than a call."""

    def forward(self, images):
        return super().forward(images) * (1.001 if torch.jit.is_tracing() else 1)


@pytest.mark.parametrize(
    ("network", "reason"), [(Airy(), "airy_ai"), (OutsideOfTorch(), "differ by "), (Wrong(), "differ by 0.0")]
)
def test_what_openvino_cannot_run_runs_on_torch_with_a_warning_that_says_why(network, reason):
    received = []
    engine = make(network, notify=received.append)
    images = torch.randn(engine.batch_size, *SHAPE)
    with torch.no_grad():
        np.testing.assert_allclose(engine(images), network(images).numpy(), rtol=1e-5)
    assert (engine.name, engine.facts["engine"]) == ("torch", f"torch {torch.__version__}, float32")
    (warning,) = received
    assert isinstance(warning, Warned)
    assert reason in warning.message


@pytest.mark.parametrize("asked_for", ["float32", "bfloat16"])
def test_torch_takes_over_in_the_precision_that_was_asked_for(asked_for):
    choice = EngineChoice("openvino", "1", "bfloat16")  # as chosen on a processor with matrix units, or by precision
    engine = make_engine(Airy().eval(), SHAPE, Device("cpu", asked_for), choice)
    assert engine.facts["engine"] == f"torch {torch.__version__}, {asked_for}"
    assert engine.facts["precision"] == asked_for


def test_a_package_that_cannot_be_loaded_is_left_out(monkeypatch):
    received = []
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert make(Convolution(), notify=received.append).name == "torch"
    assert "it cannot run this network (ModuleNotFoundError: " in received[0].message


def test_a_compiled_network_is_kept_and_used_again(tmp_path, monkeypatch):
    images = torch.randn(8, *SHAPE)
    first = make(Convolution(), cache=Cache(tmp_path))(images)
    monkeypatch.setattr(openvino, "_converted", lambda *_: pytest.fail("converted again"))
    np.testing.assert_array_equal(make(Convolution(), cache=Cache(tmp_path))(images), first)
    (facts,) = Cache(tmp_path).shelves()
    assert (facts.kind, facts.n_examples) == ("networks", 1)


@pytest.mark.parametrize("other", ["weights", "precision", "version", "shape"])
def test_another_network_is_not_taken_for_the_one_that_is_kept(tmp_path, other):
    make(Convolution(), cache=Cache(tmp_path))
    network, choice, shape = Convolution().eval(), CHOICE, SHAPE
    if other == "weights":
        nn.init.zeros_(network.layer.bias)
    elif other == "precision":
        choice = EngineChoice("openvino", "1", "bfloat16")
    elif other == "version":
        choice = EngineChoice("openvino", "2", "float32")
    else:
        shape = (3, 9, 9)
    make_engine(network, shape, Device("cpu"), choice, cache=Cache(tmp_path))
    assert len(Cache(tmp_path).shelves()) == 2


def test_a_kept_network_that_is_damaged_is_compiled_again(tmp_path):
    images = torch.randn(8, *SHAPE)
    first = make(Convolution(), cache=Cache(tmp_path))(images)
    (file,) = tmp_path.rglob("*.rows")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(bytes(content))
    np.testing.assert_array_equal(make(Convolution(), cache=Cache(tmp_path))(images), first)


def test_a_kept_network_of_another_machine_is_neither_loaded_nor_kept_twice(tmp_path, monkeypatch):
    images = torch.randn(8, *SHAPE)
    first = make(Convolution(), cache=Cache(tmp_path))(images)
    monkeypatch.setattr(openvino, "_loaded", lambda *_: None)
    for _ in range(2):
        np.testing.assert_array_equal(make(Convolution(), cache=Cache(tmp_path))(images), first)
    assert len(list(tmp_path.rglob("*.rows"))) == 1


def test_bytes_that_are_no_network_are_not_loaded():
    assert openvino._loaded(np.zeros(1000, np.uint8), "float32") is None


ALONE = """
import ctypes, socket
def refuse(*_, **__):
    raise SystemExit("asked for the network")
socket.socket.connect = socket.getaddrinfo = refuse
import torch
from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice, make_engine

def signal_stack():
    stack = (ctypes.c_size_t * 3)()
    ctypes.CDLL(None).sigaltstack(None, stack)
    return list(stack)

before = signal_stack()
network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
engine = make_engine(network, (3, 8, 8), Device("cpu"), EngineChoice("openvino", "1", "float32"))
assert signal_stack() == before
import openvino_telemetry.main
print(engine.name, openvino_telemetry.main.Telemetry._SingletonMetaClass__single_instance)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="OpenVINO changes the stack of signals on Linux")
def test_nothing_is_sent_to_the_makers_of_openvino_and_signals_keep_the_stack_that_they_had():
    # In a process of its own: pytest gives signals a stack too, which OpenVINO leaves alone.
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino", "None"]


@pytest.mark.parametrize(
    ("config", "has_matrix_units", "expected"),
    [
        (DeviceConfig(), True, ("openvino", "bfloat16")),
        (DeviceConfig(), False, ("openvino", "float32")),
        (DeviceConfig(precision="float32"), True, ("openvino", "float32")),
        (DeviceConfig(engine="torch"), True, ("torch", "float32")),
    ],
)
def test_auto_is_openvino_in_bfloat16_where_the_processor_has_matrix_units(
    monkeypatch, config, has_matrix_units, expected
):
    monkeypatch.setattr(engines, "has_matrix_units", lambda: has_matrix_units)
    choice = choose_engine(config, Device("cpu"))
    assert (choice.name, choice.dtype_name) == expected


def test_a_folder_that_is_called_openvino_is_not_openvino(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(engines, "version", missing)
    assert choose_engine(DeviceConfig(), Device("cpu")).name == "torch"


def test_torch_computes_where_openvino_is_not_installed_or_there_is_a_gpu(monkeypatch):
    assert choose_engine(DeviceConfig(), Device("cuda:0", "bfloat16")).name == "torch"
    with refuses(ConfigError, "wrong-engine"):
        choose_engine(DeviceConfig(engine="openvino"), Device("cuda:0"))
    monkeypatch.setitem(sys.modules, "openvino", None)
    choice = choose_engine(DeviceConfig(), Device("cpu"))
    assert choice.name == "torch"
    assert "pip install 'labelscan[cpu]'" in choice.reason
    with refuses(ConfigError, "not-installed"):
        choose_engine(DeviceConfig(engine="openvino"), Device("cpu"))
