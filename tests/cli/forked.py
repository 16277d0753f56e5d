"""Run labelscan with streams that are closed, full or unread: each case is a fork of one process that has imported it.

The argument is a JSON list of (arguments, {descriptor: file}), where null is a closed descriptor and "unread" a pipe
whose reader is gone. Writes a JSON list of (exit code, text on stderr). A child ends as the interpreter does, so that
what fails while streams are closed counts.
"""

import json
import os
import sys
from pathlib import Path

import labelscan.cli.gate_screen
import labelscan.gating.run_gate
import labelscan.results.run  # noqa: F401  # loaded once, for all children
from labelscan.__main__ import main


def become(streams):
    os.dup2(os.open("stderr.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    for descriptor, file in streams.items():
        if file is None:
            os.close(int(descriptor))
            setattr(sys, ("stdin", "stdout", "stderr")[int(descriptor)], None)  # as where it starts without one
        elif file == "unread":
            reader, writer = os.pipe()
            os.close(reader)
            os.dup2(writer, int(descriptor))
        else:
            os.dup2(os.open(file, os.O_WRONLY), int(descriptor))


ended = []
for arguments, streams in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        become(streams)
        sys.exit(main(arguments))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended.append((code, Path("stderr.txt").read_text(encoding="utf-8")))
print(json.dumps(ended))
