"""Measure `earwitness learn` on kinds of sound that no model of this project was trained on.

    python scripts/measure_learn.py --bank BANK --recordings 5 --out DIR [--scenes 900] [--test-scenes 200]

The kinds are the recordings with a weight of 0 in recipes/bank-weights.yaml; a comment above the patterns of a kind
names it. Of each kind with enough recordings, `--recordings` are learnt, of as many groups as possible, all kinds in
one model beside the classes of the shipped model, as `earwitness learn` does; recordings of other groups are held out.
Both are scored on the same new scenes in other rooms: held-out recordings of the kinds, and recordings of the split
"valid" for the shipped classes. F20/1 is strict. Scenes are kept in DIR, so that only the learning is repeated.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.model.model_files import find_model
from earwitness.metrics import Scores
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.sound_bank import INTERFERENCE, BankSound, SoundBank
from earwitness.training.learn.class_columns import body_network, with_classes
from earwitness.training.learn.column_training import outputs, train_columns
from earwitness.training.learn.fold_estimate import estimate
from earwitness.training.learn.learn import combined
from earwitness.training.learn.learn_scenes import LearnScenes, SceneJob, render_scenes, scene_bank, scene_config
from earwitness.training.learn.user_sounds import UserSounds
from earwitness.training.loop.validate import score_outputs

ROOT: Final = Path(__file__).resolve().parents[1]
LEAST_HELD_OUT: Final = 5
_KIND: Final = re.compile(r"^\s*# ([a-z][a-z ]*): \d+ recordings")
_PATTERN: Final = re.compile(r'^\s*"(interference/[^"]+)": 0\s*$')
_TEST_SEED: Final = 1_000_003


def unseen_kinds() -> dict[str, list[str]]:
    """Patterns of names of each kind of unseen sound."""
    found: dict[str, list[str]] = {}
    kind = ""
    for line in (ROOT / "recipes" / "bank-weights.yaml").read_text(encoding="utf-8").splitlines():
        if named := _KIND.match(line):
            kind = named[1].replace(" and ", " ").split()[0]
        elif (pattern := _PATTERN.match(line)) and kind:
            found.setdefault(kind, []).append(pattern[1])
    return found


def divided(sounds: Sequence[BankSound], recordings: int) -> tuple[list[BankSound], list[BankSound]]:
    """Recordings to learn, of as many groups as possible, and those of the other groups."""
    rng = np.random.default_rng(0)
    groups: dict[str, list[BankSound]] = {}
    for index in rng.permutation(len(sounds)):
        groups.setdefault(sounds[index].group or sounds[index].name, []).append(sounds[index])
    order = list(groups.values())
    in_turn = [group[turn] for turn in range(max(map(len, order))) for group in order if len(group) > turn]
    learnt = in_turn[:recordings]
    taken = {sound.group or sound.name for sound in learnt}
    return learnt, [sound for sound in sounds if (sound.group or sound.name) not in taken]


def main() -> None:
    """Measure one number of recordings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--recordings", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=900)
    parser.add_argument("--test-scenes", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    whole = SoundBank.open(asked.bank)
    unusable = unusable_sounds(whole)
    usable = [sound for sound in whole.sounds if sound.name not in unusable]
    learnt, held_out = {}, {}
    for kind, patterns in unseen_kinds().items():
        own = [sound for sound in usable if any(fnmatchcase(sound.name, pattern) for pattern in patterns)]
        parts = divided(own, asked.recordings)
        if len(parts[0]) == asked.recordings and len(parts[1]) >= LEAST_HELD_OUT:
            learnt[kind], held_out[kind] = parts
    new = vocabulary_of(learnt, "unseen kinds")
    vocabulary = combined(DCASE2025, new, beside=True)
    started = time.perf_counter()
    user = _user(asked.bank, new, learnt)
    banks = tuple(scene_bank(user, fold, vocabulary) for fold in range(user.folds))
    train = _kept(asked, f"train-{asked.recordings}-{asked.scenes}", banks, asked.scenes, 1)
    test_bank = _test_bank(asked.bank, usable, held_out, vocabulary)
    test = _kept(asked, f"test-{asked.recordings}-{asked.test_scenes}", (test_bank,), asked.test_scenes, _TEST_SEED)
    result = measure(train, test, new, vocabulary, dict.fromkeys(new.slugs, asked.recordings))
    result |= {"recordings": asked.recordings, "scenes": asked.scenes, "test_scenes": asked.test_scenes}
    result["seconds"] = round(time.perf_counter() - started)
    (asked.out / f"learn-{asked.recordings}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def measure(
    train: LearnScenes, test: LearnScenes, new: Vocabulary, vocabulary: Vocabulary, counts: dict[str, int]
) -> dict[str, Any]:
    """Learn the new classes from `train`, and score all classes on `test`."""
    base = find_model("default").card
    before = body_network("default", base.features)
    net = with_classes(before, DCASE2025, vocabulary)
    found = estimate(net, train, vocabulary, counts, base, lambda done, total: None)
    classes = [vocabulary.by_slug(slug).index for slug in new.slugs]
    trained = train_columns(net, train, np.arange(len(train.fold)), classes)
    slope = (*base.calibration.slope, *(found.slope[slug] for slug in new.slugs))
    offset = (*base.calibration.offset, *(found.offset[slug] for slug in new.slugs))
    calibration = base.calibration.model_copy(update={"slope": slope, "offset": offset})
    thresholds = (*base.thresholds, *(found.threshold[slug] for slug in new.slugs))
    smoothing = base.smoothing.for_classes([*range(len(DCASE2025)), *[None] * len(new)])
    after = _scored(trained, test, calibration, thresholds, smoothing)
    alone = _scored(
        net, test, base.calibration.model_copy(update={"slope": slope, "offset": offset}), thresholds, smoothing
    )
    old = {one.slug: one.index for one in DCASE2025}
    each, first = (np.nan_to_num(scores.macro.per_class.f_score) for scores in (after, alone) if scores.macro.per_class)
    result = {
        "new": {slug: round(float(each[index]), 3) for slug, index in zip(new.slugs, classes, strict=True)},
        "folds": {slug: round(score, 3) for slug, score in found.f_score.items()},
        "shipped": {slug: round(float(each[index]), 3) for slug, index in old.items()},
        "new_mean": round(float(each[classes].mean()), 3),
        "folds_mean": round(float(np.mean(list(found.f_score.values()))), 3) if found.f_score else None,
        "shipped_mean": round(float(each[: len(old)].mean()), 3),
        "shipped_mean_before": round(float(first[: len(old)].mean()), 3),
    }
    result["share"] = round(result["new_mean"] / result["shipped_mean"], 3)
    return result


def _scored(
    net: Any, test: LearnScenes, calibration: Calibration, thresholds: Sequence[float], smoothing: Any
) -> Scores:
    fields = calibration.apply(outputs(net, test, np.arange(len(test.fold))))
    return score_outputs(fields, test.references, np.array(thresholds), smoothing)


def _user(bank: Path, new: Vocabulary, learnt: dict[str, list[BankSound]]) -> UserSounds:
    sounds = [replace(sound, kind=slug) for slug, kind in zip(new.slugs, learnt, strict=True) for sound in learnt[kind]]
    folds = max(1, min(5, max(map(len, learnt.values()))))
    fold = {sound.name: number % folds for kind in learnt.values() for number, sound in enumerate(kind)}
    return UserSounds(bank, new, tuple(sounds), fold, {})


def _test_bank(
    root: Path, usable: Sequence[BankSound], held_out: dict[str, list[BankSound]], vocabulary: Vocabulary
) -> SoundBank:
    unseen = [pattern for patterns in unseen_kinds().values() for pattern in patterns]
    own = [replace(sound, kind=slug) for slug, kind in zip(vocabulary.slugs[len(DCASE2025) :], held_out, strict=True)
           for sound in held_out[kind]]  # fmt: skip
    others = [
        sound
        for sound in usable
        if sound.split == "valid"
        and not (sound.kind == INTERFERENCE and any(fnmatchcase(sound.name, pattern) for pattern in unseen))
    ]
    return SoundBank(root, (*own, *others), vocabulary=vocabulary)


def _kept(asked: argparse.Namespace, name: str, banks: tuple[SoundBank, ...], scenes: int, seed: int) -> LearnScenes:
    """Scenes from the folder, or rendered."""
    path = asked.out / name
    path.mkdir(exist_ok=True)
    rooms = PoolConfig(rooms=asked.rooms, seed=0 if seed == 1 else seed)
    RirPool.open(rooms, workers=asked.workers, progress=_line("rooms"))
    base = find_model("default").card
    new = Vocabulary(
        "new", tuple(replace(one, index=n) for n, one in enumerate(banks[0].vocabulary.classes[len(DCASE2025) :]))
    )
    config = scene_config(new, banks[0].vocabulary) if seed == 1 else scene_config(new, new)
    job = SceneJob(banks, config, "default", base.features, rooms, seed)
    return render_scenes(job, scenes, path, asked.workers, _line(name))


def _line(name: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if done == total or done % 80 == 0:
            print(f"{name} {done} of {total}", flush=True)

    return report


if __name__ == "__main__":
    main()
