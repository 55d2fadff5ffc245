"""Damaged, odd and hostile input of every kind that earwitness takes: `python scripts/fuzz.py --cases 3000 [--seed S]`.

A case is a valid file with bits flipped, cut, repeated or with huge numbers in its headers, or one made to be odd:
playlists, headers that lie, layouts that change, labels, journals, results, recipes, models, rooms, cut-outs, sets,
requests to the page, command lines (`fuzzing/kinds.py` lists them). It must end in a result or in an `EarwitnessError`
of one line: any other exception, a RuntimeWarning, a crash, more than 30 s of processor time (or 120 s by the clock),
more than 1.5 GB, another file that is opened or named is a failure. The exit code is then 1, and each failure is named
with what repeats it: `--seed S --only N`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported

from fuzzing.kinds import KINDS, kind_of  # noqa: E402
from fuzzing.valid import write_valid  # noqa: E402
from fuzzing.watch import Watched, work  # noqa: E402


def main() -> int:
    """Run the cases; returns the number of failures, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="N", help="run this case alone")
    parser.add_argument("--kind", choices=KINDS, help="make all cases of this kind")
    parser.add_argument("--verbose", action="store_true", help="say what came of each case")
    parser.add_argument("--times", action="store_true", help="say at the end what each kind took")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seed)
        return 0
    if options.only is not None:
        options.first, options.cases = options.only, 1
    with tempfile.TemporaryDirectory(prefix="earwitness-fuzz-valid-") as valid:
        os.environ["EARWITNESS_CACHE"] = str(Path(valid) / "cache")
        write_valid(Path(valid))
        observation = Watched(Path(__file__), Path(valid), options.seed)
        try:
            return _run(options, observation)
        finally:
            observation.close()


def _run(options: argparse.Namespace, observation: Watched) -> int:
    outcomes, times, failures, kinds = Counter[str](), Counter[str](), 0, set()
    heaviest, slowest = 0, 0.0
    for number in range(options.first, options.first + options.cases):
        name = options.kind or kind_of(number)
        answer = observation.ask(number, name)
        outcomes[answer.outcome] += 1
        times[name] += answer.seconds
        kinds.add(name)
        heaviest, slowest = max(heaviest, answer.megabytes), max(slowest, answer.seconds)
        if not answer.well:
            failures += 1
        if options.verbose or not answer.well:
            repeat = f" --kind '{name}'" if options.kind else ""
            print(
                f"{name}: {answer.outcome} (--seed {options.seed} --only {number}{repeat}): {answer.detail}", flush=True
            )
    if options.times:
        for name, seconds in times.most_common():
            print(f"{seconds:7.1f} s  {name}")
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(
        f"{options.cases} cases of {len(kinds)} kinds: {told}; at most {heaviest} MB, {slowest:.1f} s of processor time"
    )
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
