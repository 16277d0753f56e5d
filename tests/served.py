"""A review server that runs for the length of a block."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labelscan.reporting.review_server import DecisionsFile, ReviewServer


@contextmanager
def serving(
    render: Callable[[str], str], path: Path, given_labels: Mapping[str, str], *, port: int = 0
) -> Iterator[ReviewServer]:
    with ReviewServer(render, DecisionsFile(path, given_labels), port=port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
