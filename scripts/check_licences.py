"""Licences of all installed dependencies against the list of allowed ones: `python scripts/check_licences.py`.

Exit code 1, naming each, if one is under another licence or does not say. What is installed is what is checked: `make
lint` runs it where all extras are.
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
"""Permissive ones; MPL and LGPL, since nothing of theirs is changed or linked into what is shipped here."""

KNOWN: Final = {
    "earwitness": "MIT",
    "pyannote-core": "MIT (its repository)",
    "pyannote-database": "MIT (its repository)",
    "pympi-ling": "MIT (its repository)",
    "pyroomacoustics": "MIT (text in its metadata)",
}
"""Packages whose metadata do not name a licence in a form that can be read; looked up by hand."""


def licence(package: Distribution) -> str:
    """What a package says of its licence: the SPDX expression, else its classifiers, else the beginning of its text."""
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
    """The licences of which all must be allowed; of alternatives (`A OR B`) one must, so they stay one part."""
    return [part.strip(" ()") for part in re.split(r"\s+AND\s+|;", expression) if part.strip(" ()")]


def allowed(expression: str) -> bool:
    """Whether a package under this expression may be depended on."""
    found = parts(expression)
    return bool(found) and all(ALLOWED.search(part) for part in found)


def main() -> int:
    """Check all packages; returns 1 if there is one that may not be used."""
    bad, count = [], 0
    for package in distributions():
        name = package.metadata["Name"].lower().replace("_", "-")
        count += 1
        said = KNOWN.get(name) or licence(package)
        if not allowed(said):
            bad.append(f"{name} {package.version}: {said or 'says nothing of its licence'}")
    for line in sorted(bad):
        print(line)
    print(f"{count} packages, {len(bad)} under a licence that is not on the list")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
