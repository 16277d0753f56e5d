"""What reads bytes that come from others, each as a target to be fuzzed: a function of bytes, and seeds to begin with.

A target may return, or raise a ``UsageError``, with which the command line ends in exit code 2 and says what to do.
Any other exception, more than ``MOST_SECONDS`` or more than ``MOST_BYTES`` of memory is a finding.
"""

import io
import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

import labelscan
from labelscan.config import DatasetConfig
from labelscan.config.sources import build, read_file, shipped_configs
from labelscan.correction.decisions import Decision, read_decisions, write_decisions
from labelscan.correction.label_studio import read_annotations
from labelscan.data import readers
from labelscan.data.inputs import are_images
from labelscan.data.prob_files import read_probabilities
from labelscan.detection.detectors import DETECTORS
from labelscan.detection.evidence import Evidence
from labelscan.errors import UsageError
from labelscan.gating.baseline import read_baseline
from labelscan.images.decoding import ImageShape, pixels_of, quiet_pillow, reason
from labelscan.noise.plant import NOISES
from labelscan.registry import PartSpec
from labelscan.reporting.review_server import DecisionsFile, _Handler
from labelscan.results.run import FinishedRun
from labelscan.training.losses import LOSSES

MOST_SECONDS = 5
MOST_BYTES = 1 << 30
FOLDER = Path(tempfile.gettempdir())
RUN_FILES, BETWEEN = ("run.json", "summary.json", "scores.csv"), b"\0\0"
SHAPE = ImageShape(16, 16, 3)
MOST_PIXELS = 1_000_000


@dataclass(frozen=True)
class Target:
    """One thing that reads bytes."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[str, ...] = ()
    """What a mutation may put anywhere."""

    def __call__(self, content: bytes) -> None:
        """Read ``content``; what is raised but a UsageError is a finding."""
        with suppress(UsageError):
            self.read(content)


def in_file(name: str, read: Callable[[Path], object], *beside: str) -> Callable[[bytes], object]:
    """Return a function of bytes that writes them to a file of a name and reads it; files ``beside`` it are empty."""

    def read_bytes(content: bytes) -> object:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            path = Path(folder) / name
            for other in beside:
                (Path(folder) / other).touch()
            path.write_bytes(content)
            return read(path)

    return read_bytes


def data_set(path: Path) -> object:
    return readers.read(DatasetConfig(data=str(path))).fingerprint()


def features(content: bytes) -> object:
    """Read a sheet of two labels, with features in a .npy file beside it."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        (Path(folder) / "a.csv").write_text("label\na\nb\n")
        (Path(folder) / "a.npy").write_bytes(content)
        config = DatasetConfig(data=f"{folder}/a.csv", features=f"{folder}/a.npy")
        return readers.read(config).fingerprint()


def saved_folder(content: bytes) -> object:
    """Read what ``save_to_disk`` of Hugging Face writes: the bytes are its state and its Arrow file."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        state, _, arrow = content.partition(BETWEEN)
        for name, part in (("state.json", state), ("dataset_info.json", b"{}"), ("a.arrow", arrow)):
            (Path(folder) / name).write_bytes(part)
        inputs = readers.read(DatasetConfig(data=folder)).inputs
        return [picture(inputs.read(row)) for row in range(len(inputs))] if are_images(inputs) else None


def picture(content: bytes) -> object:
    """Decode an image; whatever is wrong with it is put in words, since it keeps its row."""
    try:
        with quiet_pillow():
            return pixels_of(content, SHAPE, max_pixels=MOST_PIXELS)
    except MemoryError:
        raise
    except Exception as error:
        return reason(error)


def part(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert str(PartSpec.parse(str(PartSpec.parse(text)))) == str(PartSpec.parse(text))
    for registry in (LOSSES, DETECTORS, NOISES):
        with suppress(UsageError):
            registry.build(text)


def request(content: bytes) -> bytes:
    """Return the answers of the review server to a connection on which ``content`` comes in."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        decisions = DecisionsFile(Path(folder) / "decisions.csv", {"0": "cat", "1": "dog"})
        server = SimpleNamespace(token="token", port=80, page=b"<p>", decisions=decisions)
        answers: list[bytes] = []
        connection = SimpleNamespace(
            settimeout=lambda seconds: None, makefile=lambda *how: io.BytesIO(content), sendall=answers.append
        )
        _Handler(connection, ("127.0.0.1", 1), server)  # type: ignore[arg-type]  # all that it asks of both
        answer = b"".join(map(bytes, answers))
        assert not answer or answer.startswith(b"HTTP/1.1 ")
        return answer


