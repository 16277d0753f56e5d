"""Manifests of text: rows of paths and labels."""

from functools import partial

from hostile.kinds import IMAGES, Kind, Make, file, folder, link, locked, nothing, photos, pipe, together

ROWS = "".join(f"{name},{name[:3]}\n" for name in IMAGES)
GOOD = f"path,label\n{ROWS}"


def csv(content: str | bytes, name: str = "bad.csv") -> Make:
    return together(photos(), file(name, content))


Csv = partial(Kind, line="detect bad.csv --folds 2 --dry-run", names="bad.csv")
Tsv = partial(Kind, line="detect bad.tsv --folds 2 --dry-run", names="bad.tsv")

KINDS = [
    # Whatever the file is
    Csv(what="no such file", make=nothing, code="no-file"),
    Csv(what="an empty file", make=file("bad.csv", ""), code="empty-file"),
    Csv(what="a file of blank lines", make=file("bad.csv", "\n\n\n"), code="empty-file"),
    Csv(what="a pipe", make=pipe("bad.csv"), code="unreadable"),
    Kind(what="a device", line="detect /dev/zero --dry-run", make=nothing, code="not-a-data-set", names="/dev/zero"),
    Csv(what="a link to a device", make=link("bad.csv", "/dev/zero"), code="unreadable"),
    Csv(what="a link to itself", make=link("bad.csv", "bad.csv"), code="broken-link"),
    Csv(what="a folder called like a file", make=folder("bad.csv"), code="no-class-folders"),
    Csv(what="a file that may not be read", make=locked("bad.csv"), code="unreadable", as_root=False),
    Csv(
        what="a path that is too long",
        line=f"detect {'a' * 300}.csv",
        make=nothing,
        code="unreadable",
        names="aaa",
    ),
    Kind(
        what="another extension",
        line="detect bad.xlsx",
        make=file("bad.xlsx", "PK"),
        code="not-a-data-set",
        names="bad.xlsx",
    ),
    Kind(
        what="no extension",
        line="detect bad",
        make=file("bad", "text"),
        code="not-a-data-set",
        names="bad",
    ),
    Kind(
        what="an address where nothing is",
        line="detect memory://b/none.csv",
        make=nothing,
        code="no-file",
        names="memory://b/none.csv",
    ),
    Kind(
        what="an address with a password",
        line="detect s3://me:secret@bucket/train.csv",
        make=nothing,
        code="password-in-address",
        names="dataset.data",
    ),
    Kind(
        what="an address with a signature",
        line="detect 'https://a.org/b.csv?X-Amz-Signature=secret'",
        make=nothing,
        code="not-an-address",
        names="https://a.org/b.csv",
    ),
    Kind(
        what="an address of an unknown kind",
        line="detect odd://b/train.csv",
        make=nothing,
        code="unknown-protocol",
        names="odd://b/train.csv",
    ),
    # Encodings and line ends
    Csv(what="UTF-16 with a byte order mark", make=csv(GOOD.encode("utf-16"))),
    Csv(what="UTF-32 with a byte order mark", make=csv(GOOD.encode("utf-32"))),
    Csv(
        what="a byte order mark of UTF-16 before other text",
        make=csv(b"\xff\xfe" + GOOD.encode() + b"\0\xdc"),
        code="wrong-encoding",
        names="bad.csv",
    ),
    Csv(what="UTF-16 without one", make=csv(GOOD.encode("utf-16-le")), code="nul-bytes", names="bad.csv row 1"),
    Csv(
        what="Latin-1",
        make=csv(f"{GOOD}größe.png,dog\n".encode("latin-1")),
        code="not-utf8",
        names="bad.csv row 6",
    ),
    Csv(what="a byte order mark", make=csv("\ufeff" + GOOD)),
    Csv(what="lines that end in a carriage return", make=csv(GOOD.replace("\n", "\r"))),
    Csv(what="lines that end in both", make=csv(GOOD.replace("\n", "\r\n"))),
    Csv(what="no line end at the end", make=csv(GOOD.rstrip())),
    Csv(what="blank lines in between", make=csv(GOOD.replace("\n", "\n\n"))),
    Csv(
        what="a zip file",
        make=file("bad.csv", b"PK\x03\x04\x14\x00\x08\xff\xfe"),
        code="not-utf8",
        names="bad.csv row 1",
    ),
    # Quotes, rows and columns
    Csv(what="a quote that is never closed", make=csv(f'{GOOD}"cat/1.png,cat\n'), code="broken-row", names="row 6"),
    Csv(what="text after a quote", make=csv(f'{GOOD}"cat"/1.png,cat\n'), code="broken-row", names="bad.csv row 6"),
    Csv(
        what="a field of 17 megabytes",
        make=csv(f"{GOOD}{'a' * (2**24 + 1)},cat\n"),
        code="broken-row",
        names="bad.csv row 6",
    ),
    Csv(what="a row with a field more", make=csv(f"{GOOD}cat/1.png,cat,1\n"), code="broken-row", names="row 6"),
    Csv(what="a row with a field less", make=csv(f"{GOOD}cat/1.png\n"), code="broken-row", names="bad.csv row 6"),
    Csv(what="semicolons", make=csv(GOOD.replace(",", ";")), read_as="read as with commas"),
    Tsv(what="commas in a .tsv", make=csv(GOOD, "bad.tsv"), read_as="read as with tabs"),
    Csv(what="tabs in a .csv", make=csv(GOOD.replace(",", "\t")), read_as="read as with commas"),
    Csv(what="column names without rows", make=csv("path,label\n"), code="no-examples"),
    Csv(what="rows without column names", make=csv(ROWS), code="no-column"),
    Csv(
        what="two columns of one name",
        make=csv("path,label,label\ncat/1.png,a,b\n"),
        code="column-twice",
    ),
    Csv(
        what="two columns that could be the label",
        make=csv("path,label,given_label\ncat/1.png,a,b\n"),
        code="which-column",
    ),
    Csv(
        what="two columns that could be the path",
        make=csv("file,image,label\ncat/1.png,b,c\n"),
        code="which-column",
    ),
    Csv(what="columns without names", make=csv(f",\n{ROWS}"), code="column-twice"),
    Csv(what="a name of a megabyte", make=csv(f"path,{'a' * 2**17}\ncat/1.png,cat\n"), code="no-column"),
    Csv(what="no label column", make=csv("path,colour\ncat/1.png,red\n"), code="no-column"),
    Csv(
        what="a label column that is not there",
        make=csv(GOOD),
        line="detect bad.csv --label-column lable",
        code="no-column",
    ),
    Csv(
        what="columns of boxes",
        make=csv("path,label,bbox\ncat/1.png,cat,1 2 3 4\n"),
        code="not-judged",
    ),
    Csv(
        what="the issues.csv of a run",
        make=file("bad.csv", "rank,example_id,path,given_label,suggested_label,label_quality\n"),
        code="not-data",
    ),
    Csv(
        what="decisions in place of data",
        make=file("bad.csv", "example_id,decision,new_label\n"),
        code="not-data",
    ),
    Csv(
        what="a split that is not there",
        make=csv(GOOD.replace("path,label", "path,split")),
        line="detect bad.csv --split test --label-column split --split-column split",
        code="unknown-split",
    ),
    # Cells
    Csv(what="an empty label", make=csv(f"{GOOD}cat/1.png,\n"), code="empty-cell", names="bad.csv row 6"),
    Csv(what="a blank label", make=csv(f"{GOOD}cat/1.png, \t\n"), code="empty-cell", names="bad.csv row 6"),
    Csv(what="an empty path", make=csv(f"{GOOD},cat\n"), code="empty-cell", names="bad.csv row 6"),
    Csv(
        what="several labels in a cell",
        make=csv(f'{GOOD}cat/1.png,"[""cat"", ""dog""]"\n'),
        code="several-labels",
        names="row 6",
    ),
    Csv(what="one label for all", make=csv(GOOD.replace("dog\n", "cat\n")), code="one-class"),
    Csv(
        what="a path twice",
        make=csv(f"{GOOD}cat/1.png,dog\n"),
        code="id-twice",
        names="row 6",
    ),
    Csv(
        what="a path twice in two spellings",
        make=csv(f"{GOOD}./dog/../cat/1.png,dog\n"),
        code="id-twice",
        names="row 6",
    ),
    Csv(
        what="an id twice",
        make=csv("id,path,label\n1,cat/1.png,cat\n1,dog/1.png,dog\n"),
        code="id-twice",
        names="row 3",
    ),
    Csv(
        what="an empty id",
        make=csv("id,path,label\n1,cat/1.png,cat\n,dog/1.png,dog\n"),
        code="empty-cell",
        names="row 3",
    ),
    Csv(
        what="labels with control characters",
        make=csv(GOOD.replace(",cat\n", ",ca\x1b[2Jt\n")),
        read_as="read; shown escaped",
    ),
    Csv(
        what="labels that differ in case",
        make=csv(GOOD.replace("cat/2.png,cat", "cat/2.png,Cat")),
        read_as="read, with a note",
    ),
    Csv(
        what="labels that a spreadsheet would run", make=csv(GOOD.replace(",cat\n", ",=1+1\n")), read_as="read as text"
    ),
    # Paths
    Csv(what="a file that is not there", make=csv(f"{GOOD}gone.png,cat\n"), code="no-file", names="bad.csv row 6"),
    Csv(
        what="an address of an image with a password",
        make=csv(f"{GOOD}https://me:secret@a.org/1.png,cat\n"),
        code="password-in-address",
        names="row 6",
    ),
    Csv(what="a pattern of files", make=csv(f"{GOOD}cat/*.png,cat\n"), code="no-file", names="bad.csv row 6"),
    Csv(
        what="backslashes between folders",
        make=csv(f"{GOOD}dog\\1.png,dog\n"),
        code="no-file",
        names="row 6",
    ),
    Csv(
        what="spaces around a path",
        make=csv(f"{GOOD}dog/1.png ,dog\n"),
        code="no-file",
        names="bad.csv row 6",
    ),
    Csv(what="another case", make=csv(f"{GOOD}DOG/1.PNG,dog\n"), code="no-file", names="bad.csv row 6"),
    Csv(
        what="a path through a file",
        make=csv(f"{GOOD}cat/1.png/2.png,dog\n"),
        code="no-file",
        names="bad.csv row 6",
    ),
    Csv(
        what="a path out of the folder",
        make=together(csv(GOOD.replace("dog/1.png", "../a.png"), "in/bad.csv"), photos("in/"), file("a.png", b"")),
        line="detect in/bad.csv --folds 2 --dry-run",
    ),
    Csv(
        what="no image that can be read",
        make=together(file("bad.csv", "path,label\na.png,a\nb.png,b\n"), file("a.png", ""), file("b.png", "")),
        code="unreadable",
        names="a.png",
    ),
]
