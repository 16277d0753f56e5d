"""Golden files: what people or programs read, kept as it was when last reviewed. ``make golden`` renews them."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from failing_storage import Closed, Counted, Dead, Flaky, Stopping
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import settings

from labelscan.processes.interruption import SIGNALS

GOLDEN = Path(__file__).parent / "golden"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read by torch: idle threads leave a busy machine its cores
settings.register_profile("labelscan", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("labelscan")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="renew the golden files instead of comparing with them")
    parser.addoption("--data", metavar="DIR", help="the development data sets, for tests that need real ones")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--golden"):
        items[:] = [item for item in items if "golden" in getattr(item, "fixturenames", ())]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch  # not for tests that need none of it

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep all tests, and what they start, away from the user's cache; return the folder of caches they use."""
    home = tmp_path_factory.mktemp("cache-home")
    with pytest.MonkeyPatch.context() as patch:
        weights = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "torch"
        patch.setenv("TORCH_HOME", os.environ.get("TORCH_HOME") or str(weights))  # those are looked for where they are
        patch.setenv("XDG_CACHE_HOME", str(home))
        patch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(home))  # the same on Windows
        yield home


@pytest.fixture
def handlers() -> Iterator[None]:
    """Handle signals as Python does when it starts, even where pytest was told to ignore Ctrl-C, and put them back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a check that a text is that of the golden file of a name, or ``alike`` it: another judge of two texts."""

    def check(name: str, text: str, *, alike: Callable[[str, str], bool] = str.__eq__) -> None:
        path = GOLDEN / name
        if request.config.getoption("--golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        assert path.is_file(), f"{path} is missing: make golden"
        assert alike(text, path.read_text(encoding="utf-8")), f"{path} differs: make golden, and review the diff"

    return check


@pytest.fixture
def bucket() -> Iterator[MemoryFileSystem]:
    """An empty storage in memory, and all that fail on top of it."""
    for kind in (Counted, Flaky, Stopping, Dead, Closed):
        fsspec.register_implementation(kind.protocol, kind, clobber=True)
        kind.asked = 0
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()
