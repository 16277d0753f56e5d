"""Settings, the texts of parts, and files of settings."""

from functools import partial

from hostile.kinds import Kind, Make, file, folder, locked, nothing, photos, pipe, together


def toml(content: str | bytes, name: str = "bad.toml") -> Make:
    return together(photos("data/"), file(name, content))


def setting(what: str, options: str, code: str, names: str) -> Kind:
    return Kind(what, photos("data/"), code, line=f"detect data --folds 2 --dry-run {options}", names=names)


Toml = partial(Kind, line="detect data --config bad.toml --dry-run", names="bad.toml")
Json = partial(Kind, line="detect data --config bad.json", names="bad.json")
Pyproject = partial(Kind, line="detect data --config pyproject.toml", names="pyproject.toml")
Matrix = partial(Kind, line="benchmark demo:digits --noise matrix:bad.csv --dry-run")
FILES = [
    Toml("no such file", photos("data/"), "unknown-config"),
    Toml("a pipe", together(photos("data/"), pipe("bad.toml")), "unreadable"),
    Toml("a device", photos("data/"), "unreadable", line="detect data --config /dev/zero --dry-run", names="/dev/zero"),
    Toml("a folder", together(photos("data/"), folder("bad.toml")), "unreadable"),
    Toml("a file that may not be read", together(photos("data/"), locked("bad.toml")), "unreadable", as_root=False),
    Toml("TOML that is broken", toml("[folds\n"), "not-valid"),
    Toml("UTF-16", toml("seed = 1".encode("utf-16")), "unreadable"),
    Toml("a NUL byte", toml("seed = 1\0"), "not-valid"),
    Toml("100,000 brackets", toml(f"seed = {'[' * 100_000}"), "not-valid"),
    Toml("100,000 dots in a name", toml(f"{'.'.join('a' * 100_000)} = 1"), "not-valid"),
    Toml("a setting twice", toml("seed = 1\nseed = 2\n"), "not-valid"),
    Toml("a section that is unknown", toml("[fold]\nn_folds = 3\n"), "unknown-setting"),
    Toml("a section in place of a value", toml("[folds.n_folds]\na = 1\n"), "wrong-type"),
    Toml("a list in place of a value", toml("[folds]\nn_folds = [3]\n"), "wrong-type"),
    Toml("text in place of a number", toml('[folds]\nn_folds = "3"\n'), "wrong-type"),
    Toml("a truth value in place of a number", toml("[folds]\nn_folds = true\n"), "wrong-type"),
    Toml("a date in place of a number", toml("[folds]\nn_folds = 2024-01-01\n"), "wrong-type"),
    Toml("a number in place of a section", toml("folds = 3\n"), "unknown-setting"),
    Toml("nan", toml("[training]\nlearning_rate = nan\n"), "not-finite"),
    Toml("inf", toml("[training]\nlearning_rate = inf\n"), "not-finite"),
    Toml("a number of 400 digits", toml(f"[training]\nlearning_rate = {'9' * 400}\n"), "out-of-range"),
    Toml("a number of 40,000 bits", toml(f"seed = 0x{'f' * 10_000}\n"), "out-of-range"),
    Toml("a number of 5,000 digits", toml(f"seed = {'9' * 5000}\n"), "not-valid"),
    Pyproject("a pyproject.toml without a table for labelscan", toml("[tool.ruff]\n", "pyproject.toml"), "no-table"),
    Pyproject("a pyproject.toml whose tool is a number", toml("tool = 5\n", "pyproject.toml"), "not-valid"),
    Json("JSON that is a list", toml("[1]", "bad.json"), "not-valid"),
    Json("JSON whose settings are a list", toml('{"settings": [1]}', "bad.json"), "not-valid"),
    Json("JSON of 100,000 brackets", toml("[" * 100_000, "bad.json"), "not-valid"),
    Json("JSON that is cut off", toml('{"settings": {', "bad.json"), "not-valid"),
    Json("JSON with Infinity", toml('{"training": {"learning_rate": Infinity}}', "bad.json"), "not-finite"),
]

