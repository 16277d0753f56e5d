"""Manifests of text: rows of paths and labels."""

from functools import partial

from hostile.kinds import IMAGES, Kind, Make, file, folder, link, locked, nothing, photos, pipe, together

ROWS = "".join(f"{name},{name[:3]}\n" for name in IMAGES)
GOOD = f"path,label\n{ROWS}"


def csv(content: str | bytes, name: str = "bad.csv") -> Make:
    return together(photos(), file(name, content))


def address(what: str, url: str, code: str, names: str = "") -> Kind:
    return Kind(what, nothing, code, line=f"detect '{url}'", names=names or url)


Csv = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv")
Tsv = partial(Kind, line="detect bad.tsv --folds 2 --dry-run", names="bad.tsv")

KINDS = [
    # Whatever the file is
    Csv("no such file", nothing, "no-file"),
    Csv("an empty file", file("bad.csv", ""), "empty-file"),
    Csv("a file of blank lines", file("bad.csv", "\n\n\n"), "empty-file"),
    Csv("a pipe", pipe("bad.csv"), "unreadable"),
    Kind("a device", nothing, "not-a-data-set", line="detect /dev/zero --dry-run", names="/dev/zero"),
    Csv("a link to a device", link("bad.csv", "/dev/zero"), "unreadable"),
    Csv("a link to itself", link("bad.csv", "bad.csv"), "broken-link"),
    Csv("a folder called like a file", folder("bad.csv"), "no-class-folders"),
    Csv("a file that may not be read", locked("bad.csv"), "unreadable", as_root=False),
    Csv("a path that is too long", nothing, "unreadable", line=f"detect {'a' * 300}.csv", names="aaa"),
    Kind("another extension", file("bad.xlsx", "PK"), "not-a-data-set", line="detect bad.xlsx", names="bad.xlsx"),
    Kind("no extension", file("bad", "text"), "not-a-data-set", line="detect bad", names="bad"),
    address("an address where nothing is", "memory://b/none.csv", "no-file"),
    address("an address with a password", "s3://me:secret@bucket/train.csv", "password-in-address", "dataset.data"),
    address(
        "an address with a signature",
        "https://a.org/b.csv?X-Amz-Signature=secret",
        "not-an-address",
        "https://a.org/b.csv",
    ),
    address("an address of an unknown kind", "odd://b/train.csv", "unknown-protocol"),
    # Encodings and line ends
    Csv("UTF-16 with a byte order mark", csv(GOOD.encode("utf-16"))),
    Csv("UTF-32 with a byte order mark", csv(GOOD.encode("utf-32"))),
    Csv(
        "a byte order mark of UTF-16 before other text",
        csv(b"\xff\xfe" + GOOD.encode() + b"\0\xdc"),
        "wrong-encoding",
        names="bad.csv",
    ),
    Csv("UTF-16 without one", csv(GOOD.encode("utf-16-le")), "nul-bytes", names="bad.csv row 1"),
    Csv("Latin-1", csv(f"{GOOD}größe.png,dog\n".encode("latin-1")), "not-utf8", names="bad.csv row 6"),
    Csv("a byte order mark", csv("\ufeff" + GOOD)),
    Csv("lines that end in a carriage return", csv(GOOD.replace("\n", "\r"))),
    Csv("lines that end in both", csv(GOOD.replace("\n", "\r\n"))),
    Csv("no line end at the end", csv(GOOD.rstrip())),
    Csv("blank lines in between", csv(GOOD.replace("\n", "\n\n"))),
    Csv("a zip file", file("bad.csv", b"PK\x03\x04\x14\x00\x08\xff\xfe"), "not-utf8", names="bad.csv row 1"),
    # Quotes, rows and columns
    Csv("a quote that is never closed", csv(f'{GOOD}"cat/1.png,cat\n'), "broken-row", names="row 6"),
    Csv("text after a quote", csv(f'{GOOD}"cat"/1.png,cat\n'), "broken-row", names="bad.csv row 6"),
    Csv("a field of 17 megabytes", csv(f"{GOOD}{'a' * (2**24 + 1)},cat\n"), "broken-row", names="bad.csv row 6"),
    Csv("a row with a field more", csv(f"{GOOD}cat/1.png,cat,1\n"), "broken-row", names="row 6"),
    Csv("a row with a field less", csv(f"{GOOD}cat/1.png\n"), "broken-row", names="bad.csv row 6"),
    Csv("semicolons", csv(GOOD.replace(",", ";")), read_as="read as with commas"),
    Tsv("commas in a .tsv", csv(GOOD, "bad.tsv"), read_as="read as with tabs"),
    Csv("tabs in a .csv", csv(GOOD.replace(",", "\t")), read_as="read as with commas"),
    Csv("column names without rows", csv("path,label\n"), "no-examples"),
    Csv("rows without column names", csv(ROWS), "no-column"),
    Csv("two columns of one name", csv("path,label,label\ncat/1.png,a,b\n"), "column-twice"),
    Csv("two columns that could be the label", csv("path,label,given_label\ncat/1.png,a,b\n"), "which-column"),
    Csv("two columns that could be the path", csv("file,image,label\ncat/1.png,b,c\n"), "which-column"),
    Csv("columns without names", csv(f",\n{ROWS}"), "column-twice"),
    Csv("a name of a megabyte", csv(f"path,{'a' * 2**17}\ncat/1.png,cat\n"), "no-column"),
    Csv("no label column", csv("path,colour\ncat/1.png,red\n"), "no-column"),
    Csv("a label column that is not there", csv(GOOD), "no-column", line="detect bad.csv --label-column lable"),
    Csv("columns of boxes", csv("path,label,bbox\ncat/1.png,cat,1 2 3 4\n"), "not-judged"),
    Csv(
        "the issues.csv of a run",
        file("bad.csv", "rank,example_id,path,given_label,suggested_label,label_quality\n"),
        "not-data",
    ),
    Csv("decisions in place of data", file("bad.csv", "example_id,decision,new_label\n"), "not-data"),
    Csv(
        "a split that is not there",
        csv(GOOD.replace("path,label", "path,split")),
        "unknown-split",
        line="detect bad.csv --split test --label-column split --split-column split",
    ),
    # Cells
    Csv("an empty label", csv(f"{GOOD}cat/1.png,\n"), "empty-cell", names="bad.csv row 6"),
    Csv("a blank label", csv(f"{GOOD}cat/1.png, \t\n"), "empty-cell", names="bad.csv row 6"),
    Csv("an empty path", csv(f"{GOOD},cat\n"), "empty-cell", names="bad.csv row 6"),
    Csv("several labels in a cell", csv(f'{GOOD}cat/1.png,"[""cat"", ""dog""]"\n'), "several-labels", names="row 6"),
    Csv("one label for all", csv(GOOD.replace("dog\n", "cat\n")), "one-class"),
    Csv("a path twice", csv(f"{GOOD}cat/1.png,dog\n"), "id-twice", names="row 6"),
    Csv("a path twice in two spellings", csv(f"{GOOD}./dog/../cat/1.png,dog\n"), "id-twice", names="row 6"),
    Csv("an id twice", csv("id,path,label\n1,cat/1.png,cat\n1,dog/1.png,dog\n"), "id-twice", names="row 3"),
    Csv("an empty id", csv("id,path,label\n1,cat/1.png,cat\n,dog/1.png,dog\n"), "empty-cell", names="row 3"),
    Csv("labels with control characters", csv(GOOD.replace(",cat\n", ",ca\x1b[2Jt\n")), read_as="read; shown escaped"),
    Csv("labels that differ in case", csv(GOOD.replace("cat/2.png,cat", "cat/2.png,Cat")), read_as="read, with a note"),
    Csv("labels that a spreadsheet would run", csv(GOOD.replace(",cat\n", ",=1+1\n")), read_as="read as text"),
    # Paths
    Csv("a file that is not there", csv(f"{GOOD}gone.png,cat\n"), "no-file", names="bad.csv row 6"),
    Csv(
        "an address of an image with a password",
        csv(f"{GOOD}https://me:secret@a.org/1.png,cat\n"),
        "password-in-address",
        names="row 6",
    ),
    Csv("a pattern of files", csv(f"{GOOD}cat/*.png,cat\n"), "no-file", names="bad.csv row 6"),
    Csv("backslashes between folders", csv(f"{GOOD}dog\\1.png,dog\n"), "no-file", names="row 6"),
    Csv("spaces around a path", csv(f"{GOOD}dog/1.png ,dog\n"), "no-file", names="bad.csv row 6"),
    Csv("another case", csv(f"{GOOD}DOG/1.PNG,dog\n"), "no-file", names="bad.csv row 6"),
    Csv("a path through a file", csv(f"{GOOD}cat/1.png/2.png,dog\n"), "no-file", names="bad.csv row 6"),
    Csv(
        "a path out of the folder",
        together(csv(GOOD.replace("dog/1.png", "../a.png"), "in/bad.csv"), photos("in/"), file("a.png", b"")),
        line="detect in/bad.csv --folds 2 --dry-run",
    ),
    Csv(
        "no image that can be read",
        together(file("bad.csv", "path,label\na.png,a\nb.png,b\n"), file("a.png", ""), file("b.png", "")),
        "unreadable",
        names="a.png",
    ),
]
