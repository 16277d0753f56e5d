"""``labelscan cache``: what decoded images and features of all runs take, and how to be rid of them."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from labelscan.cli import options
from labelscan.cli.command import Given, command
from labelscan.cli.options import OUTPUT, Flag
from labelscan.errors import UsageError
from labelscan.wording.words import file_size

if TYPE_CHECKING:  # numpy loads with it
    from labelscan.images.cache import ShelfFacts


@command(keys=["cache.folder"])
def cache(
    given: Given,
    clear: Annotated[bool, Flag(OUTPUT, "Delete all of it.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show or clear what runs keep for later ones: decoded images and features.

    Another loss, seed or version of the labels then decodes and computes only what is new. Finished runs need nothing
    of it. What was not used for longest is deleted when the cache is full.
    """
    from labelscan.cli import console
    from labelscan.images.cache import Cache, folder_of

    config = given.resolve().cache
    folder = folder_of(config)
    if folder is None:
        raise UsageError(
            "no-cache", "there is no cache to show", where="--cache", hint="name a folder, or leave --cache out"
        )
    shared = Cache(folder, config.limit)
    n_cleared = shared.clear() if clear else 0
    shelves = shared.shelves()
    total = sum(one.n_bytes for one in shelves)
    if as_json:
        facts = {"folder": str(folder), "limit_bytes": config.limit, "total_bytes": total, "cleared_bytes": n_cleared}
        shown = [asdict(one) | {"last_used": _time(one).isoformat(timespec="seconds")} for one in shelves]
        console.show_json({**facts, "shelves": shown})
        return
    out = console.stdout()
    if clear:
        kept = f"; kept {file_size(total)}, which may not be deleted" if total else ""
        out.print(console.text(f"cleared {file_size(n_cleared)}{kept}"))
    out.print(console.text((str(folder), "bold"), f": {file_size(total)} of {file_size(config.limit)}"))
    if shelves:
        out.print()
        out.show(console.entries(((one.kind, *_lines(one)) for one in shelves), style="bold"))


def _lines(shelf: "ShelfFacts") -> Iterator[str]:
    used = f"last used {_time(shelf).astimezone():%Y-%m-%d %H:%M}"
    what = "compiled network" if shelf.kind == "networks" else f"{shelf.n_examples:,} examples"
    yield f"{what}, {file_size(shelf.n_bytes)}, {used}"
    yield "; ".join(f"{name} {value}" for name, value in shelf.made_by.items())


def _time(shelf: "ShelfFacts") -> datetime:
    return datetime.fromtimestamp(shelf.last_used, UTC)
