"""Finds doubtful recordings of a sound bank with a tagger: `python scripts/check_bank.py BANK OUT.csv [--split train]`.

YAMNet (`earwitness models pull yamnet`) says which of AudioSet's classes each recording sounds like. Written are those
that disagree with their folder: recordings of a class whose likeliest labels are all of others, and recordings of
`interference` and `background` that sound like any of the 13 classes. It is a hint, not a verdict: YAMNet is right on
few steps and doors. `--weights` prints the doubtful ones of the bank as lines for `data.weights` of a recipe.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.encoders.yamnet import Yamnet, YamnetSettings
from earwitness.scenes.bank.bank_sound import class_of
from earwitness.scenes.bank.sound_bank import BACKGROUND, INTERFERENCE, SoundBank
from earwitness.scenes.scene import SAMPLE_RATE

ALIKE = (
    {"female_speech", "male_speech"},
    {"music", "musical_instrument", "bell"},
    {"door", "knock", "footsteps", "domestic_sounds"},
    {"telephone", "bell", "music"},
    {"water_tap", "domestic_sounds"},
)
"""Classes that the tagger may take for each other without a recording being doubtful."""
SPEECH = {"Speech", "Child speech, kid speaking", "Conversation", "Narration, monologue"}
OFTEN = 0.5
"""Probability from which on interference sounds like a class."""
LOOKED_AT = 3


@dataclass(frozen=True)
class Verdict:
    """What the tagger says of a recording.

    Attributes:
        name, kind: of the recording.
        labels: the likeliest, with their probabilities.
        doubtful: the class that it sounds like instead; "" where nothing speaks against its own.
    """

    name: str
    kind: str
    labels: tuple[tuple[str, float], ...]
    doubtful: str


def classes_of(label: str) -> set[str]:
    """Slugs of the classes that a label may be of."""
    if label in SPEECH:
        return {"female_speech", "male_speech"}
    found = class_of(label)
    return {found} if found else set()


def judge(name: str, kind: str, classes: Sequence[str], probability: NDArray[np.float64]) -> Verdict:
    """Compare a recording's likeliest labels with its kind."""
    order = np.argsort(-probability)[:LOOKED_AT]
    labels = tuple((classes[index], round(float(probability[index]), 2)) for index in order)
    heard = [(found, chance) for label, chance in labels for found in sorted(classes_of(label))]
    doubtful = ""
    if kind in (INTERFERENCE, BACKGROUND):
        doubtful = next((found for found, chance in heard if chance >= OFTEN), "")
    elif heard:
        fine = {kind}.union(*(group for group in ALIKE if kind in group))
        doubtful = "" if any(found in fine for found, _ in heard) else heard[0][0]
    return Verdict(name, kind, labels, doubtful)


def check(bank: SoundBank, tagger: Yamnet) -> list[Verdict]:
    """Judge all sounds of a bank, one at a time."""
    verdicts = []
    for sound in bank.sounds:
        mono = bank.samples(sound.name)
        logits = tagger.tag(np.stack([mono, mono]), SAMPLE_RATE).tokens.reshape(-1, len(tagger.classes))
        probability = (1 / (1 + np.exp(-logits.astype(np.float64)))).mean(axis=0)
        verdicts.append(judge(sound.name, sound.kind, tagger.classes, probability))
    return verdicts


def main() -> None:
    """Judge a bank and write what is doubtful."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split")
    parser.add_argument("--weights", action="store_true", help="print lines for data.weights")
    asked = parser.parse_args()
    settings = YamnetSettings(hop_frames=96)
    verdicts = check(SoundBank.open(asked.bank, asked.split), Yamnet.load(settings))
    doubtful = [verdict for verdict in verdicts if verdict.doubtful]
    with asked.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "kind", "sounds_like", "labels"])
        for one in doubtful:
            writer.writerow([one.name, one.kind, one.doubtful, "; ".join(f"{name} {p}" for name, p in one.labels)])
    total = Counter(verdict.kind for verdict in verdicts)
    for kind, number in sorted(Counter(one.kind for one in doubtful).items()):
        print(f"{kind}: {number} of {total[kind]} doubtful")
    if asked.weights:
        print("\n".join(f'    "{one.name}": 0  # {one.doubtful}' for one in doubtful))


if __name__ == "__main__":
    main()
