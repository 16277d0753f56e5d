"""The command line: one file a command. Nothing here computes; ``import labelscan`` can do all of it."""

from typing import Annotated

from typer import Context, Option, Typer, echo

from labelscan.cli.apply import apply
from labelscan.cli.benchmark import benchmark
from labelscan.cli.cache import cache
from labelscan.cli.detect import detect
from labelscan.cli.diff import diff
from labelscan.cli.gate import gate
from labelscan.cli.help_pages import GroupedCommand, GroupedGroup
from labelscan.cli.listing import list_parts
from labelscan.cli.report import report
from labelscan.cli.score import score
from labelscan.cli.status import status

FIRST_STEPS = """\
labelscan finds labels that are probably wrong in your data.

To try it without any data, let it plant errors among digits and find them:

  labelscan detect 'demo:digits?noise=symmetric:0.1'

On your own data:

  labelscan detect photos/       a folder with one folder of images for each class
  labelscan detect labels.csv    a list of image paths and labels, or a table of numbers
  labelscan score probs.npz      out-of-fold probabilities that you already have

Each writes a run folder, and says where. Then:

  labelscan report RUN           a page to review the suspects on, by keyboard
  labelscan apply RUN            a corrected copy of the labels, from your decisions
  labelscan gate RUN             an exit code for CI: too many suspects, or new ones

labelscan --help lists the commands, labelscan detect --help all options."""
"""What ``labelscan`` without a command says."""

app = Typer(
    name="labelscan",
    cls=GroupedGroup,
    rich_markup_mode=None,  # help pages by rich take almost twice as long to appear
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for name, function in {
    "detect": detect,
    "score": score,
    "report": report,
    "apply": apply,
    "gate": gate,
    "benchmark": benchmark,
    "diff": diff,
    "status": status,
    "cache": cache,
    "list": list_parts,
}.items():
    app.command(name, cls=GroupedCommand)(function)


@app.callback(invoke_without_command=True)
def labelscan(
    context: Context, version: Annotated[bool, Option("--version", help="Show the version and exit.")] = False
) -> None:
    """Find labels that are probably wrong."""
    if version:
        from labelscan import __version__

        echo(f"labelscan {__version__}")
    elif context.invoked_subcommand is None:
        echo(FIRST_STEPS)
