"""Settings, the texts of parts, and files of settings."""

from functools import partial

from hostile.kinds import Kind, Make, file, folder, locked, nothing, photos, pipe, together

CONFIG = "detect data --config bad.toml --dry-run"


def toml(content: str | bytes, name: str = "bad.toml") -> Make:
    return together(photos("data/"), file(name, content))


def setting(what: str, options: str, says: str, names: str) -> Kind:
    return Kind(
        what=what, line=f"detect data --folds 2 --dry-run {options}", make=photos("data/"), says=says, names=names
    )


Toml = partial(Kind, line=CONFIG, names="bad.toml")
FILES = [
    Toml(what="no such file", make=photos("data/"), says="no file and no config is called 'bad.toml'"),
    Toml(what="a pipe", make=together(photos("data/"), pipe("bad.toml")), says="this is a pipe"),
    Toml(
        what="a device",
        line="detect data --config /dev/zero --dry-run",
        make=photos("data/"),
        says="this is a device",
        names="/dev/zero",
    ),
    Toml(what="a folder", make=together(photos("data/"), folder("bad.toml")), says="this is a folder"),
    Toml(
        what="a file that may not be read",
        make=together(photos("data/"), locked("bad.toml")),
        says="Permission denied",
        as_root=False,
    ),
    Toml(what="TOML that is broken", make=toml("[folds\n"), says="not valid TOML"),
    Toml(what="UTF-16", make=toml("seed = 1".encode("utf-16")), says="UTF-16, not UTF-8"),
    Toml(what="a NUL byte", make=toml("seed = 1\0"), says="not valid TOML"),
    Toml(what="100,000 brackets", make=toml(f"seed = {'[' * 100_000}"), says="nested too deeply"),
    Toml(what="100,000 dots in a name", make=toml(f"{'.'.join('a' * 100_000)} = 1"), says="dots in a line"),
    Toml(what="a setting twice", make=toml("seed = 1\nseed = 2\n"), says="not valid TOML"),
    Toml(what="a section that is unknown", make=toml("[fold]\nn_folds = 3\n"), says="did you mean folds.n_folds"),
    Toml(what="a section in place of a value", make=toml("[folds.n_folds]\na = 1\n"), says="must be one value"),
    Toml(what="a list in place of a value", make=toml("[folds]\nn_folds = [3]\n"), says="must be one value"),
    Toml(what="text in place of a number", make=toml('[folds]\nn_folds = "3"\n'), says="must be int, got"),
    Toml(what="a truth value in place of a number", make=toml("[folds]\nn_folds = true\n"), says="must be int, got"),
    Toml(what="a date in place of a number", make=toml("[folds]\nn_folds = 2024-01-01\n"), says="must be int, got"),
    Toml(what="a number in place of a section", make=toml("folds = 3\n"), says="no setting is called 'folds'"),
    Toml(what="nan", make=toml("[training]\nlearning_rate = nan\n"), says="must be a finite number"),
    Toml(what="inf", make=toml("[training]\nlearning_rate = inf\n"), says="must be a finite number"),
    Toml(
        what="a number of 400 digits",
        make=toml(f"[training]\nlearning_rate = {'9' * 400}\n"),
        says="must be a number of at most 9223372036854775807",
    ),
    Toml(
        what="a number of 40,000 bits",
        make=toml(f"seed = 0x{'f' * 10_000}\n"),
        says="must be a number of at most 9223372036854775807",
    ),
    Toml(what="a number of 5,000 digits", make=toml(f"seed = {'9' * 5000}\n"), says="not valid TOML"),
    Toml(
        what="a pyproject.toml without a table for labelscan",
        line="detect data --config pyproject.toml",
        make=toml("[tool.ruff]\n", "pyproject.toml"),
        says="has no table [tool.labelscan]",
        names="pyproject.toml",
    ),
    Toml(
        what="a pyproject.toml whose tool is a number",
        line="detect data --config pyproject.toml",
        make=toml("tool = 5\n", "pyproject.toml"),
        says="must hold settings by section, not int",
        names="pyproject.toml",
    ),
    Toml(
        what="JSON that is a list",
        line="detect data --config bad.json",
        make=toml("[1]", "bad.json"),
        says="must hold settings by section, not list",
        names="bad.json",
    ),
    Toml(
        what="JSON whose settings are a list",
        line="detect data --config bad.json",
        make=toml('{"settings": [1]}', "bad.json"),
        says="must hold settings by section, not list",
        names="bad.json",
    ),
    Toml(
        what="JSON of 100,000 brackets",
        line="detect data --config bad.json",
        make=toml("[" * 100_000, "bad.json"),
        says="nested too deeply",
        names="bad.json",
    ),
    Toml(
        what="JSON that is cut off",
        line="detect data --config bad.json",
        make=toml('{"settings": {', "bad.json"),
        says="not valid JSON",
        names="bad.json",
    ),
    Toml(
        what="JSON with Infinity",
        line="detect data --config bad.json",
        make=toml('{"training": {"learning_rate": Infinity}}', "bad.json"),
        says="must be a finite number",
        names="bad.json",
    ),
]

