"""A report that saves decisions as they are made: one page and one file, served to this machine alone during a review.

Other users of the machine and other pages in the browser have no access: the path contains a secret, and requests must
name this host and come from this page. Decisions go straight into decisions.csv of the run. If another program, such as
a spreadsheet, has changed the file meanwhile, the page's request is refused and the page reads the file again instead
of overwriting it. A page that has read the file speaks for all of it, including examples that it does not show. A file
with other columns, such as notes, is copied under a new name before it is overwritten.
"""

import hashlib
import html
import json
import os
import re
import secrets
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import chain, count
from pathlib import Path
from socketserver import ThreadingTCPServer

from labelscan.correction.decisions import (
    Decision,
    check_decisions,
    decisions_of,
    has_more,
    read_decisions,
    record_of,
    write_decisions,
)
from labelscan.errors import DecisionsError, DiskError, RunFolderError, UsageError
from labelscan.files.atomic import replacing_bytes
from labelscan.runs.files import refuse_outside_links

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""The names that a browser may use for this machine; any other belongs to a website that points its name here."""
HTTP_PORT = 80
USUAL_PORTS = range(61_000, 65_536)
"""Above the ports that Linux gives to outgoing connections."""
ELSEWHERE = "there is nothing here: if labelscan was restarted, open the address that it printed"
MOST_BYTES = 32 << 20
MOST_DIGITS = 18
"""More digits than any length has that is taken."""
DIGITS = re.compile(r"[0-9]+")
SECONDS = 30
"""How long a connection may be silent."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


class Conflict(Exception):  # noqa: N818  # nothing went wrong: the page has to read again
    """The file has changed since the page read it."""


class DecisionsFile:
    """decisions.csv of a run, read and written whole; it need not exist yet."""

    def __init__(self, path: Path, given_labels: Mapping[str, str]) -> None:
        self.path = path
        self._given_labels = given_labels
        self._lock = threading.Lock()

    @property
    def can_be_written(self) -> bool:
        """Return whether decisions can be saved; the run may be in a read-only place."""
        return os.access(self.path.parent, os.W_OK)

    def read(self) -> tuple[list[Decision], str]:
        """Return the decisions and a tag that changes with the file.

        Raises:
            DecisionsError: the file cannot be read, or is about other data.
        """
        with self._lock:
            tag = self._tag()
            if not self.path.exists():
                return [], tag
            decisions = read_decisions(self.path)
            check_decisions(decisions, self._given_labels, where=str(self.path))
            return decisions, tag

    def write(self, decisions: Sequence[Decision], tag: str) -> str:
        """Replace the decisions in the file and return its new tag.

        Raises:
            Conflict: ``tag`` is out of date.
            DecisionsError: the decisions are about other data.
            RunFolderError: the file is a link that leads out of the run folder.
        """
        check_decisions(decisions, self._given_labels, where=self.path.name)
        with self._lock:
            refuse_outside_links(self.path.parent, [self.path])
            if tag != self._tag():
                raise Conflict
            if self.path.exists() and has_more(self.path):
                ends = chain([""], map("-{}".format, count(2)))
                copies = (self.path.with_stem(f"{self.path.stem}-before{end}") for end in ends)
                with replacing_bytes(next(copy for copy in copies if not os.path.lexists(copy))) as file:
                    file.write(self.path.read_bytes())
            write_decisions(decisions, self.path)
            return self._tag()

    def _tag(self) -> str:
        content = self.path.read_bytes() if self.path.exists() else b""
        return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


