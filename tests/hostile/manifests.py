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
    Csv(what="no such file", make=nothing, says="no such file"),
    Csv(what="an empty file", make=file("bad.csv", ""), says="the file is empty"),
    Csv(what="a file of blank lines", make=file("bad.csv", "\n\n\n"), says="the file is empty"),
    Csv(what="a pipe", make=pipe("bad.csv"), says="this is a pipe, not a file"),
    Kind(what="a device", line="detect /dev/zero --dry-run", make=nothing, says="are not read", names="/dev/zero"),
    Csv(what="a link to a device", make=link("bad.csv", "/dev/zero"), says="this is a device, not a file"),
    Csv(what="a link to itself", make=link("bad.csv", "bad.csv"), says="this link leads to no file"),
    Csv(what="a folder called like a file", make=folder("bad.csv"), says="no class folder"),
    Csv(what="a file that may not be read", make=locked("bad.csv"), says="Permission denied", as_root=False),
    Csv(
        what="a path that is too long",
        line=f"detect {'a' * 300}.csv",
        make=nothing,
        says="File name too long",
        names="aaa",
    ),
    Kind(
        what="another extension",
        line="detect bad.xlsx",
        make=file("bad.xlsx", "PK"),
        says="files called .xlsx are not read",
        names="bad.xlsx",
    ),
    Kind(
        what="no extension",
        line="detect bad",
        make=file("bad", "text"),
        says="files called without an extension are not read",
        names="bad",
    ),
    Kind(
        what="an address where nothing is",
        line="detect memory://b/none.csv",
        make=nothing,
        says="no such file",
        names="memory://b/none.csv",
    ),
    Kind(
        what="an address with a password",
        line="detect s3://me:secret@bucket/train.csv",
        make=nothing,
        says="this address holds a user and password",
        names="dataset.data",
    ),
    Kind(
        what="an address with a signature",
        line="detect 'https://a.org/b.csv?X-Amz-Signature=secret'",
        make=nothing,
        says="may be a signature",
        names="https://a.org/b.csv",
    ),
    Kind(
        what="an address of an unknown kind",
        line="detect odd://b/train.csv",
        make=nothing,
        says="no protocol is called 'odd'",
        names="odd://b/train.csv",
    ),
    # Encodings and line ends
    Csv(what="UTF-16 with a byte order mark", make=csv(GOOD.encode("utf-16"))),
    Csv(what="UTF-32 with a byte order mark", make=csv(GOOD.encode("utf-32"))),
    Csv(
        what="a byte order mark of UTF-16 before other text",
        make=csv(b"\xff\xfe" + GOOD.encode() + b"\0\xdc"),
        says="not utf-16",
        names="bad.csv",
    ),
    Csv(what="UTF-16 without one", make=csv(GOOD.encode("utf-16-le")), says="NUL bytes", names="bad.csv row 1"),
    Csv(
        what="Latin-1",
        make=csv(f"{GOOD}größe.png,dog\n".encode("latin-1")),
        says="not UTF-8: byte 0xf6 at column 3",
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
        says="not UTF-8",
        names="bad.csv row 1",
    ),
    # Quotes, rows and columns
    Csv(what="a quote that is never closed", make=csv(f'{GOOD}"cat/1.png,cat\n'), says="broken quotes", names="row 6"),
    Csv(what="text after a quote", make=csv(f'{GOOD}"cat"/1.png,cat\n'), says="broken quotes", names="bad.csv row 6"),
    Csv(
        what="a field of 17 megabytes",
        make=csv(f"{GOOD}{'a' * (2**24 + 1)},cat\n"),
        says="field larger than field limit",
        names="bad.csv row 6",
    ),
    Csv(what="a row with a field more", make=csv(f"{GOOD}cat/1.png,cat,1\n"), says="3 fields for 2", names="row 6"),
    Csv(what="a row with a field less", make=csv(f"{GOOD}cat/1.png\n"), says="1 fields for 2", names="bad.csv row 6"),
    Csv(what="semicolons", make=csv(GOOD.replace(",", ";")), read_as="read as with commas"),
    Tsv(what="commas in a .tsv", make=csv(GOOD, "bad.tsv"), read_as="read as with tabs"),
    Csv(what="tabs in a .csv", make=csv(GOOD.replace(",", "\t")), read_as="read as with commas"),
    Csv(what="column names without rows", make=csv("path,label\n"), says="there is no example"),
    Csv(what="rows without column names", make=csv(ROWS), says="no label column; there are 'cat/1.png', 'cat'"),
    Csv(
        what="two columns of one name",
        make=csv("path,label,label\ncat/1.png,a,b\n"),
        says="column 'label' occurs twice",
    ),
    Csv(
        what="two columns that could be the label",
        make=csv("path,label,given_label\ncat/1.png,a,b\n"),
        says="could both be the label column",
    ),
    Csv(
        what="two columns that could be the path",
        make=csv("file,image,label\ncat/1.png,b,c\n"),
        says="could both be the path column",
    ),
    Csv(what="columns without names", make=csv(f",\n{ROWS}"), says="column '' occurs twice"),
    Csv(what="a name of a megabyte", make=csv(f"path,{'a' * 2**17}\ncat/1.png,cat\n"), says="no label column"),
    Csv(what="no label column", make=csv("path,colour\ncat/1.png,red\n"), says="no label column"),
    Csv(
        what="a label column that is not there",
        make=csv(GOOD),
        line="detect bad.csv --label-column lable",
        says="no label column called 'lable'",
    ),
    Csv(
        what="columns of boxes",
        make=csv("path,label,bbox\ncat/1.png,cat,1 2 3 4\n"),
        says="describes boxes or parts of images",
    ),
    Csv(
        what="the issues.csv of a run",
        make=file("bad.csv", "rank,example_id,path,given_label,suggested_label,label_quality\n"),
        says="results of a run",
    ),
    Csv(
        what="decisions in place of data",
        make=file("bad.csv", "example_id,decision,new_label\n"),
        says="decisions of a reviewer",
    ),
    Csv(
        what="a split that is not there",
        make=csv(GOOD.replace("path,label", "path,split")),
        line="detect bad.csv --split test --label-column split --split-column split",
        says="no split is called 'test'",
    ),
    # Cells
    Csv(what="an empty label", make=csv(f"{GOOD}cat/1.png,\n"), says="'label' is empty", names="bad.csv row 6"),
    Csv(what="a blank label", make=csv(f"{GOOD}cat/1.png, \t\n"), says="'label' is empty", names="bad.csv row 6"),
    Csv(what="an empty path", make=csv(f"{GOOD},cat\n"), says="'path' is empty", names="bad.csv row 6"),
    Csv(
        what="several labels in a cell",
        make=csv(f'{GOOD}cat/1.png,"[""cat"", ""dog""]"\n'),
        says="'label' is the list",
        names="row 6",
    ),
    Csv(what="one label for all", make=csv(GOOD.replace("dog\n", "cat\n")), says="every label is 'cat'"),
    Csv(
        what="a path twice",
        make=csv(f"{GOOD}cat/1.png,dog\n"),
        says="'cat/1.png' is listed twice, first at bad.csv row 2",
        names="row 6",
    ),
    Csv(
        what="a path twice in two spellings",
        make=csv(f"{GOOD}./dog/../cat/1.png,dog\n"),
        says="is listed twice",
        names="row 6",
    ),
    Csv(
        what="an id twice",
        make=csv("id,path,label\n1,cat/1.png,cat\n1,dog/1.png,dog\n"),
        says="'1' is listed twice",
        names="row 3",
    ),
    Csv(
        what="an empty id",
        make=csv("id,path,label\n1,cat/1.png,cat\n,dog/1.png,dog\n"),
        says="'id' is empty",
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
    Csv(what="a file that is not there", make=csv(f"{GOOD}gone.png,cat\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="an address of an image with a password",
        make=csv(f"{GOOD}https://me:secret@a.org/1.png,cat\n"),
        says="an address holds a user and password",
        names="row 6",
    ),
    Csv(what="a pattern of files", make=csv(f"{GOOD}cat/*.png,cat\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="backslashes between folders",
        make=csv(f"{GOOD}dog\\1.png,dog\n"),
        says="write / between folders",
        names="row 6",
    ),
    Csv(
        what="spaces around a path",
        make=csv(f"{GOOD}dog/1.png ,dog\n"),
        says="take out the spaces",
        names="bad.csv row 6",
    ),
    Csv(what="another case", make=csv(f"{GOOD}DOG/1.PNG,dog\n"), says="no such file", names="bad.csv row 6"),
    Csv(
        what="a path through a file",
        make=csv(f"{GOOD}cat/1.png/2.png,dog\n"),
        says="no such file",
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
        says="none of the images",
        names="a.png",
    ),
]
