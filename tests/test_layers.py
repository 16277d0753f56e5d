"""Imports flow one way: a package imports only from those that ``LAYERS`` gives it."""

import ast
from pathlib import Path

import labelscan

PACKAGE = Path(labelscan.__file__).parent
GROUND = "errors events arrays registry processes config wording files"
"""What every stage stands on. These modules import only each other."""
LAYERS = {
    "noise": "",
    "images": "",
    "data": "noise images",
    "training": "images data",
    "jobs": "images data training",
    "detection": "data training jobs",
    "runs": "data jobs",
    "results": "data training detection runs",
    "correction": "images data detection runs results",
    "reporting": "images data training detection runs results correction",
    "gating": "data runs results correction",
    "pipeline": "images data training jobs detection runs results correction",
    "benchmarking": "noise data training detection runs results pipeline",
    "comparison": "data detection runs results",
    "api": "data training detection runs results correction reporting gating pipeline benchmarking comparison",
    "cli": "images data training jobs detection runs results correction reporting gating pipeline benchmarking "
    "comparison api",
}
"""Each package and the packages that it may import from, beside the ground; siblings have no order."""
ALONE = {
    "rich": "cli.console",
    "cleanlab": "detection.detectors.confident_learning",
    "charset_normalizer": "data.readers.encodings",
    "skrub": "training.encoders.columns",
    "matplotlib": "benchmarking.plot",
    "jinja2": "reporting.formats.html",
    "markupsafe": "reporting.formats.html",
    "msgspec": "benchmarking.runs jobs.done_mark runs.files",
    "platformdirs": "images.cache",
    "simplejpeg": "images.jpeg",
    "fsspec": "files.storage",
    "tenacity": "files.storage",
    "openvino": "training.engines.openvino",
}
"""Packages, and the modules that alone import each."""

SETS_A_VARIABLE = {"training.device"}
"""cuBLAS has no other switch for results that can be repeated."""


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[:2] != "__"}


NODES = {name: tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for name, path in MODULES.items()}


def imports(name):
    """Yield every module that a module imports, wherever in it."""
    for node in NODES[name]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name.removeprefix("labelscan.") in MODULES else str(node.module) for name in members)


def layer_of(name):
    return name.partition(".")[0]


def test_every_name_at_the_top_has_its_layer():
    found = {entry.stem for entry in PACKAGE.iterdir() if entry.suffix in ("", ".py") and entry.stem[:2] != "__"}
    assert found - {"configs"} == {*GROUND.split(), *LAYERS}  # configs/ is there in a wheel alone


def test_a_package_imports_only_what_its_layer_may():
    wrong = []
    for name in MODULES:
        layer = layer_of(name)
        allowed = {*GROUND.split(), layer, *LAYERS.get(layer, "").split()}
        for imported in imports(name):
            package, _, rest = imported.partition(".")
            if package == "labelscan" and rest and layer_of(rest) not in allowed:
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_public_names_are_loaded_on_first_use_from_where_type_checkers_see_them():
    assert "detect" in dir(labelscan)
    assert all(hasattr(labelscan, name) for name in labelscan.__all__)
    assert labelscan.detect.__module__ == "labelscan.pipeline.detect"


def test_wrapped_packages_are_imported_by_their_wrapper_alone():
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        for imported in imports(name)
        if name not in ALONE.get(imported.partition(".")[0], name).split()
    ]
    assert not wrong


def test_nothing_below_the_command_line_prints_exits_or_reads_the_environment():
    wrong = [
        f"{name}:{node.lineno}"
        for name, nodes in NODES.items()
        if not name.startswith("cli") and name not in SETS_A_VARIABLE
        for node in nodes
        if (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit")
        )
        or (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
    ]
    assert not wrong
