"""Writes the tables of docs/leaderboard.md from the JSON files in docs/leaderboard.

python scripts/render_leaderboard.py            # after adding an entry
python scripts/render_leaderboard.py --check    # exit code 1 if the page is not what the files say
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from earwitness.benchmark.benchmark_set import read_model
from earwitness.benchmark.leaderboard import PublishedFigures, check_published, read_entry, with_tables
from earwitness.core.errors import BenchmarkError
from earwitness.core.files.atomic import atomic_file

DOCS = Path(__file__).resolve().parents[1] / "docs"


def rendered(docs: Path) -> str:
    """The page as the files of a docs folder say.

    Raises:
        BenchmarkError: a file is invalid.
    """
    data = docs / "leaderboard"
    published = read_model(PublishedFigures, data / "published.json", "a list of published figures")
    entries = []
    for path in sorted((data / "entries").glob("*.json")):
        entries.append(read_entry(path))
        check_published(entries[-1], data / "sets", str(path))
    return with_tables((docs / "leaderboard.md").read_text(encoding="utf-8"), published, entries)


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--docs", type=Path, default=DOCS, help="docs folder")
    options = parser.parse_args()
    page = options.docs / "leaderboard.md"
    try:
        text = rendered(options.docs)
    except BenchmarkError as error:
        print(f"render_leaderboard: {error}", file=sys.stderr)
        return 1
    if text == page.read_text(encoding="utf-8"):
        print(f"{page}: up to date")
        return 0
    if options.check:
        print(f"{page}: not up to date; run: python scripts/render_leaderboard.py", file=sys.stderr)
        return 1
    with atomic_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    print(f"{page}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
