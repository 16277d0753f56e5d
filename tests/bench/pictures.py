"""Make the pictures of the README from a run: the end of it on a terminal, and its report in a browser.

    python tests/bench/pictures.py

They land in .github/. A chromium must be installed, and playwright.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

COMMAND = ["detect", "demo:digits?noise=symmetric:0.1", "--top", "5"]
COLUMNS = 88
SCREEN = {"width": 1280, "height": 840}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FOLDER = Path(__file__).parent.parent.parent / ".github"


def main() -> None:
    """Run labelscan in an empty folder and draw what it shows."""
    with tempfile.TemporaryDirectory() as folder:
        shown = _run([*COMMAND, "-o", "run"], folder)
        _draw_terminal(shown, FOLDER / "terminal.svg")
        _run(["report", "run"], folder)
        _draw_report(Path(folder) / "run" / "report.html")


def _run(arguments: list[str], folder: str) -> str:
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "labelscan", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _draw_terminal(shown: str, path: Path) -> None:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text(f"$ labelscan {COMMAND[0]} '{COMMAND[1]}' {' '.join(COMMAND[2:])}\n", style="bold"))
        console.print(Text.from_ansi(shown))
        drawing = console.export_svg(title="labelscan")
    # A picture fetches nothing: without these rules it takes the monospaced font of the reader.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL), encoding="utf-8")


def _draw_report(page: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SCREEN, color_scheme="light")
        tab.goto(page.as_uri())
        _save(tab.screenshot(), FOLDER / "report.png")
        tab.locator("#review-section").evaluate("section => scrollTo(0, section.offsetTop)")
        _save(tab.screenshot(), FOLDER / "review.png")
        browser.close()


def _save(png: bytes, path: Path) -> None:
    """Write a picture of few colours, which is a fraction of its size."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
