"""An installed wheel runs the demo where nothing is known of the checkout; the source archive has the same files."""

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


@pytest.fixture
def installed(tmp_path):
    """Return a function that installs an archive into an empty environment, and returns its scripts and packages."""
    venv.create(tmp_path / "venv", symlinks=os.name == "posix")
    paths = sysconfig.get_paths("venv", {"base": tmp_path / "venv", "platbase": tmp_path / "venv"})
    scripts, packages = Path(paths["scripts"]), Path(paths["purelib"])
    # What labelscan depends on is read from where it is; a .pth file in there, which an editable install has, is not.
    there = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(there), encoding="utf-8")

    def install(archive):
        pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-index", "--no-deps")
        run(*pip, "--no-build-isolation", "--no-compile", "--force-reinstall", archive)
        return scripts, packages

    return install


def run(*command, **options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_runs_and_has_a_page_in_an_empty_environment_and_the_source_has_the_same_files(
    archives, installed, tmp_path
):
    (wheel,), (source,) = archives.glob("*.whl"), archives.glob("*.tar.gz")
    scripts, packages = installed(wheel)
    imported = run(scripts / "python", "-c", "import labelscan; print(labelscan.__file__)", cwd=tmp_path)
    assert imported.startswith(str(packages))
    run(scripts / "labelscan", "detect", DEMO, *QUICKLY, "-o", "run", cwd=tmp_path)
    run(scripts / "labelscan", "report", "run", cwd=tmp_path)
    assert (tmp_path / "run" / "report.html").is_file()
    of_wheel = contents(packages / "labelscan")
    installed(source)
    assert contents(packages / "labelscan") == of_wheel


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder): path.read_bytes() for path in files}
