"""Whether more overlap of windows is more accurate: `python scripts/measure_overlap.py SET [--model M]`.

SET is a folder of `earwitness synthesize` with clips longer than a window, say `--seconds 30`. For several overlaps it
prints macro F20/1, DOAE and RDE, and the paired differences to half a window (95 %, jackknife over clips).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from score_model import RULES, counted, read_set

from earwitness.core.multi_accddoa import decode
from earwitness.detect.live_stream import MERGE_DEG
from earwitness.detect.model.model_files import DEFAULT_MODEL, find_model
from earwitness.detect.runner.model_runner import ModelRunner
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.media.sound.audio import read_audio
from earwitness.metrics import Counts, jackknife
from earwitness.results.detection import off_screen

OVERLAPS: Final = (0.5, 0.4, 0.3, 0.2, 0.12, 0.0)
FIGURES: Final = {"f_score": "F20/1", "doa_error_deg": "DOAE (deg)", "relative_distance_error": "RDE"}


def main() -> None:
    """Run the model with each overlap, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    asked = parser.parse_args()
    clips, sounds = read_set(asked.set)
    file = find_model(asked.model)
    runtime, card = OnnxRuntime(file.path), file.card
    first: Counts | None = None
    print(f"| overlap | {' | '.join(f'{title} | difference (95 %)' for title in FIGURES.values())} |")
    print("|---" * (1 + 2 * len(FIGURES)) + "|")
    for overlap in OVERLAPS:
        runner, events = ModelRunner(runtime, card, overlap=overlap), []
        for sound in sounds:
            output = np.concatenate(list(runner.outputs([read_audio(sound, rate=card.features.sample_rate)])))
            table = off_screen(decode(output, threshold=card.thresholds, merge_deg=MERGE_DEG))
            events.append(card.smoothing.apply(table))
        counts = counted(clips, events)
        first = first or counts
        own, gain = jackknife(counts, RULES), jackknife(counts, RULES, minus=first)
        cells = [f"{overlap:.0%}"]
        for name in FIGURES:
            difference = gain.of("macro", name)
            cells.append(f"{own.of('macro', name).estimate:.3f}")
            cells.append(f"{difference.estimate:+.3f} ({difference.low:+.3f} .. {difference.high:+.3f})")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
