"""Fit what a card says about any sound: `python scripts/fit_any_sound.py --bank BANK --model MODEL.onnx`.

Scenes of the preset `starss` (split "valid" of the bank), whose sounds are of the model's classes, and scenes of one
half of the recordings of unseen kinds (`measure_any_sound.py --half fit`) give, for the card of the model:

- `smoothing.event_filter`: which events are probably none of the classes (`filter_fit.py`); it takes more scenes of the
  preset, and all scenes a second time, ended 0.3 to 0.6 s after an event begins, since recordings do end so;
- `any_sound.probability`: the share of the rows of the class-free track with a sound within 20 degrees, by activity;
- `any_sound.threshold`: the lowest from 0.4 on with at most 2 false other sounds a minute of unseen sounds;
- `any_sound.doubt`: logistic regression of right events against events of unseen sounds, with at most 5 % of the right
  events of the preset doubted;

and `usual` in the table of sounds: the tagger's mean probability for the events of the preset. The weights stay. Both
files are rewritten. `measure_any_sound.py` then prints the figures of docs/any-sound.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from filter_fit import JudgedEvents, fit_filter, logistic_weights
from measure_any_sound import half_of, located, unseen_bank
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.core.multi_accddoa import decode
from earwitness.detect.any_sound.class_free import NEAR_DEG, decode_class_free, supported, unexplained
from earwitness.detect.any_sound.steering import steered_events
from earwitness.detect.any_sound.tagging import SoundNames, load_tagger
from earwitness.detect.live_stream import MERGE_DEG
from earwitness.detect.model.calibration import LEAST_OTHER, STEPS, AnySound, logit
from earwitness.detect.model.card import ModelCard, card_path
from earwitness.detect.model.loading import load
from earwitness.detect.model.model_files import find_model
from earwitness.detect.runner.model_runner import Runner
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import SAMPLE_RATE, Scene
from earwitness.scenes.synthesizer import Synthesizer

TABLE: Final = Path(__file__).resolve().parents[1] / "src" / "earwitness" / "assets" / "any_sound" / "audioset.json"
LOST: Final = 0.05
FALSE_A_MINUTE: Final = 2.0
LEAST_THRESHOLD: Final = 0.4
_RIDGE: Final = 0.5
_CUT_SECONDS: Final = (0.3, 0.6)
_SHORTEST_SECONDS: Final = 1.0


@dataclass(slots=True)
class Answers:
    """What a model says of scenes: events, the class-free track, and the tagger's opinion of each event."""

    scores: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    activity: list[float] = field(default_factory=list)
    sounds: list[bool] = field(default_factory=list)
    tracks: list[tuple[EventTable, EventTable, list[SoundEvent]]] = field(default_factory=list)
    tags: list[NDArray[np.float32]] = field(default_factory=list)
    minutes: float = 0.0
    judged: JudgedEvents = field(default_factory=JudgedEvents)


