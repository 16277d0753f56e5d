"""Addresses of data that lies elsewhere, such as ``s3://bucket/train.csv``: recognised, joined, and written down.

Credentials are never in them, since addresses end up in tables and messages. A signature in the query of a web address
gives access too, so that what is written down has no query.
"""

import posixpath
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from labelscan.errors import ConfigError

WEB = ("http", "https")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\")]*", re.IGNORECASE)
"""A web address with its query, anywhere in a text."""
HERE = ("file", "local")
"""Protocols of this machine."""


def is_url(text: str) -> bool:
    """Return whether a text is an address, and not a path."""
    return "://" in text and _ADDRESS.match(text) is not None  # a million paths are asked about


def protocol_of(url: str) -> str:
    """Return what an address begins with, such as ``s3``."""
    return url.partition("://")[0].lower()


def without_query(text: str) -> str:
    """Return a text as it may be written down: web addresses in it without their queries."""
    return _QUERY.sub(r"\1", text)


def check_data_url(url: str, *, where: str) -> None:
    """Raise ConfigError for an address with credentials in it, or of a kind that is no place of data."""
    if protocol_of(url) in HERE:
        raise ConfigError(
            "address-of-local-file", "this is an address of a file on this machine", where=where, hint="give its path"
        )
    if "::" in url:
        raise ConfigError(
            "address-in-address",
            "addresses inside addresses are not read",
            where=where,
            hint="unpack the archive first",
        )
    if holds_password(url):
        hint = "take it out; fsspec finds credentials in the environment, ~/.aws and ~/.config/fsspec"
        raise ConfigError("password-in-address", "this address holds a user and password", where=where, hint=hint)
    if without_query(url) != url:
        problem = f"the query of {without_query(url)} may be a signature, which would be written into the run"
        hint = "give the address without it and the credentials by fsspec's own settings, or fetch the file first"
        raise ConfigError("not-an-address", problem, where=where, hint=hint)


def holds_password(url: str) -> bool:
    """Return whether an address names a user with a password, or on the web a user alone, which may be a token."""
    user = urlsplit(url).netloc.rpartition("@")[0]
    return ":" in user or bool(user and protocol_of(url) in WEB)


def folder_of(url: str) -> str:
    """Return the address of the folder that a file is in."""
    protocol, _, rest = url.partition("://")
    return f"{protocol}://{rest.rpartition('/')[0]}"


def name_of(url: str) -> str:
    """Return the last part of an address, such as ``train.csv``."""
    return without_query(url).partition("://")[2].rstrip("/").rpartition("/")[2]


def joined(folder: str, name: str) -> str:
    """Return the address of the file ``name``, an address itself or relative to that of ``folder``."""
    if is_url(name):
        return name
    protocol, _, rest = folder.partition("://")
    place = posixpath.normpath(posixpath.join(rest, quote(name) if protocol.lower() in WEB else name))
    return f"{protocol}://{place}"


def place_of(folder: Path | str, name: str) -> str:
    """Return the path or address of the file ``name``, which may be relative to ``folder``, as it is written down."""
    if isinstance(folder, str) or is_url(name):
        return without_query(joined(str(folder), name))
    return str(folder / name)


def relative(url: str, folder: str) -> str:
    """Return an address relative to that of ``folder`` if it is inside, else as it may be written down."""
    return without_query(url).removeprefix(f"{folder.rstrip('/')}/")
