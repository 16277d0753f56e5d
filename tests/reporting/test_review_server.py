"""The review server: decisions are saved as they are made, and no one else has access."""

import contextlib
import http.client
import json
import os
import socket

import pytest
import served
from refusals import refuses

from labelscan.correction.decisions import Decision, read_decisions, write_decisions
from labelscan.errors import UsageError
from labelscan.reporting.review_server import HOST, MOST_BYTES, DecisionsFile, way_in

GIVEN = {"0.png": "cat", "1.png": "dog", "far down.png": "cat"}
KEEP = {"example_id": "0.png", "decision": "keep", "new_label": "", "time": "", "given_label": "cat"}
RELABEL = {"example_id": "1.png", "decision": "relabel", "new_label": "=cat", "time": "2026-01-02T03:04:05Z"}


def serving(path, **options):
    return served.serving(lambda save_to: f"<p>{save_to}", path, GIVEN, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.csv"


@pytest.fixture
def server(path):
    with serving(path) as server:
        yield server


def ask(server, method="GET", place="decisions", body=None, *, token=None, port=None, **headers):
    """Return status, headers and body of an answer."""
    with contextlib.closing(http.client.HTTPConnection(HOST, port or server.port, timeout=5)) as connection:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/{token or server.token}/{place}", body, sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def put(server, decisions, tag=None, **headers):
    """Return what ``ask`` does, of a page that has just read the decisions or knows their ``tag``."""
    tag = tag or ask(server)[1]["ETag"]
    return ask(server, "PUT", body=json.dumps(decisions), If_Match=tag, Content_Type="application/json", **headers)


def test_the_page_knows_where_to_save(server):
    status, headers, body = ask(server, place="")
    assert (status, body) == (200, f"<p>/{server.token}/decisions".encode())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "labelscan" in headers["Server"]
    assert server.url == f"http://127.0.0.1:{server.port}/{server.token}/"
    assert ask(server, "HEAD", place="")[::2] == (200, b"")


def test_decisions_are_saved_and_read_back(server, path):
    status, headers, body = ask(server)
    assert (status, json.loads(body)) == (200, [])
    status, headers, body = put(server, [KEEP, RELABEL], headers["ETag"])
    assert (status, body) == (204, b"")
    saved = read_decisions(path)
    assert [(one.example_id, one.verdict, one.new_label) for one in saved] == [
        ("0.png", "keep", ""),
        ("1.png", "relabel", "=cat"),
    ]
    status, again, body = ask(server)
    assert again["ETag"] == headers["ETag"]
    assert json.loads(body) == [KEEP, {**RELABEL, "given_label": None}]
    assert put(server, [KEEP])[0] == 204
    assert [one.example_id for one in read_decisions(path)] == ["0.png"]


def test_changes_of_another_program_are_not_overwritten(server, path):
    _, headers, _ = ask(server)
    write_decisions([Decision(example_id="1.png", verdict="drop")], path)
    before = path.read_bytes()
    assert put(server, [KEEP], headers["ETag"])[0] == 412
    assert path.read_bytes() == before
    assert json.loads(ask(server)[2])[0]["decision"] == "drop"
    assert put(server, [KEEP])[0] == 204


def test_a_page_speaks_for_all_that_it_has_read(path):
    write_decisions([Decision(example_id=name, verdict="unsure") for name in ("far down.png", "1.png")], path)
    with serving(path) as server:
        (far_down, _) = json.loads(ask(server)[2])
        assert far_down["example_id"] == "far down.png"
        assert put(server, [KEEP, far_down])[0] == 204
    assert [one.example_id for one in read_decisions(path)] == ["0.png", "far down.png"]


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[1]",
        "no json",
        b"\xff",
        json.dumps([{**KEEP, "decision": "perhaps"}]),
        json.dumps([{**KEEP, "example_id": "other.png"}]),
        json.dumps([{**KEEP, "given_label": "dog"}]),
        json.dumps([{**RELABEL, "new_label": ""}]),
        json.dumps([{**KEEP, "time": 3}]),
        "[" * 100_000,
    ],
)
def test_anything_but_decisions_about_this_run_is_refused(server, path, body):
    _, headers, _ = ask(server)
    assert ask(server, "PUT", body=body, If_Match=headers["ETag"])[0] == 422
    assert not path.exists()


