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
    Csv(what="an empty text", make=csv(f"{GOOD},x\n")),
    Csv(what="a text of a megabyte", make=csv(f"{GOOD}{'long ' * 2**18},x\n")),
    Csv(what="a text from right to left", make=csv(f"{GOOD}\u202eשלום עולם\u202c,x\n")),
    Csv(what="emoji", make=csv(f"{GOOD}so good 👩\u200d👩\u200d👧,x\n")),
    Csv(what="NUL in a text", make=csv(f"{GOOD}so\0good,x\n")),
    Csv(what="markup and the codes of a terminal in a text", make=csv(f"{GOOD}<script>\x1b[2J</script> so,x\n")),
    Csv(what="texts in UTF-16 with a byte order mark", make=csv(GOOD.encode("utf-16"))),
    Csv(what="texts in UTF-32 with a byte order mark", make=csv(GOOD.encode("utf-32"))),
    Csv(
        what="texts in cp1252",
        make=csv(f"{GOOD}größer als je,x\n".encode("cp1252")),
        code="not-utf8",
        names="bad.csv row 6",
    ),
    Csv(
        what="texts in cp1252, asked for",
        make=csv(f"{GOOD}größer als je,x\n".encode("cp1252")),
        line="detect bad.csv --encoding cp1252 --folds 2 --dry-run",
    ),
    Csv(
        what="another encoding than is asked for",
        make=csv(f"{GOOD}größer als je,x\n"),
        line="detect bad.csv --encoding ascii",
        code="wrong-encoding",
    ),
    Csv(
        what="an encoding that there is not",
        make=csv(GOOD),
        line="detect bad.csv --encoding cp99",
        code="unknown-encoding",
        names="dataset.encoding",
    ),
    Csv(
        what="an encoding that is none of text",
        make=csv(GOOD),
        line="detect bad.csv --encoding base64",
        code="unknown-encoding",
        names="dataset.encoding",
    ),
    Csv(
        what="a text column that is not there",
        make=csv(GOOD),
        line="detect bad.csv --text-column txt",
        code="no-column",
    ),
    Csv(
        what="two columns that could both be the text",
        make=csv("review,comment,label\n" + "".join(f"{words[:9]},{words[:8]},x\n" for words in WORDS)),
        code="which-column",
    ),
    Csv(what="texts without a label column", make=csv(GOOD.replace("label", "colour")), code="no-column"),
    Csv(what="a text without a label", make=csv(f"{GOOD}one more,\n"), code="empty-cell", names="bad.csv row 6"),
    Csv(
        what="texts all alike",
        make=csv("text,label\n" + "the same words,x\nthe same words,y\n" * 4),
        line="detect bad.csv --text-column text --folds 2 --dry-run",
    ),
    Jsonl(what="half of a surrogate pair in a text", make=jsonl({"text": "a \ud800 b", "label": "x"}), code="not-utf8"),
    Jsonl(what="a list in place of a text", make=jsonl({"text": ["a", "b"], "label": "x"}), code="several-values"),
    Jsonl(what="a number in place of a text", make=jsonl({"text": 7, "label": "x"})),
    Jsonl(what="null in place of a text", make=jsonl({"text": None, "label": "x"})),
]
