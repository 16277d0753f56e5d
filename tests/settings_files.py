"""What is made from the declarations of settings for editors and users: a JSON schema, and configs/default.toml."""

import json
import textwrap
from typing import Any, get_args

from labelscan.config import Setting, settings
from labelscan.registry import shown

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
OPENING = """\
# labelscan detect DATA --config default
# Every setting with its default, to be copied and changed.
"""
WIDTH = 116


def schema() -> str:
    """Return the JSON schema (draft 7, which taplo and VS Code know) of a TOML file of settings."""
    properties: dict[str, Any] = {}
    for key, one in settings().items():
        section, _, name = key.rpartition(".")
        if not section:
            properties[name] = value_schema(one)
            continue
        table = properties.setdefault(section, {"type": "object", "additionalProperties": False, "properties": {}})
        table["properties"][name] = value_schema(one)
    content = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of labelscan",
        "description": "A file for --config; in pyproject.toml the table tool.labelscan.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(content, indent=2) + "\n"


def value_schema(one: Setting) -> dict[str, Any]:
    """Return the schema of one value."""
    if one.is_list:
        several = {"type": "array", "items": {"type": "string"}, "minItems": min(len(one.default), 1)}
        kinds = [{"type": "string"}, several]
        return {"description": one.help, "default": list(one.default), "anyOf": kinds}
    may_be_none = type(None) in get_args(one.kind)
    kind = next((kind for kind in get_args(one.kind) if kind in TYPES), one.kind)
    value: dict[str, Any] = {"enum": list(one.choices)} if one.choices else {"type": TYPES[kind]}
    value |= {} if one.minimum is None else {"minimum": one.minimum}
    value |= {} if one.maximum is None else {"maximum": one.maximum}
    about: dict[str, Any] = {"description": one.help, "default": "none" if one.default is None else one.default}
    return about | ({"anyOf": [value, {"const": "none"}]} if may_be_none else value)


def default_config() -> str:
    """Return configs/default.toml."""
    lines, section = [OPENING.rstrip()], ""
    for key, one in sorted(settings().items(), key=lambda item: "." in item[0]):  # keys of no section come first
        begins, _, name = key.rpartition(".")
        if begins != section:
            section = begins
            lines += ["", f"[{section}]"]
        words = f"{one.help} Default: {one.default_is}." if one.default_is else one.help
        lines += ["", *textwrap.wrap(words, WIDTH, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"{name} = {toml(one.default)}")
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, str) or value is None:
        return json.dumps(value or ("none" if value is None else ""))
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return shown(value) if isinstance(value, bool) else repr(value)