def test_another_path_or_token_is_not_found(server):
    for place, token in (("", "guess"), ("decisions", "guess"), ("../run.json", None), ("", f"{server.token}x")):
        assert ask(server, place=place, token=token)[0] == 404
    assert ask(server, "PUT", place="run.json", body="[]", If_Match='"x"')[0] == 404
    assert ask(server, "POST", body="[]")[0] == 501
    assert ask(server, "DELETE")[0] == 501


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:{port}", "localhost.evil.example:{port}"])
def test_another_name_for_this_machine_is_refused(server, host):
    assert ask(server, place="", Host=host.format(port=server.port))[0] == 421
    assert ask(server, place="", Host=f"localhost:{server.port}")[0] == 200


def test_the_port_of_http_may_be_left_out(server):
    port, server.port = server.port, 80
    for name in ("127.0.0.1", "localhost"):
        assert ask(server, place="", port=port, Host=name, Origin=f"http://{name}")[0] == 200
    assert ask(server, place="", port=port, Host="evil.example")[0] == 421


def test_only_the_owner_can_read_the_way_in_which_is_deleted_at_the_end(tmp_path):
    with way_in(tmp_path, "http://127.0.0.1:80/a/?b&c") as address:
        (file,) = tmp_path.iterdir()
        assert address == file.as_uri()
        assert "127.0.0.1" not in address
        assert 'content="0; url=http://127.0.0.1:80/a/?b&amp;c"' in file.read_text()
        if os.name == "posix":
            assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.iterdir())


def test_other_pages_are_refused(server, path):
    for origin in ("https://evil.example", "null", f"http://localhost.evil:{server.port}"):
        assert ask(server, Origin=origin)[0] == 403
        assert put(server, [KEEP], Origin=origin)[0] == 403
    assert put(server, [KEEP], Sec_Fetch_Site="cross-site")[0] == 403
    assert not path.exists()
    assert put(server, [KEEP], Origin=f"http://127.0.0.1:{server.port}")[0] == 204


