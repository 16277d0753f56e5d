"""Known vulnerabilities of the packages that are installed, by pip-audit; the exit code is 1 if there are any.

pip-audit asks PyPI about each package. Where PyPI's advisories cannot be reached, as behind a mirror, it counts every
package as unknown and still ends well; this says so instead, and ends in 2. A package that PyPI does not have in that
version, such as torch for CPUs alone, is named as not checked.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

ACCEPTED: Mapping[str, str] = {}
"""Advisories that do not concern labelscan, each with the reason."""


def main() -> int:
    """Ask about everything that is installed beside this interpreter, and say what is known."""
    asked = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"pip-audit could not ask: {ended.stderr.strip()}")
        return 2
    words, code = verdict(packages)
    print(words)
    return code


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """Return what pip-audit's answer on each package comes to, in words and as an exit code."""
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        return "PyPI's advisories cannot be reached from here: nothing is known about what is installed", 2
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in packages
        for flaw in one.get("vulns", ())
        if not ACCEPTED.keys() & {flaw["id"], *flaw.get("aliases", ())}
    ]
    not_checked = f"; not on PyPI in this version, and not checked: {', '.join(unknown)}" if unknown else ""
    lines = [
        *found,
        f"{len(packages) - len(unknown)} packages checked, {len(found)} vulnerabilities known{not_checked}",
    ]
    return "\n".join(lines), 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
