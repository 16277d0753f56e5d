"""Fuzzing: ``make fuzz`` looks for inputs that end in anything but a result or an error that says what to do.

Every target of ``targets.py`` runs in a process of its own for an equal share of ``SECONDS``, led by coverage of
labelscan (Atheris, which is libFuzzer for Python; it has wheels for Linux only, so it is in a dependency group of its
own). What is found so far is kept in build/fuzz/TARGET/ and makes the next time begin where this one ended.

    make fuzz SECONDS=60                     all targets, one after another
    python tests/fuzz/fuzz.py 60 config      one or more of them
    python tests/fuzz/fuzz.py FILE config    an input that was found, once more, with its traceback

A finding is shown with its traceback, its input and the command that repeats it; other targets go on, and the exit code
is 1. To keep one, put the file into tests/fuzz/findings/TARGET/ (with - for blanks), where the ordinary tests read it,
and fix what it shows.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]
CORPUS = TESTS.parent / "build" / "fuzz"
USUAL_SECONDS = 1800
MOST_SHOWN = 2000
ONE = "--one"
LIBRARIES_TAKE = 1 << 30
"""Bytes that torch, pandas and the coverage take before anything is read."""


def main(arguments: Sequence[str]) -> int:
    """Fuzz the targets named, or all of them, and return 1 if anything was found."""
    sys.path.insert(0, str(TESTS))
    if arguments[:1] == [ONE]:
        fuzz_one(*arguments[1:])
        return 0
    first, *names = arguments or [str(USUAL_SECONDS)]
    from fuzz.targets import TARGETS

    if unknown := [name for name in names if name not in TARGETS]:
        print(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
        return 2
    if not first.isdecimal():
        for name in names:
            TARGETS[name](Path(first).read_bytes())
        return 0
    names = names or list(TARGETS)
    found = [name for name in names if not is_clean(name, max(int(first) // len(names), 1))]
    print(f"{len(names)} targets, findings in {len(found)}: {', '.join(found)}" if found else "nothing was found")
    return 1 if found else 0


def is_clean(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, show what it finds, and return whether it finds nothing."""
    from fuzz.targets import MOST_BYTES, MOST_SECONDS, TARGETS

    corpus, found = CORPUS / name.replace(" ", "-") / "corpus", CORPUS / name.replace(" ", "-") / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = corpus.parent / "words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in TARGETS[name].words or [" "] if word))
    limits = [f"-max_total_time={seconds}", f"-timeout={MOST_SECONDS}"]
    limits += [f"-rss_limit_mb={(MOST_BYTES + LIBRARIES_TAKE) >> 20}", f"-artifact_prefix={found}/", f"-dict={words}"]
    before = set(found.iterdir())
    command = [sys.executable, __file__, ONE, name, "-print_final_stats=1", *limits, str(corpus)]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = (ended.stdout + ended.stderr).splitlines()  # a traceback is in the first, all else in the second
    log = "\n".join(line for line in lines if not line.startswith("INFO: "))
    runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
    print(f"{name}: {runs} inputs in {seconds} s{'' if ended.returncode == 0 else ', FOUND:'}", flush=True)
    if ended.returncode == 0:
        return True
    _, begin, traceback = log.partition("=== Uncaught Python exception")
    print(begin + traceback.partition("\n\n")[0] if begin else log[-MOST_SHOWN:])
    for path in sorted(set(found.iterdir()) - before):
        print(f"input: {path.read_bytes()[:MOST_SHOWN]!r}\nagain: {sys.executable} {__file__} {path} '{name}'")
    return False


def fuzz_one(name: str, *arguments: str) -> None:
    """Fuzz a target in this process, which libFuzzer ends."""
    import warnings

    import atheris

    with atheris.instrument_imports(include=["labelscan"]):
        from fuzz.targets import TARGETS
        from labelscan.data.readers import READERS

        _ = [READERS[reader] for reader in READERS]  # loaded on first use otherwise
    warnings.simplefilter("ignore")

    def read(content: bytes) -> None:
        try:
            TARGETS[name](content)
        except BaseException:
            digest = hashlib.blake2b(content, digest_size=8).hexdigest()
            (CORPUS / name.replace(" ", "-") / "found" / digest).write_bytes(content)
            raise

    atheris.Setup([sys.argv[0], *arguments], read)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    """Return a word as a dictionary of libFuzzer has it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
