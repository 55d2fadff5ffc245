"""Actors: the cut-out and the position of each source of a scene, and of silent bystanders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS
from earwitness.core.geometry import Camera
from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.pictures.billboard import Billboard
from earwitness.scenes.pictures.cutouts import Cutout, CutoutLibrary
from earwitness.scenes.scene import Scene, SourceTrack

LOWEST_SOURCE: Final = 0.1
"""Minimum height of a source above the floor in metres."""
_SMALLEST_SHARE: Final = 0.055
"""Minimum height of a cut-out relative to the picture; smaller ones cannot be recognised."""
_PERSON_SCALES: Final = (0.72, 1.12)
"""Range of scales of people, which are scaled so that their mouths are at the position of the sound."""
_MOVING_METRES_PER_SECOND: Final = 0.05
_LOW_STAND: Final = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A cut-out in a scene.

    Attributes:
        cutout: its pictures.
        scale: scale relative to its natural size.
        base: height of its lower edge, metres above the camera.
        path: (n, 2) metres ahead and to the left of the rotated camera, one per label frame, or a single one.
        active: (n,) whether it is active.
        seed: seed of the order of its phases.
    """

    cutout: Cutout
    scale: float
    base: float
    path: NDArray[np.float64]
    active: NDArray[np.bool_]
    seed: int

    @property
    def stays(self) -> bool:
        """Whether it never moves."""
        return bool(np.ptp(self.path, axis=0).max() < 1e-3)

    def place(self, seconds: float) -> tuple[float, float]:
        """Position (ahead, left) in metres at a time; the position of a label frame is that at its centre."""
        time = min(max(seconds / FRAME_SECONDS - 0.5, 0.0), len(self.path) - 1.0)
        before = min(int(time), max(len(self.path) - 2, 0))
        here, there = self.path[before], self.path[min(before + 1, len(self.path) - 1)]
        ahead, left = (here + (there - here) * (time - before)).tolist()
        return ahead, left

    def sounding(self, seconds: float) -> bool:
        """Whether it is active at a time."""
        return bool(self.active[min(int(seconds / FRAME_SECONDS + 1e-6), len(self.active) - 1)])

    def velocity(self, seconds: float) -> tuple[float, float]:
        """Velocity (ahead, left) in metres per second."""
        before, after = self.place(seconds - FRAME_SECONDS), self.place(seconds + FRAME_SECONDS)
        return (after[0] - before[0]) / (2 * FRAME_SECONDS), (after[1] - before[1]) / (2 * FRAME_SECONDS)

    def moving(self, seconds: float) -> bool:
        """Whether it moves at a time."""
        return not self.stays and float(np.hypot(*self.velocity(seconds))) > _MOVING_METRES_PER_SECOND

    def board(self, seconds: float) -> Billboard:
        """Its upright rectangle at a time; people face the direction of motion."""
        ahead, left = self.place(seconds)
        mirrored = False
        if self.moving(seconds):
            forward, leftward = self.velocity(seconds)
            # To the left in the picture, for any direction of the camera.
            mirrored = leftward * ahead - forward * left > 0
        width, height = self.scale * self.cutout.width, self.scale * self.cutout.height
        return Billboard(ahead, left, self.base, width, height, mirrored)


def labelled_tracks(scene: Scene) -> list[SourceTrack]:
    """The tracks of labelled classes, without interference, which is not shown."""
    known = set(scene.labels.vocabulary.slugs)
    return [track for track in scene.tracks if track.kind in known]