def answers(runner: Runner, names: SoundNames, scenes: Synthesizer, seed: int, counts: tuple[int, int]) -> Answers:
    """Run a model on scenes.

    Args:
        runner: runs the model.
        names: names sounds.
        scenes: renders them.
        seed: of the scenes.
        counts: number of scenes, and how many of them the tagger tags.
    """
    found, (number_of_scenes, tagged) = Answers(), counts
    smoothing = runner.card.smoothing.keeping_unlikely()
    raw = smoothing.model_copy(update={"median_azimuth_frames": 0})
    for number in range(number_of_scenes):
        if number % 100 == 0:
            print(f"{number} of {number_of_scenes} scenes", file=sys.stderr)
        scene = scenes.scene(np.random.SeedSequence((seed, number)))
        table, free = decoded(runner, scene.audio)
        judge(found.judged, raw.apply(table), scene.labels)
        found.judged.tables.append(table)
        found.judged.references.append(scene.labels)
        if number < tagged:
            add_tags(found, scene, names, smoothing.apply(table), free)
        if (frames := cut_at(scene.labels, np.random.default_rng((seed, number, 1)))) is not None:
            short, _ = decoded(runner, scene.audio[:, : frames * SAMPLE_RATE // FRAME_RATE])
            judge(found.judged, raw.apply(short), scene.labels.window(0, frames))
    return found


def decoded(runner: Runner, audio: NDArray[np.float32]) -> tuple[EventTable, EventTable]:
    """Events of the classes before smoothing, and rows of the uncalibrated class-free track."""
    card = runner.card
    own, frames = len(card.vocabulary), round(audio.shape[1] / SAMPLE_RATE * FRAME_RATE)
    output = np.concatenate(list(runner.outputs([audio], any_sound=True)))[:frames]
    table = decode(output[:, :, :own], threshold=list(card.thresholds), merge_deg=MERGE_DEG,
                   vocabulary=card.vocabulary.vocabulary(), decoding=card.decoding)  # fmt: skip
    plain = card.model_copy(update={"any_sound": AnySound()})
    return table, decode_class_free(output[:, :, own:], MERGE_DEG, plain)


def cut_at(truth: EventTable, rng: np.random.Generator) -> int | None:
    """A frame shortly after one of the events begins; None if there is no such event."""
    starts = [event.start for event in truth.events() if event.start >= _SHORTEST_SECONDS]
    if not starts:
        return None
    frames = round((float(rng.choice(starts)) + rng.uniform(*_CUT_SECONDS)) * FRAME_RATE)
    return frames if frames < truth.num_frames else None


def judge(judged: JudgedEvents, table: EventTable, truth: EventTable) -> None:
    """Add the events, right where one of their class is at their place."""
    by_event, first, stop = table.runs()
    events = [SoundEvent(by_event.select(slice(one, end))) for one, end in zip(first, stop, strict=True)]
    references = truth.events()
    judged.add(table, [is_right(event, references) for event in events])


def is_right(event: SoundEvent, references: Sequence[SoundEvent]) -> bool:
    """Whether an event is one of the references."""
    return any(event.sound_class.slug == one.sound_class.slug and located(event, one) for one in references)


def add_tags(found: Answers, scene: Scene, names: SoundNames, table: EventTable, free: EventTable) -> None:
    """Compare the events of a scene with the class-free track and the tagger."""
    kept, _ = supported(table, free)
    truth, references = scene.labels, scene.labels.events()
    found.minutes += table.num_frames / 600
    found.tracks.append((free, kept, references))
    for frame, azimuth, score in zip(free.frame, free.azimuth, free.score, strict=True):
        found.activity.append(float(score))
        found.sounds.append(bool((np.abs(truth.azimuth[truth.frame == frame] - azimuth) <= NEAR_DEG).any()))
    events = kept.events()
    for index, sound in steered_events(events, lambda: [scene.audio], SAMPLE_RATE):
        tags, event = names.probabilities(sound, SAMPLE_RATE), events[index]
        found.tags.append(tags)
        found.scores.append(event.score)
        found.others.append(names.other(tags, event.sound_class) or 0.0)
        found.right.append(is_right(event, references))


def probabilities(activity: NDArray[np.float64], sounds: NDArray[np.bool_]) -> tuple[float, ...]:
    """Share of rows with a sound at each activity of `STEPS`, made to rise by pooling neighbours that do not."""
    nearest = np.clip(np.rint(activity * 10).astype(int), 0, len(STEPS) - 1)
    pools = []
    for step in range(len(STEPS)):
        rows = sounds[nearest == step]
        pools.append([float(rows.sum()) + 0.01, len(rows) + 0.02, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            right, rows_there, width = pools.pop()
            pools[-1] = [pools[-1][0] + right, pools[-1][1] + rows_there, pools[-1][2] + width]
    return tuple(round(right / rows, 3) for right, rows, width in pools for _ in range(int(width)))


def free_threshold(unseen: Answers, any_sound: AnySound) -> float:
    """The lowest threshold with at most `FALSE_A_MINUTE` false other sounds a minute."""
    for threshold in np.arange(LEAST_THRESHOLD, 0.96, 0.02).round(2).tolist():
        false = 0
        for free, kept, references in unseen.tracks:
            likely = free.with_columns(score=any_sound.of(free.score))
            for event in unexplained(likely, kept, threshold).events():
                false += not any(located(event, one) for one in references)
        if false / unseen.minutes <= FALSE_A_MINUTE:
            return float(threshold)
    return 1.0


def doubt(ordinary: Answers, unseen: Answers) -> tuple[float, float, float]:
    """Weights with which at most `LOST` of the right events are doubted."""
    right = np.array(ordinary.right)
    x = np.stack([
        np.ones(right.size + len(unseen.scores)),
        logit(np.array(ordinary.scores + unseen.scores)),
        np.log(np.array(ordinary.others + unseen.others) + LEAST_OTHER),
    ], axis=1)  # fmt: skip
    y = np.concatenate([right, np.zeros(len(unseen.scores))]).astype(float)
    weights = logistic_weights(x, y, [_RIDGE] * 3)
    weights[0] -= np.quantile((x[: right.size] @ weights)[right], LOST)
    return tuple(round(float(value), 3) for value in weights)  # type: ignore[return-value]


def fitted(card: ModelCard, ordinary: Answers, unseen: Answers) -> ModelCard:
    """The card with all values."""
    found = fit_filter(ordinary.judged, unseen.judged, card.smoothing, len(card.vocabulary))
    smoothing = card.smoothing.keeping_unlikely().model_copy(update={"event_filter": found})
    activity, sounds = (np.array(one) for one in (unseen.activity, unseen.sounds))
    any_sound = AnySound(probability=probabilities(activity, sounds), doubt=doubt(ordinary, unseen))
    any_sound = any_sound.model_copy(update={"threshold": free_threshold(unseen, any_sound)})
    return card.model_copy(update={"smoothing": smoothing, "any_sound": any_sound})


def with_usual(text: str, names: SoundNames, tags: Sequence[NDArray[np.float32]]) -> str:
    """The table of sounds with `usual`, a line each."""
    usual = {one.slug: round(float(values.mean()), 5) for one, values in names.scores(np.stack(tags))}
    rows = [row | ({"usual": usual[row["slug"]]} if row["slug"] in usual else {}) for row in json.loads(text)]
    return "[\n" + ",\n".join(f" {json.dumps(row, ensure_ascii=False)}" for row in rows) + "\n]\n"


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--scenes", type=int, default=160, help="of unseen sounds")
    parser.add_argument("--preset-scenes", type=int, default=800, help="of the preset")
    parser.add_argument("--tagged-scenes", type=int, default=300, help="how many of these the tagger tags")
    parser.add_argument("--seed", type=int, default=3101)
    asked = parser.parse_args()
    tagger, (runner, _) = load_tagger(), load(asked.model)
    if tagger is None:
        parser.error("the tagger is not installed; run: earwitness models pull yamnet")
    names = SoundNames(runner.card.vocabulary.vocabulary(), tagger)
    whole = SoundBank.open(asked.bank)
    preset = Synthesizer.from_bank(
        asked.bank, split="valid", rooms=PoolConfig(rooms=60, seed=97, kind="varied"),
        config=SceneConfig(preset="starss"), without=unusable_sounds(whole),
    )  # fmt: skip
    unseen = Synthesizer(half_of(unseen_bank(asked.bank), "fit"), RirPool.open(PoolConfig(rooms=24, seed=98)),
                         SceneConfig(interference_probability=0.0))  # fmt: skip
    ordinary = answers(runner, names, preset, asked.seed + 1, (asked.preset_scenes, asked.tagged_scenes))
    beyond = answers(runner, names, unseen, asked.seed, (asked.scenes, asked.scenes))
    card = fitted(runner.card, ordinary, beyond)
    card.write(card_path(find_model(asked.model).path))
    TABLE.write_text(with_usual(TABLE.read_text(encoding="utf-8"), names, ordinary.tags), encoding="utf-8")
    print(card.smoothing, card.any_sound, sep="\n")


if __name__ == "__main__":
    main()
