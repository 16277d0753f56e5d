"""A wheel and a source archive are installed where nothing is known of the checkout, and run the demo."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DEMO = "demo:digits?noise=symmetric:0.1"
QUICKLY = ("--config", "quick", "--folds", "2", "--epochs", "1", "--set", "executor.processes=1")


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Return the folder of what would be published."""
    folder = tmp_path_factory.mktemp("archives")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=CHECKOUT, check=True)
    return folder


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"], ids=["wheel", "source"])
def test_the_demo_runs_and_has_a_page_in_an_empty_environment(archives, tmp_path, kind):
    (archive,) = archives.glob(kind)
    venv.create(tmp_path / "venv", symlinks=os.name == "posix")
    paths = sysconfig.get_paths("venv", {"base": tmp_path / "venv", "platbase": tmp_path / "venv"})
    # What labelscan depends on is read from where it is; a .pth file in there, which an editable install has, is not.
    there = [path for path in sys.path if Path(path).name == "site-packages"]
    (Path(paths["purelib"]) / "dependencies.pth").write_text("\n".join(there), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*command):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    python, program = (Path(paths["scripts"]) / name for name in ("python", "labelscan"))
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps")
    run(*pip, "--no-build-isolation", "--no-compile", archive)
    assert run(python, "-c", "import labelscan; print(labelscan.__file__)").startswith(paths["purelib"])
    run(program, "detect", DEMO, *QUICKLY, "-o", "run")
    run(program, "report", "run")
    assert (tmp_path / "run" / "report.html").is_file()