GET, PUT = "GET /{token}/ HTTP/1.1\r\n", "PUT /{token}/decisions HTTP/1.1\r\n"
ONE = "Host: 127.0.0.1:{port}\r\n"
MALFORMED = {
    "no Host": (GET, 400),
    "two Hosts": (GET + ONE + ONE, 400),
    "two other Hosts": (GET + ONE + "Host: evil.example\r\n", 400),
    "a folded Host": (GET + "Host: evil.example\r\n 127.0.0.1:{port}\r\n", 421),
    "a Host with a blank": (GET + "Host : 127.0.0.1:{port}\r\n", 400),
    "a line that is no header": (GET + ONE + "nonsense\r\nOrigin: http://evil.example\r\n", 400),
    "a target with a host": ("GET http://127.0.0.1:{port}/{token}/ HTTP/1.1\r\n" + ONE, 400),
    "a target of a proxy": ("GET evil.example:443 HTTP/1.1\r\n" + ONE, 400),
    "no target": ("GET\r\n" + ONE, 400),
    "no version": ("GET /{token}/\r\n", 400),
    "another protocol": ("GET / SPDY/3\r\n", 400),
    "a version to come": ("GET / HTTP/2.0\r\n", 505),
    "a long line": ("GET /" + 70_000 * "x" + " HTTP/1.1\r\n" + ONE, 414),
    "a long header": (GET + ONE + "X: " + 70_000 * "x" + "\r\n", 431),
    "many headers": (GET + ONE + 200 * "X: x\r\n", 431),
    "a version without a status": ("GET /{token}/ HTTP/0.9\r\n" + ONE, 505),
    "a way up": ("GET /{token}/../decisions.csv HTTP/1.1\r\n" + ONE, 404),
    "a coded way up": ("GET /{token}/%2e%2e%2fdecisions.csv HTTP/1.1\r\n" + ONE, 404),
    "a coded token": ("GET /%7b{token}/ HTTP/1.1\r\n" + ONE, 404),
    "a body where none is due": (GET + ONE + "Content-Length: 5\r\n", 400),
    "a coded body where none is due": (GET + ONE + "Transfer-Encoding: chunked\r\n", 400),
    "no length": (PUT + ONE, 411),
    "a coded body": (PUT + ONE + "Transfer-Encoding: chunked\r\n", 411),
    "a coded body with a length": (PUT + ONE + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", 400),
    "more than is read": (PUT + ONE + f"Content-Length: {MOST_BYTES + 1}\r\n", 413),
    "a long length": (PUT + ONE + "Content-Length: " + 5000 * "9" + "\r\n", 413),
    "a long length of zeros": (PUT + ONE + "Content-Length: " + 5000 * "0" + "\r\n", 428),
    "an empty length": (PUT + ONE + "Content-Length:\r\n", 400),
    **{
        f"a length of {length}": (PUT + ONE + f"Content-Length: {length}\r\n", 400)
        for length in ("-1", "+2", "1_000", "0x10", "2.0", "2, 2", "\xb2", "\u0662", "2 2")
    },
    "the length twice": (PUT + ONE + 2 * "Content-Length: 2\r\n", 400),
    "two lengths": (PUT + ONE + "Content-Length: 2\r\nContent-Length: 3\r\n", 400),
}
"""Requests in which something is amiss, up to the blank line, each with its answer."""


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_refused_and_the_connection_closed(path, what, monkeypatch):
    request, status = MALFORMED[what]
    raised = []
    monkeypatch.setattr("labelscan.reporting.review_server.ReviewServer.handle_error", lambda *_: raised.append(_))
    with serving(path) as server, socket.create_connection((HOST, server.port), timeout=5) as line:
        good = f"{GET}{ONE}\r\n".format(token=server.token, port=server.port)
        line.sendall(good.encode())
        answer = line.makefile("rb")
        assert answer.readline().startswith(b"HTTP/1.1 200 ")
        while answer.readline() != b"\r\n":
            pass
        answer.read(len(server.page))
        bad = request.format(token=server.token, port=server.port)
        # What follows must not be taken for another request of this connection.
        with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
            line.sendall(f"{bad}\r\n{'' if status == 428 else good}".encode())
        answer = answer.readline() if status == 428 else rest_of(line)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not raised
    assert not path.exists()


def rest_of(line):
    """Return everything that comes until the other side closes the connection."""
    pieces = []
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_body_that_ends_early_is_refused_and_nothing_is_written(server, path):
    _, headers, _ = ask(server)
    with socket.create_connection((HOST, server.port), timeout=5) as line:
        request = f"{PUT}{ONE}".format(token=server.token, port=server.port)
        line.sendall(f"{request}If-Match: {headers['ETag']}\r\nContent-Length: 10\r\n\r\n[]".encode())
        line.shutdown(socket.SHUT_WR)
        assert rest_of(line).startswith(b"HTTP/1.1 400 ")
    assert not path.exists()


def test_a_file_that_has_become_unreadable_is_reported_and_left_alone(server, path):
    _, headers, _ = ask(server)
    path.write_text("example_id\n0.png\n")
    status, _, body = ask(server)
    assert status == 409
    assert b"no column is called" in body
    assert put(server, [KEEP], headers["ETag"])[0] == 412
    assert path.read_text() == "example_id\n0.png\n"


def test_a_column_of_notes_is_not_lost(server, path, tmp_path):
    copies = {"decisions-before.csv": "asked Ada", "decisions-before-2.csv": "asked Bob"}
    for number, (name, note) in enumerate(copies.items(), start=1):
        noted = f"example_id,decision,new_label,why\r\n1.png,keep,,{note}\r\n"
        path.write_text(noted, newline="")
        for verdict in ("keep", "drop"):
            assert put(server, [{**KEEP, "decision": verdict}])[0] == 204
        assert (tmp_path / name).read_bytes() == noted.encode()
        assert {one.name for one in tmp_path.iterdir()} == {"decisions.csv", *list(copies)[:number]}


def test_rows_that_are_still_to_be_decided_are_not_lost(server, path, tmp_path):
    half = "example_id,decision,new_label\r\n1.png,keep,\r\n2.png,,\r\n"
    path.write_text(half, newline="")
    assert put(server, [{**KEEP, "decision": "drop"}])[0] == 204
    assert (tmp_path / "decisions-before.csv").read_bytes() == half.encode()


def test_a_port_that_is_taken_is_reported(server, path):
    with refuses(UsageError, "port-taken"), serving(path, port=server.port):
        pass


def test_a_run_is_served_at_the_same_port_unless_that_is_taken_and_with_another_secret(path):
    with serving(path) as first, serving(path) as second:
        assert second.port != first.port
        assert (first.usual_port_is_taken, second.usual_port_is_taken) == (False, True)
        assert second.token != first.token
        assert len(second.token) >= 32
        port = first.port
    with serving(path) as again:
        assert again.port == port


def test_decisions_can_be_saved_if_their_folder_is_writable(tmp_path):
    assert DecisionsFile(tmp_path / "decisions.csv", {}).can_be_written
    assert not DecisionsFile(tmp_path / "gone" / "decisions.csv", {}).can_be_written
