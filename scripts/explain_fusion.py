"""Why the fusion is not right more often about on and off screen: `python scripts/explain_fusion.py SET...`.

SETs are calibration sets of scripts/render_visual.py. Each quarter of their clips is answered with settings fitted on
the others. Printed, as means over classes: what is right with sound alone and with the fusion; what the fusion's own
probabilities promise, which is the most that any reading of them could reach where they are true; how true they are;
what the errors are; and what would be right with better senses: if the cause were known wherever it is seen, or if all
directions were heard without error.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from choose_fusion import choose
from fit_fusion import AT_LEAST_DEG, START, held_out
from measure_fusion import FOV, Clip, load_clips, matched
from numpy.typing import NDArray

from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.fusion.fuse import fuse
from earwitness.fusion.fusion_settings import FusionSettings

BINS = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01])
Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Frames in which something heard has a reference, all (n,).

    Attributes:
        share: of the mean over classes that each is.
        truth, said: whether it is, and is said to be, on screen.
        probability: that it is.
        seen: whether a candidate that may make it is at the true direction.
        ahead: whether the true direction, mirrored to the front, is one of the picture.
    """

    share: Array
    truth: BoolArray
    said: BoolArray
    probability: Array
    seen: BoolArray
    ahead: BoolArray

    def part(self, which: BoolArray) -> float:
        """Of the mean over classes, percent."""
        return 100 * float(self.share[which].sum())


def is_seen(clip: Clip, row: int) -> bool:
    """Whether a candidate that may make the sound is at the direction of a reference."""
    frame, index = int(clip.truth.frame[row]), int(clip.truth.class_index[row])
    for one in clip.candidates:
        if one.may_make(CLASSES[index]) and one.start <= frame < one.stop:
            place = frame - one.start
            reach = max(AT_LEAST_DEG, float(one.width[place]) / 2)
            if abs(float(one.azimuth[index, place]) - float(clip.truth.azimuth[row])) <= reach:
                return True
    return False


def answer(clips: Sequence[Clip], settings: Sequence[FusionSettings], least: float) -> Pairs:
    """What the fusion says of each pair."""
    columns: list[tuple[float, ...]] = []
    for clip, own in zip(clips, settings, strict=True):
        clip = replace(clip, heard=clip.heard.sorted())
        fused = fuse(clip.heard, clip.candidates, FOV, own)
        for row, reference in zip(*matched(clip), strict=True):
            columns.append((
                float(clip.heard.class_index[row]), clip.weight, float(clip.truth.onscreen[reference]),
                float(fused.onscreen_probability[row]), float(is_seen(clip, reference)),
                abs(float(clip.truth.azimuth[reference])),
            ))  # fmt: skip
    index, weight, truth, probability, seen, azimuth = np.array(columns).T
    totals = np.bincount(index.astype(int), weight, NUM_CLASSES)
    share = weight / totals[index.astype(int)] / (totals > 0).sum()
    return Pairs(share, truth > 0, probability >= least, probability, seen > 0, azimuth <= FOV / 2)


def exactly_heard(clip: Clip) -> Clip:
    """The clip, if its sounds were heard where they are."""
    heard = clip.heard.sorted()
    azimuth = heard.azimuth.copy()
    rows, references = matched(replace(clip, heard=heard))
    azimuth[rows] = clip.truth.azimuth[references]
    return replace(clip, heard=heard.with_columns(azimuth=azimuth))


def show(pairs: Pairs) -> None:
    """Print what is right, what could be, and what the errors are."""
    print(f"always off screen right: {pairs.part(~pairs.truth):.1f} %")
    print(f"fusion right: {pairs.part(pairs.said == pairs.truth):.1f} %")
    sure = np.maximum(pairs.probability, 1 - pairs.probability)
    print(f"its own probabilities promise {100 * float((pairs.share * sure).sum()):.1f} %")
    place = np.digitize(pairs.probability, BINS) - 1
    for number in np.unique(place):
        inside = place == number
        mean = float(np.average(pairs.probability[inside], weights=pairs.share[inside]))
        on = float(np.average(pairs.truth[inside], weights=pairs.share[inside]))
        print(f"  said {100 * mean:5.1f} % on screen: {100 * on:5.1f} % are ({pairs.part(inside):4.1f} % of all)")
    off, on = pairs.truth & ~pairs.said, ~pairs.truth & pairs.said
    print(f"on screen, said off: {pairs.part(off):.1f} % (nothing seen there {pairs.part(off & ~pairs.seen):.1f})")
    line, ahead, beside = on & pairs.seen, on & ~pairs.seen & pairs.ahead, on & ~pairs.seen & ~pairs.ahead
    print(f"off screen, said on: {pairs.part(on):.1f} % (in line with something seen {pairs.part(line):.1f}, ", end="")
    print(f"elsewhere ahead {pairs.part(ahead):.1f}, beside the picture {pairs.part(beside):.1f})")
    print(f"if the cause were known wherever it is seen: {pairs.part((pairs.seen & pairs.truth) == pairs.truth):.1f} %")


def main() -> None:
    """Answer and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    clips = [clip for folder in given.sets for clip in load_clips(folder, given.model)]
    settings = held_out(clips)
    show(answer(clips, settings, choose(clips, settings)["onscreen_from"]))
    exact = [exactly_heard(clip) for clip in clips]
    middle = replace(START, outward=np.zeros(2), log_sigma=np.zeros(NUM_CLASSES))
    settings = held_out(exact, middle)
    pairs = answer(exact, settings, choose(exact, settings)["onscreen_from"])
    print(f"if all directions were heard without error: {pairs.part(pairs.said == pairs.truth):.1f} %")


if __name__ == "__main__":
    main()