VALUES = [
    setting("inf", "--set training.learning_rate=inf", "not-finite", "training.learning_rate"),
    setting("-inf", "--set training.weight_decay=-inf", "not-finite", "training.weight_decay"),
    setting("nan", "--set training.learning_rate=nan", "not-finite", "training.learning_rate"),
    setting("1e400", "--set training.learning_rate=1e400", "not-finite", "training.learning_rate"),
    setting("an empty value", "--set training.epochs=", "wrong-type", "training.epochs"),
    setting("a number with a fraction for a whole one", "--epochs 1.5", "wrong-type", "--epochs"),
    setting("a whole number of 400 digits", f"--epochs {'9' * 400}", "out-of-range", "--epochs"),
    setting("a whole number of 5,000 digits", f"--epochs {'9' * 5000}", "wrong-type", "--epochs"),
    setting(
        "a negative number of 400 digits", f"--set training.epochs=-{'9' * 400}", "out-of-range", "training.epochs"
    ),
    setting("images of 100,000 pixels a side", "--image-size 100000", "out-of-range", "--image-size"),
    setting("images of 20,000,000 pixels a side", "--image-size 20000000", "out-of-range", "--image-size"),
    setting(
        "images in batches that fill the memory", "--image-size 10000 --batch-size 1000000", "too-large", "--image-size"
    ),
    setting("a quintillion epochs", f"--epochs {10**18}", "out-of-range", "--epochs"),
    setting("a quintillion folds", f"--folds {10**18}", "out-of-range", "--folds"),
    setting("a quintillion repeats", f"--repeats {10**18}", "out-of-range", "--repeats"),
    setting("a quintillion examples in a batch", f"--batch-size {10**18}", "out-of-range", "--batch-size"),
    setting("a quintillion threads", f"--set executor.threads={10**18}", "out-of-range", "executor.threads"),
    setting("a quintillion processes", f"--set executor.processes={10**18}", "out-of-range", "executor.processes"),
    setting("a quintillion workers", f"--workers {10**18}", "out-of-range", "--workers"),
    setting(
        "a quintillion megabytes", f"--set store.cache_megabytes={10**18}", "out-of-range", "store.cache_megabytes"
    ),
    setting("a seed beyond 64 bits", f"--seed {2**64}", "out-of-range", "--seed"),
    setting("a setting that is unknown", "--set training.epoch=3", "unknown-setting", "--set"),
    setting("a setting without a value", "--set training.epochs", "not-a-setting", "--set"),
    setting("a time of infinity", "--max-time inf", "not-a-time", "--max-time"),
    setting("a time of 400 digits", f"--max-time {'9' * 400}", "not-a-time", "--max-time"),
    setting("a number of suspects beyond 64 bits", f"--top {10**30}", "out-of-range", "--top"),
    setting(
        "a column name of a megabyte", f"--label-column {'a' * 10**5}", "setting-without-effect", "dataset.label_column"
    ),
]

PARTS = [
    setting("a loss that is unknown", "--loss blury", "unknown-name", "loss"),
    setting("an option that is unknown", "--loss blurry:gama=1", "unknown-option", "loss"),
    setting("an option without a value", "--loss blurry:gamma=", "not-an-option", "loss"),
    setting("an option twice", "--loss blurry:gamma=1,gamma=2", "option-twice", "loss"),
    setting("an option and a bare value for it", "--loss gce:0.5,q=0.5", "option-twice", "loss"),
    setting("an option of infinity", "--loss blurry:gamma=inf", "not-finite", "gamma"),
    setting("an option of nan", "--loss blurry:gamma=nan", "not-finite", "gamma"),
    setting("an option of 1e400", "--loss gce:q=1e400", "not-finite", "q"),
    setting("an option out of range", "--loss blurry:gamma=-1", "out-of-range", "gamma"),
    setting("commas only", "--loss blurry:,,,", "not-an-option", "loss"),
    setting("a colon only", "--loss :", "not-an-option", "loss"),
    setting("an empty name", "--loss ''", "unknown-name", "loss"),
    setting("a name of 100,000 letters", f"--loss {'a' * 100_000}", "unknown-name", "loss"),
    setting("a path as a name", "--loss ../../etc/passwd", "unknown-name", "loss"),
    setting("a network a quintillion wide", f"--model small-cnn:width={10**18}", "out-of-range", "width"),
    setting("a network of width 0", "--model small-cnn:width=0", "out-of-range", "width"),
    setting("a detector with an infinite option", "--detector noise-posterior:kappa=inf", "not-finite", "kappa"),
    setting(
        "a detector with a choice that is unknown",
        "--detector confident-learning:filter_by=all",
        "wrong-type",
        "filter_by",
    ),
    setting("a device that is not there", "--device cuda:999999999999", "unknown-device", "device"),
    setting("weights that are a folder", "--weights data --model resnet18", "no-file", "weights"),
    setting("weights that are not weights", "--weights data/cat/1.png --model resnet18", "no-weights", "weights"),
    Kind(
        "a noise of infinity",
        nothing,
        "not-finite",
        line="detect demo:digits?noise=symmetric:inf --dry-run",
        names="noise",
    ),
    Matrix("a noise matrix that is a pipe", pipe("bad.csv"), "unreadable", names="bad.csv"),
    Matrix("a noise matrix that is not square", file("bad.csv", "1,0\n"), "ragged", names="bad.csv row 1"),
    Matrix("a noise matrix of text", file("bad.csv", "a,0\n0,1\n"), "not-numbers", names="bad.csv row 1"),
    Matrix(
        "a noise matrix that does not sum to 1",
        file("bad.csv", "1,1\n1,1\n"),
        "not-a-noise-matrix",
        names="bad.csv column 1",
    ),
    Matrix("a noise matrix with NaN", file("bad.csv", "nan,1\n1,0\n"), "not-a-noise-matrix", names="bad.csv row 1"),
]