VALUES = [
    setting("inf", "--set training.learning_rate=inf", "must be a finite number", "training.learning_rate"),
    setting("-inf", "--set training.weight_decay=-inf", "must be a finite number", "training.weight_decay"),
    setting("nan", "--set training.learning_rate=nan", "must be a finite number", "training.learning_rate"),
    setting("1e400", "--set training.learning_rate=1e400", "must be a finite number", "training.learning_rate"),
    setting("an empty value", "--set training.epochs=", "must be a whole number", "training.epochs"),
    setting("a number with a fraction for a whole one", "--epochs 1.5", "must be a whole number", "--epochs"),
    setting("a whole number of 400 digits", f"--epochs {'9' * 400}", "must be at most 9223372036854775807", "--epochs"),
    setting("a whole number of 5,000 digits", f"--epochs {'9' * 5000}", "must be a whole number", "--epochs"),
    setting(
        "a negative number of 400 digits",
        f"--set training.epochs=-{'9' * 400}",
        "must be at most 9223372036854775807",
        "training.epochs",
    ),
    setting("images of 100,000 pixels a side", "--image-size 100000", "must be at most 10,000", "--image-size"),
    setting("images of 20,000,000 pixels a side", "--image-size 20000000", "must be at most 10,000", "--image-size"),
    setting(
        "images in batches that fill the memory",
        "--image-size 10000 --batch-size 1000000",
        "bytes in a batch, and the memory has",
        "--image-size",
    ),
    setting("a quintillion epochs", f"--epochs {10**18}", "must be at most 1,000,000", "--epochs"),
    setting("a quintillion folds", f"--folds {10**18}", "must be at most 10,000", "--folds"),
    setting("a quintillion repeats", f"--repeats {10**18}", "must be at most 10,000", "--repeats"),
    setting("a quintillion examples in a batch", f"--batch-size {10**18}", "must be at most 1,000,000", "--batch-size"),
    setting("a quintillion threads", f"--set executor.threads={10**18}", "must be at most 10,000", "executor.threads"),
    setting(
        "a quintillion processes",
        f"--set executor.processes={10**18}",
        "must be at most 10,000",
        "executor.processes",
    ),
    setting("a quintillion workers", f"--workers {10**18}", "must be at most 10,000", "--workers"),
    setting(
        "a quintillion megabytes",
        f"--set store.cache_megabytes={10**18}",
        "must be at most 1,000,000",
        "store.cache_megabytes",
    ),
    setting("a seed beyond 64 bits", f"--seed {2**64}", "must be at most 9223372036854775807", "--seed"),
    setting("a setting that is unknown", "--set training.epoch=3", "did you mean training.epochs", "--set"),
    setting("a setting without a value", "--set training.epochs", "section.name=value", "--set"),
    setting("a time of infinity", "--max-time inf", "cannot read 'inf' as a time", "--max-time"),
    setting("a time of 400 digits", f"--max-time {'9' * 400}", "cannot read", "--max-time"),
    setting("a number of suspects beyond 64 bits", f"--top {10**30}", "must be at most 9223372036854775807", "--top"),
    setting("a column name of a megabyte", f"--label-column {'a' * 10**5}", "has no effect", "dataset.label_column"),
]

