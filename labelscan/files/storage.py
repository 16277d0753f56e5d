"""Files in buckets and on servers, read and written by fsspec: tried again where a storage fails for a moment.

A file that is not there is its reader's to judge. Whatever else a storage fails with, for longer than a moment, ends in
one error: an outage, or credentials that have run out, must not look like a data set of broken images. Credentials are
those that fsspec finds in the environment and in its own configuration.
"""

import contextlib
import errno
import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from labelscan.errors import DatasetError, RunError, StorageError
from labelscan.files.urls import WEB, protocol_of, without_query

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_last_warned = float("-inf")
"""When a warning was last logged that a storage does not answer."""

RETRY_SECONDS = 60.0
"""Seconds from the first try of a read on, after which no other is made."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before the second try, about twice as many before each later one, and the most."""
TRY_SECONDS = 30.0
"""What one try to read a piece may take where the storage lets a try be cut off: an answer that never comes."""
READS_AT_ONCE = 32
"""A read waits for the network, hardly ever for a core."""
SAYS_FROM = 3
"""The try from which on a failure is logged, at most once in ``RETRY_SECONDS``: one or two are usual."""
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "hf": "hf", "http": "http", "https": "http"}
"""The extra that brings the library of a protocol."""
_NEVER_PASSES = (errno.EINVAL, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""System errors that another try meets again: a request that makes no sense, and a disk that has no room for a copy."""
_FINAL = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    NotImplementedError,
    ImportError,
    MemoryError,
    StorageError,
)
_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound")
"""How botocore calls it where it finds none."""
_MAYBE_LATER = (408, 425, 429)
"""Answers of a web server to a request that it may grant another time; others below 500 are final."""
_MARKS = ("ETag", "etag", "md5Hash", "blob_id", "mtime", "LastModified", "last_modified", "created")
"""What listings say of a file that changes with its content, the best first."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a listing says of a file; -1 where it does not."""

    size: int = -1
    """In bytes."""
    mark: int = -1
    """A number that changes with the content."""


def read(url: str, start: int | None = None, end: int | None = None) -> bytes:
    """Return a file, or its bytes from ``start`` to before ``end``.

    Raises:
        FileNotFoundError: it is not there.
        StorageError: the storage did not give it, or gave another number of bytes.
    """

    def read_piece(system: Any, path: str) -> bytes:
        cut_off = {"timeout": TRY_SECONDS} if system.async_impl else {}
        content = bytes(system.cat_file(path, start=start, end=end, **cut_off))
        if start is not None and end is not None and len(content) != end - start:
            raise OSError(f"asked for {end - start:,} bytes, it gave {len(content):,}: perhaps it cannot give parts")
        return content

    return _with_retries(url, read_piece)


def status(url: str) -> Status:
    """Return what is known of one file, or raise FileNotFoundError or StorageError."""

    def ask(system: Any, path: str) -> Status:
        system.invalidate_cache()
        return _status(system.info(path))

    return _with_retries(url, ask)


def files_below(url: str, *, depth: int | None = None) -> dict[str, Status]:
    """Return all files in a folder and its folders, by their paths relative to it; none where there is no such folder.

    It is one listing, not a request for each file. With a ``depth`` of 1, those in its folders are left out.
    """

    def ask(system: Any, path: str) -> dict[str, Status]:
        system.invalidate_cache()
        try:
            found = system.find(path, maxdepth=depth, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        top = path.rstrip("/") + "/"
        is_web = protocol_of(url) in WEB  # whose listings are pages of links
        named = {unquote(name) if is_web else name: one for name, one in found.items()}
        inside = {name[len(top) :]: one for name, one in named.items() if name.startswith(top) and name[-1:] != "/"}
        return {name: _status(one) for name, one in inside.items()}

    return _with_retries(url, ask)


def copy(url: str, to: Path) -> None:
    """Copy a whole file to this machine.

    Raises:
        FileNotFoundError: it is not there.
        StorageError: the storage did not give it.
        RunError: the disk has no room for it.
    """
    _with_retries(url, lambda system, path: system.get_file(path, str(to)))


def upload(path: Path, url: str) -> None:
    """Copy a file of this machine to an address.

    Raises:
        FileNotFoundError: it is gone.
        StorageError: the storage did not take it.
    """
    _with_retries(url, lambda system, there: system.put_file(str(path), there))


def delete(url: str) -> None:
    """Delete a file, if it is there."""

    def remove(system: Any, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            system.rm_file(path)

    _with_retries(url, remove)


def _status(info: Mapping[str, Any]) -> Status:
    size = info.get("size")
    known = next((info[key] for key in _MARKS if info.get(key)), None)
    digest = hashlib.blake2b(repr(known).encode(), digest_size=8).digest()
    mark = -1 if known is None else int.from_bytes(digest, "big") >> 1  # fits into an int64, and is not negative
    return Status(-1 if size is None else int(size), mark)


def _opened(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address and the path in it, or raise DatasetError where it has none."""
    from fsspec.core import url_to_fs

    protocol = protocol_of(url)
    try:
        system, path = url_to_fs(url, **_options(protocol))
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        hint = f"pip install 'labelscan[{extra}]'" if extra else " ".join(str(error).split())
        problem = f"no library is installed that reads {protocol}://"
        raise DatasetError("not-installed", problem, where=without_query(url), hint=hint) from error
    except ValueError as error:
        if "not known" not in str(error):
            raise
        hint = "use one of fsspec, such as s3, gs, hf or https"
        raise DatasetError(
            "unknown-protocol", f"no protocol is called {protocol!r}", where=without_query(url), hint=hint
        ) from error
    return system, str(path)


def _options(protocol: str) -> dict[str, Any]:
    """Return the options of a file system besides its configuration: the web waits for silence, not for large files."""
    from fsspec.config import conf

    if protocol not in WEB or "client_kwargs" in conf.get(protocol, {}):
        return {}
    try:
        from aiohttp import ClientTimeout
    except ImportError:  # of which fsspec says more
        return {}
    return {"client_kwargs": {"timeout": ClientTimeout(total=None, sock_connect=TRY_SECONDS, sock_read=TRY_SECONDS)}}


def _with_retries(url: str, work: Callable[[Any, str], T]) -> T:
    """Return what ``work`` returns for the file system and path of an address, tried again for ``RETRY_SECONDS``."""
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential, wait_random

    def warn(state: RetryCallState) -> None:
        global _last_warned  # by any read: an outage meets all of them
        error, now = state.outcome and state.outcome.exception(), time.monotonic()
        if state.attempt_number >= SAYS_FROM and now - _last_warned >= RETRY_SECONDS:
            _last_warned = now
            say = "%s: the storage does not answer (%s); it is asked again for up to %.0f s"
            _LOG.warning(say, without_query(url), type(error).__name__, RETRY_SECONDS)

    tries = Retrying(
        stop=stop_after_delay(RETRY_SECONDS),
        wait=wait_exponential(FIRST_WAIT, LONGEST_WAIT) + wait_random(0, FIRST_WAIT),
        retry=retry_if_exception(_may_pass),
        before_sleep=warn,
        reraise=True,
    )
    try:
        return tries(lambda: work(*_opened(url)))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):  # each library has words of its own for it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), without_query(url)) from None
    except (FileExistsError, MemoryError, DatasetError, StorageError):
        raise
    except Exception as error:  # each storage has errors of its own
        # What a library says of a web address may have its query.
        raise _given_up(url, error) from (error if without_query(url) == url else None)


def _may_pass(error: BaseException) -> bool:
    """Return whether another try may end better."""
    if not isinstance(error, Exception) or isinstance(error, (*_FINAL, DatasetError)):
        return False
    if type(error).__name__ in _CREDENTIALS or getattr(error, "errno", None) in _NEVER_PASSES:
        return False
    answer = getattr(error, "status", None)
    return not (isinstance(answer, int) and 400 <= answer < 500 and answer not in _MAYBE_LATER)


def _given_up(url: str, error: Exception) -> RunError:
    where, number = without_query(url), getattr(error, "errno", None)
    text = without_query(" ".join(str(error).split())) or type(error).__name__
    if number in _NEVER_PASSES and number != errno.EINVAL:
        return RunError(
            "no-space", f"cannot be copied to this machine ({text})", where=where, hint="set TMPDIR to a roomier disk"
        )
    is_denied = isinstance(error, PermissionError) or getattr(error, "status", None) in (401, 403)
    if is_denied or type(error).__name__ in _CREDENTIALS:
        hint = "check the credentials that fsspec finds in the environment, ~/.aws and ~/.config/fsspec"
        return StorageError("access-refused", f"the storage refuses access ({text})", where=where, hint=hint)
    hint = "check the network and the storage, then give the same command again; --workers sets the reads at once"
    return StorageError(
        "storage-unavailable", f"the storage does not answer ({type(error).__name__}: {text})", where=where, hint=hint
    )