def run_folder(content: bytes) -> object:
    """Read a finished run: the bytes are its three files, one after another."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for name, part in zip(RUN_FILES, content.split(BETWEEN), strict=False):
            (Path(folder) / name).write_bytes(part)
        run = FinishedRun.read(Path(folder))
        return len(run.given_labels), run.members, run.is_of_score


def arrays(**content: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: np.array(value) for name, value in content.items()})  # type: ignore[arg-type]
    return file.getvalue()


def npz_seeds() -> Iterable[bytes]:
    yield arrays(images=np.zeros((4, 3, 3), np.uint8), labels=[0, 1, 0, 1])
    yield arrays(features=np.eye(4), labels=["a", "b", "a", "b"], ids=["1", "2", "3", "4"], groups=[0, 0, 1, 1])
    yield arrays(features=np.eye(2, dtype=np.float16), labels=[0, 1], class_names=["a", "b"], true_labels=[1, 0])


def prob_seeds() -> Iterable[bytes]:
    yield arrays(pred_probs=[[0.9, 0.1], [0.2, 0.8]], given_labels=[0, 1])
    yield arrays(
        pred_probs=np.full((3, 2), 0.5, np.float32),
        given_labels=["a", "b", "a"],
        class_names=["a", "b"],
        example_ids=["x", "y", "z"],
        true_labels=["a", "a", "a"],
    )


def evidence_seeds() -> Iterable[bytes]:
    yield arrays(
        pred_probs=np.full((2, 2), 0.5, np.float32),
        given_labels=[0, 1],
        class_names=["a", "b"],
        example_ids=["x", "y"],
        index=[0, 1],
        fold_names=["0", "1"],
        train_margin=np.zeros(2, np.float32),
    )


def parquet_seeds() -> Iterable[bytes]:
    import pyarrow
    import pyarrow.parquet

    cells = {
        "x": [0.5, 1.5],
        "path": ["0.png", "1.png"],
        "text": ["one two", "three four"],
        "embedding": [[0.5, 1.5], [2.5, 3.5]],
        "image": [{"bytes": b"P5 1 1 255 \0", "path": "a"}, {"bytes": b"", "path": None}],
    }
    for name, column in cells.items():
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({name: column, "label": ["a", "b"]}), file)
        yield file.getvalue()


def npy_seeds() -> Iterable[bytes]:
    for array in (np.eye(2), np.eye(2, dtype=np.float16), np.ones((2, 3), np.int8), np.asfortranarray(np.eye(2))):
        file = io.BytesIO()
        np.save(file, array)
        yield file.getvalue()


def saved_seeds() -> Iterable[bytes]:
    import pyarrow

    for cells in ({"image": [{"bytes": b"P5 1 1 255 \0", "path": "a"}] * 2}, {"text": ["one two", "three four"]}):
        table = pyarrow.table({**cells, "label": [0, 1]})
        known = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a", "b"]}}}}
        file = io.BytesIO()
        with pyarrow.ipc.new_stream(file, table.schema.with_metadata({"huggingface": json.dumps(known)})) as writer:
            writer.write_table(table)
        yield b'{"_data_files": [{"filename": "a.arrow"}]}' + BETWEEN + file.getvalue()


def picture_seeds() -> Iterable[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    for form in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format=form)
        yield file.getvalue()
    for mode in ("I;16", "F", "1", "LA", "CMYK", "P"):
        file = io.BytesIO()
        image = Image.fromarray(pixels[:, :, 0]).convert("I" if mode == "I;16" else mode)
        image.save(file, format="TIFF")
        yield file.getvalue()


def decision_seeds() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        path = Path(folder) / "decisions.csv"
        made = [Decision(example_id="=1", verdict="relabel", new_label="dog"), Decision(example_id="b", verdict="drop")]
        write_decisions(made, path)
        yield path.read_bytes()


def export_seeds() -> Iterable[bytes]:
    data = {"example_id": "0.png", "given_label": "cat"}
    choice = {"from_name": "label", "to_name": "example", "type": "choices", "value": {"choices": ["dog"]}}
    long = {"id": 1, "data": data, "annotations": [{"result": [choice], "created_at": "2026-01-02T03:04:05Z"}]}
    yield json.dumps([long]).encode()
    yield json.dumps([{**data, "id": 1, "label": "dog", "annotation_id": 1, "created_at": "2026"}]).encode()


def request_seeds() -> Iterable[bytes]:
    host = b"Host: 127.0.0.1\r\n"
    body = json.dumps([{"example_id": "0", "decision": "keep", "new_label": "", "time": ""}]).encode()
    tag = b'If-Match: "%s"\r\n' % b"3345524abf6bbe1809449224"
    yield b"GET /token/ HTTP/1.1\r\n" + host + b"\r\nHEAD /token/decisions HTTP/1.1\r\n" + host + b"\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    yield b"PUT /token/decisions HTTP/1.1\r\n" + host + tag + length + body


def run_seeds() -> Iterable[bytes]:
    pred_probs = 0.05 + 0.9 * np.eye(2)[[0, 1, 0, 1, 0, 1]]
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        run = labelscan.score(pred_probs, [0, 1, 0, 1, 1, 1], output=Path(folder) / "run").folder
        yield BETWEEN.join((run / name).read_bytes() for name in RUN_FILES)


def texts(*seeds: str) -> Callable[[], Iterable[bytes]]:
    return lambda: (seed.encode() for seed in seeds)


IMAGES = ("0.png", "1.png")
MANIFEST = "path,label,id,group,split\n0.png,cat,a,1,train\n1.png,dog,b,1,val\n"
LINES = '{"path": "0.png", "label": "cat"}\n{"path": "1.png", "label": 3}\n'
TEXTS = 'id,title,text,label\na,One more,"so it, went",cat\nb,Two more,and so on,dog\n'
VECTORS = '{"embedding": [0.5, 1], "label": "a"}\n{"embedding": [1.5, 2], "label": "b"}\n'
TABLE = "x,y,z,label\n0.5,1,red,cat\n-1e9,3,blue,dog\n2,3,red,cat\n"
COLUMNS = "day,flag,size,note,label\n2020-01-31,yes,1.5,a b,cat\n,no,NA,c d,dog\n2021-12-01,yes,?,,cat\n"
JSON_ROWS = '{"day": "31/12/2020", "n": 1.5, "label": "cat"}\n{"day": null, "n": true, "label": "dog"}\n'
PROBS = "id,label,prob:cat,prob:dog\na,cat,0.9,0.1\nb,dog,0.25,0.75\n"
PARTS = ("blurry:gamma=0.4,delay=4", "noise-posterior:0.5", "symmetric:0.1", "matrix:a.csv", "per-class:0.1/0.2", "ce")
NUMBERS = ("nan", "inf", "-1", "1e999", "9" * 400, "0x10", "1_0", "\u0662", "true", "none", "")
DATES = ("2020-01-31", "31/12/2020", "9999-99-99", "2020-01-01T00:00:00Z", "Jan 5, 2020", "0001-01-01", "1:00 PM")
CELLS = (",", "\n", "\r", '"', '""', "\ufeff", "\0", ";", "\t", "'", "\x1b[2J", "\u202e", *NUMBERS)
JSON = ("[", "]", "{", "}", "null", '"', ":", ",", "[[[[[[[[", "\\ud800", "1e999", "NaN", *NUMBERS)
HEADERS = ("\r\n", ":", "Host: ", "Content-Length: ", "Transfer-Encoding: chunked", "HTTP/1.1", "/", "%2e", *NUMBERS)
TARGETS = {
    "manifest csv": Target(in_file("a.csv", data_set, *IMAGES), texts(MANIFEST), CELLS),
    "manifest tsv": Target(in_file("a.tsv", data_set, *IMAGES), texts(MANIFEST.replace(",", "\t")), CELLS),
    "manifest jsonl": Target(in_file("a.jsonl", data_set, *IMAGES), texts(LINES), JSON),
    "table": Target(in_file("a.csv", data_set), texts(TABLE, COLUMNS), (*CELLS, *DATES, "12 kg", "$5", "yes")),
    "table jsonl": Target(in_file("a.jsonl", data_set), texts(JSON_ROWS), (*JSON, *DATES)),
    "arrays": Target(in_file("a.npz", data_set), npz_seeds),
    "parquet": Target(in_file("a.parquet", data_set, *IMAGES), parquet_seeds),
    "texts csv": Target(in_file("a.csv", data_set), texts(TEXTS), CELLS),
    "embeddings jsonl": Target(in_file("a.jsonl", data_set), texts(VECTORS), JSON),
    "features": Target(features, npy_seeds),
    "saved folder": Target(saved_folder, saved_seeds),
    "picture": Target(picture, picture_seeds),
    "probability arrays": Target(in_file("a.npz", read_probabilities), prob_seeds),
    "probability table": Target(in_file("a.csv", read_probabilities), texts(PROBS), CELLS),
    "config": Target(
        in_file("a.toml", lambda path: build(read_file(path))),
        lambda: (path.read_bytes() for path in shipped_configs().values()),
        ("[", "]", "=", '"', "\n", ".", "''", *NUMBERS),
    ),
    "run config": Target(
        in_file("run.json", lambda path: build(read_file(path))),
        texts('{"settings": {"folds": {"n_folds": 3}, "model": {"name": ["a", "b"]}}, "format_version": 1}'),
        JSON,
    ),
    "part": Target(part, texts(*PARTS), (":", ",", "=", ";", "/", *NUMBERS)),
    "decisions": Target(in_file("a.csv", read_decisions), decision_seeds, CELLS),
    "baseline": Target(in_file("a.csv", read_baseline), texts("example_id,given_label,note\na,cat,ok\n"), CELLS),
    "label studio": Target(in_file("a.json", read_annotations), export_seeds, JSON),
    "evidence": Target(in_file("evidence.npz", Evidence.read), evidence_seeds),
    "run": Target(run_folder, run_seeds, (*JSON, *CELLS)),
    "review server": Target(request, request_seeds, HEADERS),
}