class ReviewServer(ThreadingTCPServer):
    """Serves one page, and its decisions.

    Args:
        render: makes the page, given the path at which it reads and saves decisions.
        decisions: their file.
        port: 0 means the usual port of this file, or any free one if that is taken. Browsers keep unsaved decisions by
            host and port, so a restarted server receives what the last one missed.

    Raises:
        UsageError: the port is taken.
        DecisionsError: existing decisions cannot be read or are about other data.
        RunFolderError: their file is a link that leads out of the run folder.
    """

    allow_reuse_address = sys.platform != "win32"  # there it would let two servers have one port
    daemon_threads = True

    def __init__(self, render: Callable[[str], str], decisions: DecisionsFile, *, port: int = 0) -> None:
        refuse_outside_links(decisions.path.parent, [decisions.path])
        decisions.read()
        self.decisions = decisions
        self.token = secrets.token_urlsafe(24)
        self.page = render(f"/{self.token}/decisions").encode()
        self.usual_port_is_taken = False
        usual_port = USUAL_PORTS[zlib.crc32(os.fsencode(decisions.path.absolute())) % len(USUAL_PORTS)]
        try:
            super().__init__((HOST, port or usual_port), _Handler)
        except (OSError, OverflowError) as error:
            if port:
                problem = f"port {port} cannot be taken ({error})"
                raise UsageError("port-taken", problem, hint="choose another by --port") from error
            self.usual_port_is_taken = True
            super().__init__((HOST, 0), _Handler)
        self.port: int = self.server_address[1]

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser may go away in the middle of an answer."""


@contextmanager
def way_in(folder: Path, url: str) -> Iterator[str]:
    """Yield the address of a file in ``folder`` that redirects a browser to ``url``, and delete the file at the end.

    All users of the machine can see the command line of a browser, but the path of the page is a secret; only its owner
    can read this file. It is in the run folder because some browsers have no access to temporary files.
    """
    handle, name = tempfile.mkstemp(prefix="review-", suffix=".html", dir=folder)
    file = Path(name)
    try:
        os.close(handle)
        file.write_text(f'<!doctype html>\n<meta http-equiv="refresh" content="0; url={html.escape(url)}">\n')
        yield file.absolute().as_uri()
    finally:
        file.unlink(missing_ok=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # an answer to a request without a version has a status too
    timeout = SECONDS
    server: ReviewServer

    def do_GET(self) -> None:
        if self._refused(writes=False):
            return
        if self.path == f"/{self.server.token}/":
            self._answer(HTTPStatus.OK, self.server.page, kind="text/html; charset=utf-8")
        elif self.path == f"/{self.server.token}/decisions":
            self._read()
        else:
            self._hang_up(HTTPStatus.NOT_FOUND, ELSEWHERE)

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        if self._refused(writes=True):
            return
        digits = self.headers.get("Content-Length", "").lstrip("0")
        length = int(digits or 0) if len(digits) < MOST_DIGITS else MOST_BYTES + 1
        if self.path != f"/{self.server.token}/decisions":
            self._hang_up(HTTPStatus.NOT_FOUND, ELSEWHERE)
        elif "Content-Length" not in self.headers:
            self._hang_up(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing")
        elif length > MOST_BYTES:
            self._hang_up(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_BYTES:,} bytes")
        elif len(body := self.rfile.read(length)) < length:
            self._hang_up(HTTPStatus.BAD_REQUEST, "the body is shorter than Content-Length")
        else:
            self._write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what the standard library could not read, and close the connection: the next request is lost."""
        self._hang_up(HTTPStatus(code), HTTPStatus(code).phrase)

    def _read(self) -> None:
        try:
            decisions, tag = self.server.decisions.read()
        except DecisionsError as error:
            self._answer(HTTPStatus.CONFLICT, f"{error}\n".encode())
            return
        body = json.dumps([record_of(one) for one in decisions]).encode()
        self._answer(HTTPStatus.OK, body, kind="application/json", tag=tag)

    def _write(self, body: bytes) -> None:
        tag = self.headers.get("If-Match")
        if tag is None:
            self._answer(HTTPStatus.PRECONDITION_REQUIRED, b"If-Match is missing\n")
            return
        try:
            new_tag = self.server.decisions.write(decisions_of(json.loads(body), where="the page"), tag)
        except Conflict:
            self._answer(HTTPStatus.PRECONDITION_FAILED, b"the file has changed: read it again\n")
        # ValueError: not JSON; RecursionError: too deep
        except (DecisionsError, RunFolderError, ValueError, RecursionError) as error:
            self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error}\n".encode())
        except (OSError, DiskError) as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"cannot be saved ({error})\n".encode())
        else:
            self._answer(HTTPStatus.NO_CONTENT, tag=new_tag)

    def _refused(self, *, writes: bool) -> bool:
        """Refuse a request that is not from this page in a browser on this machine; return whether it was refused."""
        if self.request_version == "HTTP/0.9":
            self._hang_up(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "use a newer version of HTTP")
            return True
        if fault := _fault_of(self.path, self.headers, may_have_body=writes):
            self._hang_up(HTTPStatus.BAD_REQUEST, fault)
            return True
        hosts = [f"{name}:{self.server.port}" for name in NAMES]
        hosts += NAMES if self.server.port == HTTP_PORT else ()  # browsers leave this port out
        origins = [f"http://{host}" for host in hosts]
        if self.headers.get("Host") not in hosts:
            self._hang_up(HTTPStatus.MISDIRECTED_REQUEST, "this is not that host")
        elif self.headers.get("Origin", origins[0]) not in origins or (
            writes and self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"
        ):
            self._hang_up(HTTPStatus.FORBIDDEN, "other pages have no access")
        else:
            return False
        return True

    def _hang_up(self, status: HTTPStatus, words: str) -> None:
        """Answer and close the connection without reading what the other side still sends."""
        self.close_connection = True
        self._answer(status, f"{words}\n".encode())

    def _answer(
        self, status: HTTPStatus, body: bytes = b"", *, kind: str = "text/plain; charset=utf-8", tag: str = ""
    ) -> None:
        self.request_version = max(self.request_version, "HTTP/1.0")  # answers to an older one have no status
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if tag:
            self.send_header("ETag", tag)
        if self.close_connection:
            self.send_header("Connection", "close")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Return the name alone, without the version of Python."""
        return "labelscan"

    def log_message(self, format: str, *args: object) -> None:  # as the standard library calls it
        """Say nothing: the page shows what was saved."""


def _fault_of(path: str, headers: Message, *, may_have_body: bool) -> str:
    """Return what is wrong with the form of a request that two programs might read in two ways, if anything.

    The standard library takes what it can: the first of two headers, a header that is no header, a path with a host.
    """
    lengths, is_coded = headers.get_all("Content-Length", []), "Transfer-Encoding" in headers
    # What follows a line that is no header is left in the payload.
    if headers.defects or headers.get_payload():
        return "the headers cannot be read"
    if len(headers.get_all("Host", [])) != 1:
        return "there has to be one Host"
    if not path.startswith("/"):
        return "the path has to begin with /"
    if len(lengths) > 1 or not all(DIGITS.fullmatch(length) for length in lengths):
        return "Content-Length has to be one number"
    if is_coded and lengths:
        return "Content-Length and Transfer-Encoding exclude each other"
    if (is_coded or any(length.strip("0") for length in lengths)) and not may_have_body:
        return "there may be no body"
    return ""
