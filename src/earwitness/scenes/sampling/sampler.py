"""Draws random scene recipes: sounds, times, positions, levels and the room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, field_validator, model_validator

from earwitness.core.errors import BankError, UsageError
from earwitness.core.geometry import DCASE_CAMERA
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025
from earwitness.scenes.acoustics.microphone_flaws import draw_flaws
from earwitness.scenes.acoustics.microphones import (
    DEFAULT,
    PATTERNS,
    Coincident,
    draw_microphone,
    microphone_called,
)
from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.bank.sound_bank import BACKGROUND, INTERFERENCE, SoundBank, event_blocks, sound_frames
from earwitness.scenes.sampling.presets import ScenePreset, preset_values
from earwitness.scenes.scene import SAMPLE_RATE, TONE_KNOTS_HZ, EventRecipe, NoiseRecipe, SceneRecipe

_IMPULSIVE: Final = frozenset({"knock", "door", "clapping", "bell", "footsteps", "laughter"})
"""Classes whose sounds often occur several times in a row."""
_SHORT_SECONDS: Final = 1.0
_SPEECH: Final = frozenset({"female_speech", "male_speech"})
_RANGES: Final = (
    "walk_speed", "repeat_gap", "speed", "wide_speed", "lowest_hz", "highest_hz", "level_db", "snr_db", "hiss_db",
    "peak_db", "elevation_deg",
)  # fmt: skip


class SceneConfig(StrictModel):
    """The distributions of random scenes. Ranges are (low, high) of uniform distributions.

    Attributes:
        seconds: length of a scene.
        event_weights: relative frequency of 1, 2, 3, ... events per scene.
        empty_probability: share of scenes without a target event.
        max_overlap: maximum number of simultaneously active target events.
        same_class_probability: probability that an event has the class of a previous one in the scene.
        moving_probability: probability that a source moves along a path.
        walk_speed: metres per second.
        repeat_probability: probability that an impulsive sound is repeated after a pause.
        repeat_gap: seconds between repeated sounds.
        speed: playback speed of a sound.
        wide_speed: playback speed of sounds other than speech, whose pitch indicates the class; None uses `speed`.
        band_probability: probability of a band limit at each end of the spectrum of a source. Recordings have band
            limits that depend on their origin, from which a network must not learn classes.
        lowest_hz, highest_hz: ranges of the band limits, log-uniform.
        tone_db: standard deviation of the random equalisation of a source.
        level_db: level of the active parts at 1 m, dB re full scale.
        interference_probability: probability of a sound that is not of a target class.
        snr_db: level of the loudest event at 1 m relative to the bed.
        background_probability: probability that the bed is a recorded background.
        hiss_db: level of microphone noise relative to the bed.
        peak_db: peak of the finished scene, dB re full scale.
        class_weights: relative frequency of each class; none: equal.
        microphone: name of the stereo microphone (`microphones.microphone_called`).
        microphones: relative frequency of the microphones of scenes, by name or pattern
            (`microphones.draw_microphone`); none: all scenes have `microphone`.
        fov_deg: horizontal field of view of the camera, which decides what is on screen.
        elevation_deg: range of elevations of sources from the microphone; for moving sources, of the whole path. Rooms
            have positions from -60 to 45 degrees, with 19 % of the events on screen; within 35 degrees it is 25 %, as
            in the DCASE2025 set.
        preset: distributions of real recordings (`presets.ScenePreset`), which replace those of number, time, position,
            motion and repetition of events above; the name of a shipped preset, or its values.
        preset_share: share of the scenes that are drawn from the preset, if there is one.
        flaw_probability: probability that the microphone of a scene has flaws (`microphone_flaws`); only
            coincident microphones have them.
    """

    seconds: float = Field(default=5.0, gt=0, le=3600)
    event_weights: tuple[float, ...] = (0.26, 0.32, 0.26, 0.16)
    empty_probability: float = Field(default=0.02, ge=0, le=1)
    max_overlap: int = Field(default=3, ge=1, le=100)
    same_class_probability: float = Field(default=0.08, ge=0, le=1)
    moving_probability: float = Field(default=0.2, ge=0, le=1)
    walk_speed: tuple[float, float] = (0.3, 1.5)
    repeat_probability: float = Field(default=0.4, ge=0, le=1)
    repeat_gap: tuple[float, float] = (0.15, 1.2)
    speed: tuple[float, float] = (0.94, 1.06)
    wide_speed: tuple[float, float] | None = None
    band_probability: float = Field(default=0.0, ge=0, le=1)
    lowest_hz: tuple[PositiveFloat, PositiveFloat] = (60.0, 350.0)
    highest_hz: tuple[PositiveFloat, PositiveFloat] = (3000.0, 11000.0)
    tone_db: float = Field(default=3.0, ge=0)
    level_db: tuple[float, float] = (-34.0, -18.0)
    interference_probability: float = Field(default=0.3, ge=0, le=1)
    snr_db: tuple[float, float] = (6.0, 36.0)
    background_probability: float = Field(default=0.7, ge=0, le=1)
    hiss_db: tuple[float, float] = (-30.0, -8.0)
    peak_db: tuple[float, float] = (-18.0, -0.5)
    class_weights: tuple[float, ...] = ()
    microphone: str = DEFAULT
    microphones: dict[str, float] = Field(default_factory=dict, max_length=100)
    fov_deg: float = Field(default=DCASE_CAMERA.horizontal_fov_deg, ge=10, le=170)
    elevation_deg: tuple[float, float] = (-90.0, 90.0)
    preset: ScenePreset | None = None
    preset_share: float = Field(default=1.0, ge=0, le=1)
    flaw_probability: float = Field(default=0.0, ge=0, le=1)

    @field_validator("preset", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        try:
            return preset_values(value) if isinstance(value, str) else value
        except UsageError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _consistent(self) -> SceneConfig:
        for name in _RANGES:
            low, high = getattr(self, name) or (0.0, 0.0)
            if low > high:
                raise ValueError(f"{name}: the first number must not exceed the second")
        self._check_microphones()
        if self.highest_hz[1] >= SAMPLE_RATE / 2:
            raise ValueError(f"highest_hz: must stay below {SAMPLE_RATE / 2:g} Hz, half the sample rate")
        if self.class_weights and (min(self.class_weights) < 0 or not sum(self.class_weights)):
            raise ValueError("class_weights: one number per class, none negative, not all zero")
        if not self.event_weights or min(self.event_weights) < 0 or not sum(self.event_weights):
            raise ValueError("event_weights: at least one number, none negative, not all zero")
        return self

    def _check_microphones(self) -> None:
        given, key = self.microphones or {self.microphone: 1.0}, "microphones" if self.microphones else "microphone"
        try:
            named = [microphone_called(name) for name in given if not (self.microphones and name in PATTERNS)]
        except UsageError as error:
            raise ValueError(f"{key}: {error}") from None
        if not all(0 <= share < np.inf for share in given.values()) or not any(given.values()):
            raise ValueError("microphones: one number per microphone, none negative, not all zero")
        if self.flaw_probability and not any(isinstance(one, Coincident) for one in named):
            raise ValueError(f"flaw_probability: of coincident microphones, which '{next(iter(given))}' is not")


class SceneSampler:
    """Draws recipes from a bank and a pool of rooms; the same generator state gives the same recipe."""

    def __init__(self, bank: SoundBank, pool: RirPool, config: SceneConfig) -> None:
        self.bank = bank
        self.pool = pool
        self.config = config
        if config.class_weights and len(config.class_weights) != len(bank.vocabulary):
            raise UsageError(
                f"class_weights has {len(config.class_weights)} numbers, the bank has {len(bank.vocabulary)} classes: "
                "give one per class, or none"
            )
        self._targets = [sound_class for sound_class in bank.vocabulary if sound_class.slug in bank.kinds]
        shares = config.class_weights or (1.0,) * len(bank.vocabulary)
        weights = np.array([shares[sound_class.index] for sound_class in self._targets])
        self._weights = weights / weights.sum()
        self._event_weights = np.asarray(config.event_weights) / np.sum(config.event_weights)
        self._level = _within(pool, config.elevation_deg)

    def draw(self, rng: np.random.Generator) -> SceneRecipe:
        """A random scene."""
        config = self.config
        room = int(rng.integers(len(self.pool.rooms)))
        count = 0
        if rng.random() >= config.empty_probability:
            count = 1 + int(rng.choice(len(self._event_weights), p=self._event_weights))
        events: list[EventRecipe] = []
        occupied = np.zeros(round(config.seconds * 10), dtype=int)
        taken: set[int] = set()
        for _ in range(count):
            kind = self._kind([event.kind for event in events], rng)
            event = self.event(kind, room, taken, occupied, rng)
            if event is not None:
                events.append(event)
        if INTERFERENCE in self.bank.kinds and rng.random() < config.interference_probability:
            event = self.event(INTERFERENCE, room, taken, None, rng)
            events.extend([event] if event is not None else [])
        return self.recipe(room, events, rng)

    def recipe(self, room: int, events: list[EventRecipe], rng: np.random.Generator) -> SceneRecipe:
        """The scene with these events, a random view and a random bed."""
        config = self.config
        loudest = max((event.level_db for event in events), default=float(np.mean(config.level_db)))
        # Drawn only if the probability is not 0, so that other scenes do not change.
        flawed = config.flaw_probability > 0 and rng.random() < config.flaw_probability
        flaws = draw_flaws(rng) if flawed else None
        view_deg = float(rng.uniform(0, 360))
        noise = self._noise(loudest - float(rng.uniform(*config.snr_db)), rng)
        gain_db = float(rng.uniform(*config.peak_db))
        # Drawn last, so that a scene differs in nothing else from one with a given microphone.
        microphone = draw_microphone(config.microphones, rng) if config.microphones else config.microphone
        return SceneRecipe(
            seconds=config.seconds,
            room=room,
            view_deg=view_deg,
            events=tuple(events),
            noise=noise,
            gain_db=gain_db,
            pool=self.pool.name,
            microphone=microphone,
            fov_deg=config.fov_deg,
            flaws=flaws if isinstance(microphone_called(microphone), Coincident) else None,
        )

    def _kind(self, before: list[str], rng: np.random.Generator) -> str:
        if before and rng.random() < self.config.same_class_probability:
            return before[int(rng.integers(len(before)))]
        return self.any_kind(rng)

    def any_kind(self, rng: np.random.Generator) -> str:
        """A random class of the bank, by its weight."""
        return self._targets[int(rng.choice(len(self._targets), p=self._weights))].slug

    def event(
        self, kind: str, room: int, taken: set[int], occupied: NDArray[np.int_] | None, rng: np.random.Generator
    ) -> EventRecipe | None:
        """An event of `kind` within the allowed overlap; None if there is no free position or time."""
        config = self.config
        names, gap = self._sounds(kind, rng)
        speed = float(rng.uniform(*self.speeds(kind)))
        rirs, start, pace = self._place(room, taken, rng)
        event = EventRecipe(
            sounds=names,
            kind=kind,
            onset=0.0,
            gap=gap,
            speed=speed,
            tone_db=tuple(rng.normal(0, config.tone_db, len(TONE_KNOTS_HZ)).tolist()),
            level_db=float(rng.uniform(*config.level_db)),
            rirs=rirs,
            path_start=start,
            path_speed=pace,
            band_hz=self.band(rng),
        )
        if not rirs:
            return None
        length = event_seconds(self.bank, event)
        sounding = event_blocks(self.bank, event)
        # Clips are random excerpts of longer recordings: events may start before and end after them.
        for _ in range(8):
            onset = float(rng.uniform(-0.5 * length, config.seconds - min(0.6, 0.5 * length)))
            active = sound_frames(sounding, onset, config.seconds)
            if not active.any():
                continue
            if occupied is None:
                return replace(event, onset=onset)
            if (occupied + active).max() <= config.max_overlap:
                occupied += active
                return replace(event, onset=onset)
        return None

    def _sounds(self, kind: str, rng: np.random.Generator) -> tuple[tuple[str, ...], float]:
        """One sound, or several of the same group, and the pause between them."""
        sound = self.bank.draw(kind, rng)
        names = [sound.name]
        if self._repeats(kind, sound.name) and rng.random() < self.config.repeat_probability:
            mates = self.bank.mates(sound)
            names.extend(mates[int(rng.integers(len(mates)))].name for _ in range(int(rng.integers(1, 3))))
        return tuple(names), float(rng.uniform(*self.config.repeat_gap))

    def _repeats(self, kind: str, name: str) -> bool:
        """Whether a sound often occurs several times in a row; of other than the default classes, short sounds do."""
        if kind in DCASE2025.slugs or kind == INTERFERENCE:
            return kind in _IMPULSIVE
        return self.bank.size(name) < _SHORT_SECONDS * SAMPLE_RATE

    def speeds(self, kind: str) -> tuple[float, float]:
        """Range of playback speeds of a kind."""
        wide = None if kind in _SPEECH else self.config.wide_speed
        return wide or self.config.speed

    def band(self, rng: np.random.Generator) -> tuple[float, float]:
        """Band limits of a source; draws no random numbers if `band_probability` is 0."""
        config = self.config
        if not config.band_probability:
            return 0.0, 0.0
        limited = rng.random(2) < config.band_probability
        low, high = (np.exp(rng.uniform(*np.log(ends))) for ends in (config.lowest_hz, config.highest_hz))
        return (float(low) if limited[0] else 0.0, float(high) if limited[1] else 0.0)

    def _place(self, room: int, taken: set[int], rng: np.random.Generator) -> tuple[tuple[int, ...], float, float]:
        """RIR indices, start on the path and points per second; the sources of a scene have different positions."""
        paths = [path for path in self.pool.paths(room) if self._level[path].all()]
        if paths and rng.random() < self.config.moving_probability:
            path = paths[int(rng.integers(len(paths)))]
            if int(path[0]) not in taken:
                taken.add(int(path[0]))
                step = float(np.linalg.norm(self.pool.position[path[1]] - self.pool.position[path[0]]))
                pace = float(rng.uniform(*self.config.walk_speed)) / step
                forward = rng.random() < 0.5
                start = float(rng.uniform(0, (len(path) - 1) / 2))
                indices = tuple(int(index) for index in path)
                return (indices, start, pace) if forward else (indices, len(path) - 1 - start, -pace)
        free = [int(index) for index in self.pool.static(room) if self._level[index] and int(index) not in taken]
        if not free:
            return (), 0.0, 0.0
        place = free[int(rng.integers(len(free)))]
        taken.add(place)
        return (place,), 0.0, 0.0

    def _noise(self, level_db: float, rng: np.random.Generator) -> NoiseRecipe:
        recorded = BACKGROUND in self.bank.kinds and rng.random() < self.config.background_probability
        return NoiseRecipe(
            sound=self.bank.draw(BACKGROUND, rng).name if recorded else None,
            start=float(rng.uniform(0, 5)),
            level_db=level_db,
            hiss_db=level_db + float(rng.uniform(*self.config.hiss_db)),
            slope_db=float(rng.uniform(-6, 0)),
            seed=int(rng.integers(2**31)),
        )


def _within(pool: RirPool, elevation_deg: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether the elevation of each position of the pool is in the range.

    Raises:
        BankError: a room has no such position.
    """
    ahead, left, up = pool.position.astype(np.float64).T
    elevation = np.degrees(np.arctan2(up, np.hypot(ahead, left)))
    within = (elevation >= elevation_deg[0]) & (elevation <= elevation_deg[1])
    for room in range(len(pool.rooms)):
        places = pool.static(room)
        if places.size and not within[places].any():
            low, high = elevation_deg
            raise BankError(
                f"room {room} of the pool has no position from {low:g} to {high:g} degrees: widen elevation_deg"
            )
    return np.asarray(within)


def event_seconds(bank: SoundBank, event: EventRecipe) -> float:
    """Duration of the dry sound of an event in seconds."""
    if not event.cuts and not event.pauses:  # the order of operations is kept for bit-identical scenes
        samples = sum(bank.size(name) for name in event.sounds)
        return samples / SAMPLE_RATE / event.speed + event.gap * (len(event.sounds) - 1)
    durations = [bank.size(name) / SAMPLE_RATE / event.speed for name in event.sounds]
    played = sum(min(seconds, event.cut(number)) for number, seconds in enumerate(durations))
    return played + sum(event.pause(number) for number in range(len(durations) - 1))
