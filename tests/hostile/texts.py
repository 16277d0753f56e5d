"""Texts in sheets, and what is not quite one."""

import json
from functools import partial

from hostile.kinds import Kind, Make, file

WORDS = ("a fine film", "what a dull evening", "I would go again", "never again, sorry")
GOOD = "text,label\n" + "".join(f'"{words}",{"xy"[row % 2]}\n' for row, words in enumerate(WORDS))


def csv(text: str | bytes) -> Make:
    return file("bad.csv", text)


def jsonl(*rows: object) -> Make:
    good = [{"text": words, "label": "xy"[row % 2]} for row, words in enumerate(WORDS)]
    return file("bad.jsonl", "".join(f"{json.dumps(row)}\n" for row in [*good, *rows]))


Csv = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv")
Jsonl = partial(Kind, line="detect bad.jsonl --folds 2 --dry-run", names="bad.jsonl row 5")

KINDS = [
    Csv("an empty text", csv(f"{GOOD},x\n")),
    Csv("a text of a megabyte", csv(f"{GOOD}{'long ' * 2**18},x\n")),
    Csv("a text from right to left", csv(f"{GOOD}\u202eשלום עולם\u202c,x\n")),
    Csv("emoji", csv(f"{GOOD}so good 👩\u200d👩\u200d👧,x\n")),
    Csv("NUL in a text", csv(f"{GOOD}so\0good,x\n")),
    Csv("markup and the codes of a terminal in a text", csv(f"{GOOD}<script>\x1b[2J</script> so,x\n")),
    Csv("texts in UTF-16 with a byte order mark", csv(GOOD.encode("utf-16"))),
    Csv("texts in UTF-32 with a byte order mark", csv(GOOD.encode("utf-32"))),
    Csv("texts in cp1252", csv(f"{GOOD}größer als je,x\n".encode("cp1252")), "not-utf8", names="bad.csv row 6"),
    Csv(
        "texts in cp1252, asked for",
        csv(f"{GOOD}größer als je,x\n".encode("cp1252")),
        line="detect bad.csv --encoding cp1252 --folds 2 --dry-run",
    ),
    Csv(
        "another encoding than is asked for",
        csv(f"{GOOD}größer als je,x\n"),
        "wrong-encoding",
        line="detect bad.csv --encoding ascii",
    ),
    Csv(
        "an encoding that there is not",
        csv(GOOD),
        "unknown-encoding",
        line="detect bad.csv --encoding cp99",
        names="dataset.encoding",
    ),
    Csv(
        "an encoding that is none of text",
        csv(GOOD),
        "unknown-encoding",
        line="detect bad.csv --encoding base64",
        names="dataset.encoding",
    ),
    Csv("a text column that is not there", csv(GOOD), "no-column", line="detect bad.csv --text-column txt"),
    Csv(
        "two columns that could both be the text",
        csv("review,comment,label\n" + "".join(f"{words[:9]},{words[:8]},x\n" for words in WORDS)),
        "which-column",
    ),
    Csv("texts without a label column", csv(GOOD.replace("label", "colour")), "no-column"),
    Csv("a text without a label", csv(f"{GOOD}one more,\n"), "empty-cell", names="bad.csv row 6"),
    Csv(
        "texts all alike",
        csv("text,label\n" + "the same words,x\nthe same words,y\n" * 4),
        line="detect bad.csv --text-column text --folds 2 --dry-run",
    ),
    Jsonl("half of a surrogate pair in a text", jsonl({"text": "a \ud800 b", "label": "x"}), "not-utf8"),
    Jsonl("a list in place of a text", jsonl({"text": ["a", "b"], "label": "x"}), "several-values"),
    Jsonl("a number in place of a text", jsonl({"text": 7, "label": "x"})),
    Jsonl("null in place of a text", jsonl({"text": None, "label": "x"})),
]
