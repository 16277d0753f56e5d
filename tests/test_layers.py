"""A file imports only from files listed above it: a run can be read from top to bottom, and nothing goes round."""

import ast
from pathlib import Path

import labelscan

PACKAGE = Path(labelscan.__file__).parent
LINE = """
    errors wording printable arrays events registry atomic growing_array config run_folder
    label_moves noise_matrix noise dataset
    readers.splits readers.sheet prob_columns readers.columns readers.results readers.class_folders readers.manifest
    readers.table readers.arrays readers.torchvision_set readers.demo readers
    probabilities
    decoding native_sizes store
    dropout device batches recipe
    models.backbones models.small_cnn models.torchvision_model models.timm_model models.mlp models.frozen_backbone
    models
    losses.regularisation losses.by_classes losses.weak_start losses.cross_entropy losses.focal losses.blurry
    losses.piecewise_zero losses.generalized_cross_entropy losses.mean_absolute_error losses.reverse_cross_entropy
    losses.weighted_sum losses.symmetric_cross_entropy losses.normalized_cross_entropy losses.normalized_focal
    losses.active_passive losses.active_negative losses.asymmetric_generalized_cross_entropy
    losses.asymmetric_unhinged losses.asymmetric_exponential losses.taylor_cross_entropy losses.early_learning losses
    schedule
    folds margins training fold_job learners given_model
    executors.local executors
    threshold_runs evidence noise_channel
    detection detectors.confident_learning detectors.noise_posterior detectors.aum detectors
    metrics issues health planted_errors self_check summary scoreboard
    reports reports.csv_report reports.json_report reports.plot_report
    finished_run source decisions only_read corrections label_studio
    label_lists.rows label_lists.delimited label_lists.json_lines label_lists.parquet label_lists.numpy_arrays
    label_lists.image_files label_lists.images_in_memory label_lists.link_folders label_lists applying
    report_page reports.markdown reports.markdown_report reports.html_report
    reports.label_studio_report
    repository baseline verdict gating reports.gate_json reports.gate_markdown reports.junit_report reports.sarif_report
    reports.github_report
    pairing comparison
    intervals run_facts pictures typical_examples standing_out reporting review_server judging
    identical threshold_jobs planning inputs estimate pipeline scoring benchmark_plan cells benchmarking api
    cli.completion cli.help_pages cli.console cli.progress cli.suspects_table cli.run_screen cli.benchmark_screen
    cli.diff_screen cli.report_screen cli.apply_screen cli.gate_screen
    cli.options cli.option_values cli.detect cli.score cli.report cli.apply cli.gate cli.benchmark cli.diff cli.listing
    cli __main__
"""
ORDER = LINE.split()
ALONE = {
    "rich": "cli.console",
    "cleanlab": "detectors.confident_learning",
    "pyarrow": "readers.sheet",
    "matplotlib": "reports.plot_report",
    "jinja2": "reports.html_report",
    "markupsafe": "reports.html_report",
}
"""Packages that one module alone imports."""

SETS_A_VARIABLE = {"device"}
"""cuBLAS has no other switch for results that can be repeated."""


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__"}


def imports(path):
    """Yield every module that a file imports, wherever in it, and with each package the members taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            of_modules = [member for member in members if member.removeprefix("labelscan.") in MODULES]
            # `from labelscan.cli import console` needs the module, not what the package's __init__ is made of.
            yield from of_modules
            if len(of_modules) < len(members):
                yield str(node.module)


def test_every_file_has_its_place_in_the_order():
    assert sorted(ORDER) == sorted(MODULES)


def test_a_file_imports_only_from_files_above_it():
    wrong = [
        f"{name} imports {imported}"
        for name in ORDER
        for imported in imports(MODULES[name])
        if (other := imported.removeprefix("labelscan.")) != imported and ORDER.index(other) >= ORDER.index(name)
    ]
    assert not wrong


def test_wrapped_packages_are_imported_by_their_wrapper_alone():
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        for imported in imports(path)
        if ALONE.get(imported.partition(".")[0], name) != name
    ]
    assert not wrong


def test_nothing_below_the_command_line_prints_exits_or_reads_the_environment():
    wrong = [
        f"{name}:{node.lineno}"
        for name, path in MODULES.items()
        if not name.startswith(("cli", "__main__")) and name not in SETS_A_VARIABLE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit")
        )
        or (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
    ]
    assert not wrong
