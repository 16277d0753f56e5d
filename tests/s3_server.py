"""An S3 server of moto on this machine, which can be made to fail, to stop and to be slow."""

import itertools
import threading
import time
from contextlib import contextmanager

import fsspec
import pytest


class Server:
    """An S3 server, and how it behaves."""

    def __init__(self):
        from moto.server import create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            protocol_version = "HTTP/1.1"  # one connection for many requests

            def log_request(self, *_):
                pass

        self.app = create_backend_app("s3")
        self.http = make_server("127.0.0.1", 0, self.answer, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.number = itertools.count(1)
        self.be_good()

    def be_good(self):
        self.every, self.back_at, self.delay, self.asked = 0, 0.0, 0.0, []
        self.stops_at, self.away = 0, 0.0

    def answer(self, environ, start):
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        time.sleep(self.delay)
        if self.stops_at and len(self.asked) >= self.stops_at:
            self.stops_at, self.back_at = 0, time.monotonic() + self.away
        if (self.every and next(self.number) % self.every == 0) or time.monotonic() < self.back_at:
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        return self.app(environ, start)


@contextmanager
def running_server():
    """Yield a server with an empty bucket ``bucket``, which fsspec finds by the environment."""
    server = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            storage = fsspec.filesystem("s3")
            if storage.exists("bucket"):  # moto's servers of one process have the same buckets
                storage.rm("bucket", recursive=True)
            storage.mkdir("bucket")
            yield server
            type(storage).clear_instance_cache()
        finally:
            server.http.shutdown()
            thread.join()
            server.http.server_close()
