"""Draws scene recipes from a preset: sources with runs and pauses, at elevations typical of their class."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.bank.sound_bank import INTERFERENCE, SoundBank, event_blocks, sound_frames
from earwitness.scenes.sampling.presets import ClassScenes, ScenePreset, draw, share_between
from earwitness.scenes.sampling.sampler import SceneConfig, SceneSampler
from earwitness.scenes.scene import SAMPLE_RATE, TONE_KNOTS_HZ, EventRecipe, SceneRecipe

_WHOLE: Final = frozenset({"knock", "door", "bell"})
"""Classes whose sounds are not truncated: their runs end with a complete sound."""
_CANDIDATES: Final = 12
_PREROLL_SECONDS: Final = 1.2
"""A source that is active before the scene starts at most this long before it."""
_LEAST_SECONDS: Final = 0.2
_WITHIN_RUN: Final = (0.03, 0.3)
"""Pauses in seconds between the sounds of a run, too short to end it."""
_EDGES_DEG: Final = np.arange(-90.0, 91.0, 4.0)
_TRIALS: Final = 12
_ACROSS: Final = 2 / np.pi
"""Mean tangential share of the speed of a straight motion, over all headings."""


class PresetSampler:
    """Draws recipes from a bank, a pool of rooms and a preset; the same generator state gives the same recipe.

    Quantities that a preset does not define (levels, beds, tone, speeds, class weights) are drawn by `SceneSampler`.
    """

    def __init__(self, bank: SoundBank, pool: RirPool, config: SceneConfig, preset: ScenePreset) -> None:
        self.bank, self.pool, self.config, self.preset = bank, pool, config, preset
        self.plain = SceneSampler(bank, pool, config)
        self._weights = np.asarray(preset.source_weights) / np.sum(preset.source_weights)
        ahead, left, up = pool.position.astype(np.float64).T
        self._distance = np.linalg.norm(pool.position.astype(np.float64), axis=1)
        self._elevation = np.degrees(np.arctan2(up, np.hypot(ahead, left)))
        self._bin = np.clip(np.digitize(self._elevation, _EDGES_DEG) - 1, 0, len(_EDGES_DEG) - 2)
        self._scenes = {slug: preset.scenes_of(slug) for slug in bank.vocabulary.slugs}
        self._fit = {slug: self._fits(scenes) for slug, scenes in self._scenes.items()}

    def draw(self, rng: np.random.Generator) -> SceneRecipe:
        """A random scene."""
        if rng.random() >= self.config.preset_share:
            return self.plain.draw(rng)
        room = int(rng.integers(len(self.pool.rooms)))
        return self.plain.recipe(room, self.events(room, rng), rng)

    def events(self, room: int, rng: np.random.Generator) -> list[EventRecipe]:
        """The sources of a scene in a room of the pool, including interference."""
        config = self.config
        occupied = np.zeros(round(config.seconds * 10), dtype=int)
        taken: set[int] = set()
        events: list[EventRecipe] = []
        for _ in range(int(rng.choice(len(self._weights), p=self._weights))):
            event = self._source(self._kind([one.kind for one in events], rng), room, taken, occupied, rng)
            events.extend([event] if event is not None else [])
        if INTERFERENCE in self.bank.kinds and rng.random() < config.interference_probability:
            event = self.plain.event(INTERFERENCE, room, taken, None, rng)
            events.extend([event] if event is not None else [])
        return events

    def _kind(self, before: list[str], rng: np.random.Generator) -> str:
        for kind in dict.fromkeys(before):
            if rng.random() < self._scenes[kind].pairs:
                return kind
        return self.plain.any_kind(rng)

    def _source(
        self, kind: str, room: int, taken: set[int], occupied: NDArray[np.int_], rng: np.random.Generator
    ) -> EventRecipe | None:
        """A source of `kind` within the allowed overlap; None if there is no free position or time."""
        scenes, config = self._scenes[kind], self.config
        place = self._place(kind, room, taken, rng)
        if place is None:
            return None
        rirs, start, pace = place
        for _ in range(_TRIALS):
            event = self._event(kind, self._runs(scenes, rng), rirs, (start, pace), rng)
            active = sound_frames(event_blocks(self.bank, event), event.onset, config.seconds)
            if active.any() and (occupied + active).max() <= config.max_overlap:
                occupied += active
                taken.add(rirs[0])
                return event
        return None

    def _runs(self, scenes: ClassScenes, rng: np.random.Generator) -> list[tuple[float, float]]:
        """Runs of a source that is active in the scene: (start, end) of each in seconds.

        A window is more likely to overlap a long run than a short one, and does so at a uniformly distributed time.
        """
        window = self.config.seconds
        lengths = np.maximum(draw(scenes.run_seconds, rng, _CANDIDATES), _LEAST_SECONDS)
        chances = lengths + window - 2 * np.minimum(_LEAST_SECONDS, lengths / 2)
        length = float(lengths[int(rng.choice(_CANDIDATES, p=chances / chances.sum()))])
        begin = float(rng.uniform(_LEAST_SECONDS - length, window - _LEAST_SECONDS))
        runs = [(begin, begin + length)]
        while runs[-1][1] < window and rng.random() < scenes.resumes:
            begin = runs[-1][1] + self._pause(scenes, rng)
            runs.append((begin, begin + self._length(scenes, rng)))
        while runs[0][0] > 0 and rng.random() < scenes.resumes:
            end = runs[0][0] - self._pause(scenes, rng)
            runs.insert(0, (end - self._length(scenes, rng), end))
        return [(max(a, -_PREROLL_SECONDS), b) for a, b in runs if b > -_PREROLL_SECONDS / 2 and a < window]

    def _pause(self, scenes: ClassScenes, rng: np.random.Generator) -> float:
        return float(draw(scenes.pause_seconds, rng))

    def _length(self, scenes: ClassScenes, rng: np.random.Generator) -> float:
        return max(float(draw(scenes.run_seconds, rng)), _LEAST_SECONDS)

    def _event(
        self,
        kind: str,
        runs: list[tuple[float, float]],
        rirs: tuple[int, ...],
        path: tuple[float, float],
        rng: np.random.Generator,
    ) -> EventRecipe:
        """A source whose runs consist of sounds of one group of the bank."""
        config, plain = self.config, self.plain
        speed = float(rng.uniform(*plain.speeds(kind)))
        mates = self.bank.mates(self.bank.draw(kind, rng))
        sounds: list[str] = []
        cuts: list[float] = []
        pauses: list[float] = []
        time = runs[0][0]
        for begin, end in runs:
            stop = min(end, config.seconds)
            pause = max(begin - time, 0.0)
            while True:
                name = mates[int(rng.integers(len(mates)))].name
                seconds = self.bank.size(name) / SAMPLE_RATE / speed
                time += pause
                left = stop - time
                if sounds and left < _LEAST_SECONDS:
                    time -= pause
                    break
                if sounds:
                    pauses.append(pause)
                cut = left if left < seconds and kind not in _WHOLE else 0.0
                sounds.append(name)
                cuts.append(round(max(cut, 0.0), 3))
                time += cut or seconds
                if stop - time < _LEAST_SECONDS:
                    break
                pause = float(rng.uniform(*_WITHIN_RUN))
        return EventRecipe(
            sounds=tuple(sounds),
            kind=kind,
            onset=runs[0][0],
            gap=0.0,
            speed=speed,
            tone_db=tuple(rng.normal(0, config.tone_db, len(TONE_KNOTS_HZ)).tolist()),
            level_db=float(rng.uniform(*config.level_db)),
            rirs=rirs,
            path_start=path[0],
            path_speed=path[1],
            band_hz=plain.band(rng),
            pauses=tuple(round(pause, 3) for pause in pauses),
            cuts=tuple(cuts),
        )

    def _place(
        self, kind: str, room: int, taken: set[int], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], float, float] | None:
        """RIR indices, start on the path and points per second, at an elevation typical of the class."""
        scenes, fit = self._scenes[kind], self._fit[kind]
        if rng.random() < scenes.moves:
            paths = [path for path in self.pool.paths(room) if int(path[0]) not in taken]
            if paths:
                path = paths[_chosen(np.array([fit[one].mean() for one in paths]), rng)]
                turn = np.radians(float(draw(scenes.turn_deg_per_second, rng)))
                step = float(np.linalg.norm(self.pool.position[path[1]] - self.pool.position[path[0]]))
                pace = float(np.clip(turn * self._distance[path].mean() / _ACROSS, 0.03, 2.0)) / step
                forward = rng.random() < 0.5
                start = float(rng.uniform(0, (len(path) - 1) * 0.7))
                indices = tuple(int(index) for index in path)
                return (indices, start, pace) if forward else (indices, len(path) - 1 - start, -pace)
        free = np.array([index for index in self.pool.static(room) if int(index) not in taken])
        if not free.size:
            return None
        return (int(free[_chosen(fit[free], rng)]),), 0.0, 0.0

    def _fits(self, scenes: ClassScenes) -> NDArray[np.float64]:
        """For each position of the pool, the frequency of the class at its elevation relative to that of the pool."""
        wanted = share_between(scenes.elevation_deg, _EDGES_DEG)
        # Smoothed over neighbouring bins, since labels are not exact to the degree and rooms have few positions.
        wanted = np.convolve(wanted, [0.25, 0.5, 0.25], mode="same")
        there = np.bincount(self._bin[self.pool.path < 0], minlength=len(wanted)) / max((self.pool.path < 0).sum(), 1)
        there = np.convolve(there, [0.25, 0.5, 0.25], mode="same")
        return np.asarray((wanted / np.maximum(there, 1e-3))[self._bin] + 1e-4)


def _chosen(weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    return int(rng.choice(len(weights), p=weights / weights.sum()))
