"""Checks the licences of all installed packages against a list: `python scripts/check_licences.py`.

Prints each package whose licence is unknown or not on the list, and exits with 1 if there is one. `make lint` runs it
in the environment with all extras. It does not use pip-licenses, whose `--allow-only` accepts a package if one of its
licences is allowed; here all must be.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distributions
from typing import Final

ALLOWED: Final = re.compile(
    r"""0BSD | Apache | \bBSD | BSL-1\.0 | CC0 | CNRI-Python | \bHPND | \bISC | LGPL | LLVM-exception | \bMIT\b
      | Mozilla\ Public\ License\ 2 | MPL-2\.0 | PSF | Python\ Software\ Foundation | Unlicense | Zlib | zlib""",
    re.VERBOSE,
)
"""Permissive licences; and MPL and LGPL, whose code is neither changed nor linked into anything shipped here."""

KNOWN: Final = {
    "earwitness": "MIT",
    "pyannote-core": "MIT (its repository)",
    "pyannote-database": "MIT (its repository)",
    "pympi-ling": "MIT (its repository)",
    "pyroomacoustics": "MIT (text in its metadata)",
}
"""Packages whose metadata have no readable licence, looked up by hand."""


def licence(package: Distribution) -> str:
    """The licence of a package: its SPDX expression, else its classifiers, else the first words of its licence text."""
    facts = package.metadata
    expression = facts.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.split("::")[-1].strip() for line in facts.get_all("Classifier") or [] if line.startswith("License")
    ]
    named = [line for line in classifiers if line != "OSI Approved"]
    return "; ".join(named) or " ".join((facts.get("License") or "").split())[:60]


def parts(expression: str) -> list[str]:
    """Split an expression into the licences that must all be allowed; alternatives (`A OR B`) stay one part."""
    return [part.strip(" ()") for part in re.split(r"\s+AND\s+|;", expression) if part.strip(" ()")]


def allowed(expression: str) -> bool:
    """Whether a package with this licence expression may be a dependency."""
    found = parts(expression)
    return bool(found) and all(ALLOWED.search(part) for part in found)


def main() -> int:
    """Check all packages; return 1 if the licence of any is not allowed."""
    bad, count = [], 0
    for package in distributions():
        name = package.metadata["Name"].lower().replace("_", "-")
        count += 1
        stated = KNOWN.get(name) or licence(package)
        if not allowed(stated):
            bad.append(f"{name} {package.version}: {stated or 'no licence stated'}")
    for line in sorted(bad):
        print(line)
    print(f"{count} packages, {len(bad)} with a licence that is not on the list")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
