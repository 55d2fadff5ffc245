"""Select the recordings that ship with `earwitness learn`: an excerpt of a sound bank with free licences.

    python scripts/make_learn_sounds.py --bank BANK

A model that learns new classes needs examples of everything else, or it forgets its own classes and takes other sounds
for the new ones. For each class of the bank, and of its interference and backgrounds, the recordings of different
groups are drawn from the split "train", cut to a few seconds and written as OGG Opus, with CREDITS.csv, to
src/earwitness/assets/learn. Recordings with a weight of 0 in recipes/bank-weights.yaml are left out.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import yaml
from numpy.typing import NDArray

from earwitness.core.errors import BankError
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE, BankSound, licence_family
from earwitness.scenes.bank.recording import read_recording
from earwitness.scenes.bank.sound_bank import SoundBank, weight_of
from earwitness.scenes.scene import SAMPLE_RATE

ROOT: Final = Path(__file__).resolve().parents[1]
OUT: Final = ROOT / "src" / "earwitness" / "assets" / "learn"
FREE: Final = frozenset({"cc0", "ccby", "mit", "apache", "publicdomain", "bsd"})
PER_CLASS: Final = 10
OTHERS: Final = {BACKGROUND: 10, INTERFERENCE: 36}
LONGEST_SECONDS: Final = 2.2
_FADE: Final = SAMPLE_RATE // 50
_BLOCK: Final = 4096
_BITS_PER_SECOND: Final = 32_000


def main() -> None:
    """Write the excerpt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    weights = yaml.safe_load((ROOT / "recipes" / "bank-weights.yaml").read_text(encoding="utf-8"))["data"]["weights"]
    unseen = {name: weight for name, weight in weights.items() if not weight}
    bank = SoundBank.open(asked.bank, "train", weights=unseen)
    rng = np.random.default_rng(asked.seed)
    if OUT.is_dir():
        shutil.rmtree(OUT)
    rows = []
    for kind in bank.kinds:
        for number, sound in enumerate(chosen(bank, kind, OTHERS.get(kind, PER_CLASS), rng)):
            name = f"{kind}/{number:02d}.ogg"
            write_ogg(OUT / name, cut(bank.samples(sound.name)))
            if not is_usable(OUT / name):
                (OUT / name).unlink()
                continue
            rows.append([name, kind, sound.name, sound.licence, sound.attribution])
    with (OUT / "CREDITS.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "class", "of", "licence", "attribution"])
        writer.writerows(rows)
    total = sum(path.stat().st_size for path in OUT.rglob("*.ogg"))
    print(f"{len(rows)} recordings, {total / 1e6:.2f} MB")


def chosen(bank: SoundBank, kind: str, number: int, rng: np.random.Generator) -> list[BankSound]:
    """Recordings of different groups with free licences, in random order of the groups."""
    groups: dict[str, list[BankSound]] = {}
    for sound in bank.sounds:
        fits = sound.kind == kind and not sound.variant_of and _is_free(sound.licence)
        if fits and weight_of(sound, bank.weights) > 0:
            groups.setdefault(sound.group or sound.name, []).append(sound)
    order = rng.permutation(sorted(groups))
    return [groups[name][int(rng.integers(len(groups[name])))] for name in order[:number]]


def is_usable(path: Path) -> bool:
    """Whether a written recording is audible; the cut may have kept a silent beginning."""
    try:
        return bool(read_recording(path).size)
    except BankError:
        return False


def _is_free(licence: str) -> bool:
    family = licence_family(licence)
    return any(family.startswith(free) for free in FREE) and "sa" not in family.removeprefix("ccby")[:2]


def cut(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first seconds of a recording, faded out."""
    kept = samples[: round(LONGEST_SECONDS * SAMPLE_RATE)].copy()
    if kept.size < samples.size:
        kept[-_FADE:] *= np.linspace(1, 0, _FADE, dtype=np.float32)
    return kept


def write_ogg(path: Path, samples: NDArray[np.float32]) -> None:
    """Write mono sound as OGG Opus of low quality, which suffices for examples of other sounds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = _BITS_PER_SECOND
        for start in range(0, samples.size, _BLOCK):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + _BLOCK], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