def places(track: SourceTrack) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions of a source: (n, 2) metres ahead and left, (n,) metres above the camera."""
    azimuth, elevation = np.radians(track.azimuth), np.radians(track.elevation)
    level = track.distance * np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth)], axis=1), track.distance * np.sin(elevation)


def place_sources(
    scene: Scene, library: CutoutLibrary, camera: Camera, camera_height: float, rng: np.random.Generator
) -> list[Actor]:
    """An actor for each labelled source, on screen or not."""
    actors = []
    for track in labelled_tracks(scene):
        cutout = library.pick(track.kind, rng)
        path, up = places(track)
        scale, base = _fit(cutout, camera_height + float(np.median(up)), path, camera)
        actors.append(Actor(cutout, scale, base - camera_height, path, track.active, int(rng.integers(2**31))))
    return actors


def place_bystanders(
    actors: Sequence[Actor],
    library: CutoutLibrary,
    camera: Camera,
    room: Room,
    view_deg: float,
    mean: float,
    rng: np.random.Generator,
) -> list[Actor]:
    """Silent people and objects on screen, so that pictures do not reveal which classes are active.

    They neither cover a source nor touch one.
    """
    added: list[Actor] = []
    for _ in range(min(int(rng.poisson(mean)), 4)):
        kind = library.vocabulary[int(rng.integers(len(library.vocabulary)))].slug
        cutout = library.pick(kind, rng)
        for _ in range(12):
            azimuth = np.radians(rng.uniform(-0.5, 0.5) * camera.horizontal_fov_deg)
            distance = np.exp(rng.uniform(np.log(1.2), np.log(6.0)))
            place = np.array([distance * np.cos(azimuth), distance * np.sin(azimuth)])
            if _in_room(place, room, view_deg) and _is_free(place, cutout.width / 2, [*actors, *added]):
                source_height = float(rng.uniform(0.6, 1.2)) if cutout.stance == "table" else cutout.sound
                scale, base = _fit(cutout, source_height, place[None, :], camera)
                silent = np.zeros(1, dtype=np.bool_)
                seed = int(rng.integers(2**31))
                added.append(Actor(cutout, scale, base - room.microphone[2], place[None, :], silent, seed))
                break
    return added


def room_around(scene: Scene, rng: np.random.Generator) -> Room:
    """A random room that contains all sources of a scene, for scenes whose room is unknown."""
    reach = np.array([[1.6, 1.6], [1.6, 1.6]])
    camera_height = float(rng.uniform(1.2, 1.6))
    turn = np.radians(scene.recipe.view_deg)
    for track in scene.tracks:
        path, up = places(track)
        camera_height = max(camera_height, LOWEST_SOURCE - float(up.min()))
        x = np.cos(turn) * path[:, 0] + np.sin(turn) * path[:, 1]
        y = -np.sin(turn) * path[:, 0] + np.cos(turn) * path[:, 1]
        reach = np.maximum(reach, [[-x.min(), x.max()], [-y.min(), y.max()]])
    reach += rng.uniform(0.4, 1.5, (2, 2))
    size = (*(float(side) for side in reach.sum(axis=1)), max(2.5, camera_height + float(rng.uniform(0.9, 1.8))))
    microphone = (float(reach[0, 0]), float(reach[1, 0]), camera_height)
    return Room((size[0], size[1], size[2]), 0.5, (1.0,), microphone)


def to_room(points: NDArray[np.float64], room: Room, view_deg: float) -> NDArray[np.float64]:
    """Positions (n, 2) ahead and left of the rotated camera, in room coordinates."""
    turn = np.radians(view_deg)
    x = np.cos(turn) * points[:, 0] + np.sin(turn) * points[:, 1] + room.microphone[0]
    y = -np.sin(turn) * points[:, 0] + np.cos(turn) * points[:, 1] + room.microphone[1]
    return np.stack([x, y], axis=1)


def _fit(cutout: Cutout, sound: float, path: NDArray[np.float64], camera: Camera) -> tuple[float, float]:
    """Scale and base (metres above the floor) of a cut-out whose sound is `sound` metres above the floor."""
    distance = float(np.median(np.hypot(path[:, 0], path[:, 1])))
    smallest = _SMALLEST_SHARE * camera.height / camera.focal_px * distance
    scale = max(1.0, smallest / cutout.height)
    if cutout.stance == "table":
        base = sound - scale * cutout.sound
        return scale, base if base > _LOW_STAND else 0.0
    if cutout.stance == "person" and cutout.sound > 0.5 * cutout.height:
        scale *= float(np.clip(sound / cutout.sound, *_PERSON_SCALES))
    # The sound may be anywhere on the body; only a sound well above its top raises the cut-out.
    base = sound - (1.15 if cutout.stance == "person" else 0.98) * scale * cutout.height
    return scale, base if base > _LOW_STAND else 0.0


def _in_room(place: NDArray[np.float64], room: Room, view_deg: float) -> bool:
    x, y = to_room(place[None, :], room, view_deg)[0]
    return bool(0.4 < x < room.size[0] - 0.4 and 0.4 < y < room.size[1] - 0.4)


def _is_free(place: NDArray[np.float64], half_width: float, others: Sequence[Actor]) -> bool:
    distance = float(np.hypot(*place))
    for other in others:
        reach = half_width + other.scale * other.cutout.width / 2
        away = np.hypot(other.path[:, 0], other.path[:, 1])
        if np.hypot(*(other.path - place).T).min() < 0.8 * reach:
            return False
        between = np.arctan2(other.path[:, 1], other.path[:, 0]) - np.arctan2(place[1], place[0])
        between = np.abs((between + np.pi) % (2 * np.pi) - np.pi)
        hides = (away > distance - 0.2) & (between < half_width / distance + reach / np.maximum(away, 0.3))
        if hides.any():
            return False
    return True