PARTS = [
    setting("a loss that is unknown", "--loss blury", "no loss is called 'blury'", "loss"),
    setting("an option that is unknown", "--loss blurry:gama=1", "blurry has no option 'gama'", "loss"),
    setting("an option without a value", "--loss blurry:gamma=", "cannot read option", "loss"),
    setting("an option twice", "--loss blurry:gamma=1,gamma=2", "given twice", "loss"),
    setting("an option and a bare value for it", "--loss gce:0.5,q=0.5", "given twice", "loss"),
    setting("an option of infinity", "--loss blurry:gamma=inf", "must be a finite number", "gamma"),
    setting("an option of nan", "--loss blurry:gamma=nan", "must be a finite number", "gamma"),
    setting("an option of 1e400", "--loss gce:q=1e400", "must be a finite number", "q"),
    setting("an option out of range", "--loss blurry:gamma=-1", "must be at least 0", "gamma"),
    setting("commas only", "--loss blurry:,,,", "cannot read option", "loss"),
    setting("a colon only", "--loss :", "cannot read option", "loss"),
    setting("an empty name", "--loss ''", "no loss is called", "loss"),
    setting("a name of 100,000 letters", f"--loss {'a' * 100_000}", "no loss is called", "loss"),
    setting("a path as a name", "--loss ../../etc/passwd", "no loss is called", "loss"),
    setting(
        "a network a quintillion wide",
        f"--model small-cnn:width={10**18}",
        "must be at least 1 and at most 10,000",
        "width",
    ),
    setting("a network of width 0", "--model small-cnn:width=0", "must be at least 1 and at most 10,000", "width"),
    setting(
        "a detector with an infinite option", "--detector noise-posterior:kappa=inf", "must be a finite number", "kappa"
    ),
    setting(
        "a detector with a choice that is unknown",
        "--detector confident-learning:filter_by=all",
        "must be one of",
        "filter_by",
    ),
    setting("a device that is not there", "--device cuda:999999999999", "no device is called", "device"),
    setting("weights that are a folder", "--weights data --model resnet18", "no file 'data'", "weights"),
    setting(
        "weights that are not weights",
        "--weights data/cat/1.png --model resnet18",
        "is not a file of weights",
        "weights",
    ),
    Kind(
        what="a noise of infinity",
        line="detect demo:digits?noise=symmetric:inf --dry-run",
        make=nothing,
        says="must be a finite number",
        names="noise",
    ),
    Kind(
        what="a noise matrix that is a pipe",
        line="benchmark demo:digits --noise matrix:bad.csv --dry-run",
        make=pipe("bad.csv"),
        says="this is a pipe",
        names="bad.csv",
    ),
    Kind(
        what="a noise matrix that is not square",
        line="benchmark demo:digits --noise matrix:bad.csv --dry-run",
        make=file("bad.csv", "1,0\n"),
        says="2 values in a file of 1 rows",
        names="bad.csv row 1",
    ),
    Kind(
        what="a noise matrix of text",
        line="benchmark demo:digits --noise matrix:bad.csv --dry-run",
        make=file("bad.csv", "a,0\n0,1\n"),
        says="'a' is not a number",
        names="bad.csv row 1",
    ),
    Kind(
        what="a noise matrix that does not sum to 1",
        line="benchmark demo:digits --noise matrix:bad.csv --dry-run",
        make=file("bad.csv", "1,1\n1,1\n"),
        says="sums to 2, not 1",
        names="bad.csv column 1",
    ),
    Kind(
        what="a noise matrix with NaN",
        line="benchmark demo:digits --noise matrix:bad.csv --dry-run",
        make=file("bad.csv", "nan,1\n1,0\n"),
        says="must be finite",
        names="bad.csv row 1",
    ),
]
