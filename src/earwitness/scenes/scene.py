"""The data of a synthetic scene: its recipe and the result of rendering it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError
from earwitness.core.events import EventTable
from earwitness.core.files.small_files import parse_json
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.scenes.acoustics.microphone_flaws import MicrophoneFlaws

SAMPLE_RATE: Final = 24_000

TONE_KNOTS_HZ: Final = (100.0, 300.0, 900.0, 2700.0, 6000.0, 12000.0)
"""Frequencies of the gains of the random equalisation of a source."""
_LATER: Final = ("pauses", "cuts")


@dataclass(frozen=True, slots=True)
class EventRecipe:
    """A sound event in a scene.

    Attributes:
        sounds: bank sounds, played one after the other.
        kind: slug of the class, or "interference" (rendered but not labelled).
        onset: seconds; negative if the sound starts before the scene.
        gap: seconds of pause between the sounds.
        speed: playback speed; changes pitch and length.
        tone_db: gains in dB at `TONE_KNOTS_HZ`: equalisation of the source.
        level_db: level of the active parts at 1 m, in dB re full scale RMS.
        rirs: indices in the RIR pool: one for a static source, several in order for a moving one.
        band_hz: lower and upper band limit of the source; 0: no limit.
        path_start, path_speed: for moving sources, the position on the path at the onset (in points) and the speed
            (points per second, negative for backwards).
        pauses: seconds of pause after each sound except the last; empty: always `gap`.
        cuts: seconds that each sound is played, 0 for the whole sound; empty: all are played completely.
    """

    sounds: tuple[str, ...]
    kind: str
    onset: float
    gap: float
    speed: float
    tone_db: tuple[float, ...]
    level_db: float
    rirs: tuple[int, ...]
    path_start: float = 0.0
    path_speed: float = 0.0
    band_hz: tuple[float, float] = (0.0, 0.0)
    pauses: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()

    def pause(self, number: int) -> float:
        """Seconds of pause after sound `number`, which is not the last."""
        return self.pauses[number] if self.pauses else self.gap

    def cut(self, number: int) -> float:
        """Seconds that sound `number` is played; infinite if it is played completely."""
        return (self.cuts[number] if self.cuts else 0.0) or float("inf")


@dataclass(frozen=True, slots=True)
class NoiseRecipe:
    """The diffuse bed of a scene.

    Attributes:
        sound: background sound of the bank; None for coloured noise.
        start: seconds into the background sound (it is repeated as needed).
        level_db: RMS of the bed in W, dB re full scale.
        hiss_db: RMS of the microphone noise, dB re full scale, independent in both channels.
        slope_db: tilt of the coloured noise, dB per octave.
        seed: seed of the noise samples.
    """

    sound: str | None
    start: float
    level_db: float
    hiss_db: float
    slope_db: float
    seed: int


@dataclass(frozen=True, slots=True)
class SceneRecipe:
    """Everything that defines a scene: rendering it twice gives the same samples.

    Attributes:
        seconds: length.
        room: index of the room in the RIR pool.
        view_deg: rotation of the camera and the microphone.
        events: labelled and interfering sounds.
        noise: the bed.
        gain_db: gain of the finished scene.
        pool: name of the RIR pool; "" if unknown.
        microphone: name of the stereo microphone (`microphones.MICROPHONES`).
        fov_deg: horizontal field of view of the camera, which decides what is on screen.
        seed: seed of the scene and its pictures; empty if it was not drawn by `Synthesizer`.
        flaws: flaws of a coincident microphone; None: it is ideal.
    """

    seconds: float
    room: int
    view_deg: float
    events: tuple[EventRecipe, ...]
    noise: NoiseRecipe
    gain_db: float
    pool: str = ""
    microphone: str = "dcase"
    fov_deg: float = DCASE_CAMERA.horizontal_fov_deg
    seed: tuple[int, ...] = ()
    flaws: MicrophoneFlaws | None = None

    @property
    def camera(self) -> Camera:
        """The camera of its pictures."""
        return replace(DCASE_CAMERA, horizontal_fov_deg=self.fov_deg)

    @property
    def picture_seed(self) -> np.random.SeedSequence:
        """The seed of its pictures."""
        if not self.seed:
            return np.random.SeedSequence(0)
        return np.random.SeedSequence(self.seed[0], spawn_key=(*self.seed[1:], 1))

    def to_json(self) -> str:
        """One line of JSON; fields that the first version did not have are omitted if they are empty."""
        plain = asdict(self)
        for event in plain["events"]:
            for name in _LATER:
                if not event[name]:
                    del event[name]
        if self.flaws is None:
            del plain["flaws"]
        return json.dumps(plain, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SceneRecipe:
        """The recipe that `to_json` wrote.

        Raises:
            BankError: the text is not a scene recipe.
        """
        try:
            raw: dict[str, Any] = parse_json(text, "scene recipe", BankError)
            if not isinstance(raw, dict):
                raise TypeError("expected names and values")
            events = tuple(_event(event) for event in raw.pop("events"))
            seed = tuple(int(part) for part in raw.pop("seed", ()))
            flaws = raw.pop("flaws", None)
            return cls(
                events=events, noise=NoiseRecipe(**raw.pop("noise")), seed=seed,
                flaws=MicrophoneFlaws.of(flaws) if flaws is not None else None, **raw,
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
            raise BankError(f"not a scene recipe: {error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class SourceTrack:
    """Position and activity of a source of a scene, by label frame.

    Attributes:
        kind: slug of the class, or "interference".
        active: (frames,) bool.
        azimuth: (frames,) degrees, unfolded, relative to the rotated camera.
        elevation: (frames,) degrees.
        distance: (frames,) metres.
    """

    kind: str
    active: NDArray[np.bool_]
    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    distance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered scene.

    Attributes:
        recipe: what it was rendered from.
        audio: (2, samples) float32 at 24 kHz, left then right.
        labels: the reference labels, rounded like DCASE labels.
        tracks: a track for each source of the recipe, in its order.
        direct: (2, samples) float32, the part of `audio` that is direct sound of labelled sources; None if it was not
            asked for.
    """

    recipe: SceneRecipe
    audio: NDArray[np.float32]
    labels: EventTable
    tracks: tuple[SourceTrack, ...]
    direct: NDArray[np.float32] | None = None


def _event(raw: dict[str, Any]) -> EventRecipe:
    """An event from JSON, which has lists instead of tuples."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    event = EventRecipe(**values)
    if len(event.pauses) not in (0, len(event.sounds) - 1) or len(event.cuts) not in (0, len(event.sounds)):
        raise ValueError("an event has a pause between any two of its sounds, and a cut for each, or none")
    return event
