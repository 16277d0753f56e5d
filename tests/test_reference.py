"""The reference is what the code says, and so are the tables of the README that are marked as made from it."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
import reference
import settings_files
from typer.main import get_command
from typer.testing import CliRunner

import labelscan
from labelscan.config import shipped_configs
from labelscan.reporting.formats import FILE_NAMES, FORMATS
from labelscan.reporting.formats.label_studio import interface_path
from labelscan.results.summary import Summary
from labelscan.runs.files import OWN_FILES
from labelscan.runs.record import RunRecord

ROOT = Path(__file__).parent.parent
ANYTHING = {"description": "any value"}
MARKED = re.compile(r"(<!-- (\w+): made from code by make golden -->\n).*?(<!-- end -->)", re.DOTALL)


def help_pages():
    from labelscan.cli import app

    names = get_command(app).commands
    run = CliRunner().invoke
    return {name: run(app, [name, "--help"], prog_name="labelscan", terminal_width=100).output for name in names}


def test_the_reference_is_up_to_date(golden):
    golden(ROOT / ".github" / "REFERENCE.md", reference.reference(help_pages()))


def test_the_files_of_settings_are_up_to_date(golden):
    golden(ROOT / "configs" / "labelscan.schema.json", settings_files.schema())
    golden(ROOT / "configs" / "default.toml", settings_files.default_config())


@pytest.mark.parametrize(("name", "record"), [("run", RunRecord), ("summary", Summary)])
def test_the_schemas_of_what_a_run_writes_are_up_to_date_and_followed(golden, tmp_path, name, record):
    schema = msgspec.json.schema(record, schema_hook=lambda _: ANYTHING)
    golden(ROOT / ".github" / f"{name}.schema.json", f"{json.dumps(schema, indent=2)}\n")
    labelscan.score(np.tile([[0.9, 0.1], [0.2, 0.8]], (9, 1)), np.arange(18) % 2, output=tmp_path / "run")
    jsonschema.validate(json.loads((tmp_path / "run" / f"{name}.json").read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_an_editor_takes_every_config_that_comes_with_labelscan(name):
    content = tomllib.loads(shipped_configs()[name].read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads(settings_files.schema()))


@pytest.mark.parametrize(
    "text", ["[fold]", "[folds]\nn_fold = 3", "[folds]\nn_folds = 1", "[device]\nprecision = 'half'", "seed = 'a'"]
)
def test_an_editor_marks_what_labelscan_refuses(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), json.loads(settings_files.schema()))


def test_the_tables_of_the_readme_are_up_to_date(golden):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = {"commands": lambda: reference.table(("command", "what it does"), reference.commands())}
    golden(ROOT / "README.md", MARKED.sub(lambda found: f"{found[1]}{made[found[2]]()}\n{found[3]}", readme))


def test_every_report_in_a_run_folder_is_known_as_a_file_of_the_run():
    tasks = FORMATS["label-studio"].file_name
    assert {*FILE_NAMES, interface_path(Path(tasks)).name} <= OWN_FILES.keys()
