"""Renders the pictures of a scene: its room in the view of the scene, with the sources at their positions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.media.writer import FAST_VIDEO, MediaWriter
from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.pictures.actors import Actor, place_bystanders, place_sources, room_around, to_room
from earwitness.scenes.pictures.backgrounds import Background, PanoramaPhoto
from earwitness.scenes.pictures.billboard import NEAR, Billboard, Patch, project, shadow
from earwitness.scenes.pictures.cutouts import CutoutLibrary, State
from earwitness.scenes.pictures.interior.furniture import Furniture, stand
from earwitness.scenes.pictures.interior.panorama import Footprint, draw_interior
from earwitness.scenes.pictures.interior.room_style import RoomStyle
from earwitness.scenes.pictures.layers import Box, Layers, Planes
from earwitness.scenes.pictures.objects.drawn_object import WIDTH as TROLLEY_WIDTH
from earwitness.scenes.pictures.objects.drawn_object import draw_trolley
from earwitness.scenes.scene import SAMPLE_RATE, Scene

Frame = NDArray[np.uint8]

DCASE_FPS: Final = Fraction(30_000, 1_001)
_PHOTO_EYE_HEIGHT: Final = 1.5
"""Assumed height of the camera of the user's 360-degree photos in metres."""
_STAND_BREADTH: Final = (0.34, 0.9)
_TROLLEY_SHARPNESS: Final = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class PictureScene:
    """The parts of the pictures of a scene.

    Attributes:
        background: (H, W, 3) first picture of the empty room.
        moving: the following pictures if the background is a video; None if it is static.
        depth: (H, W) metres to furniture that may cover actors; None if there is no furniture.
        actors: sources, in the order of the labelled tracks of the scene, then bystanders.
        camera_height: height of the camera above the floor in metres.
        trolleys: whether objects above the floor stand on trolleys, because there is no furniture.
    """

    background: Frame
    depth: NDArray[np.float32] | None
    actors: tuple[Actor, ...]
    camera_height: float
    trolleys: bool
    moving: Iterator[Frame] | None = None


class PictureRenderer:
    """Renders the pictures of scenes; the same scene and seed give the same pictures."""

    def __init__(
        self,
        library: CutoutLibrary | None = None,
        camera: Camera = DCASE_CAMERA,
        fps: Fraction | float = DCASE_FPS,
        *,
        rooms: Sequence[Room] = (),
        panoramas: Sequence[Frame | Background] = (),
        bystanders: float = 0.7,
    ) -> None:
        """Create a renderer.

        Args:
            library: cut-outs; by default drawn ones.
            camera: size and field of view.
            fps: pictures per second.
            rooms: rooms of the pool that the scenes were rendered with, so that sound and pictures match; without them,
                random rooms around the sources are used.
            panoramas: 360-degree photos or videos, or equirectangular pictures (H, W, 3), to use instead of drawn
                rooms.
            bystanders: mean number of silent people and objects on screen.
        """
        self.library = library or CutoutLibrary()
        self.camera = camera
        self.fps = fps
        self.rooms = rooms
        self.panoramas = [PanoramaPhoto(each) if isinstance(each, np.ndarray) else each for each in panoramas]
        self.bystanders = bystanders

    def render(self, scene: Scene, seed: int | np.random.SeedSequence) -> Iterator[Frame]:
        """The pictures of a scene, (H, W, 3) uint8 each, at `fps` from time 0.

        Labelled sources in the field of view are shown; interference is not.
        """
        for layers, _ in self._pictures(scene, seed):
            yield layers.picture.copy()

    def video_frames(self, scene: Scene, seed: int | np.random.SeedSequence) -> Iterator[VideoFrame]:
        """The same pictures as 4:2:0 frames in BT.709 for an encoder; only changed regions are converted.

        Pictures of odd size lose their last column or row, since 4:2:0 needs even sizes.
        """
        planes, shown = None, None
        for layers, boxes in self._pictures(scene, seed):
            if planes is None or layers is not shown:
                planes, shown = Planes(layers.picture), layers
            else:
                planes.update(layers.picture, boxes)
            yield planes.frame()

    def _pictures(self, scene: Scene, seed: int | np.random.SeedSequence) -> Iterator[tuple[Layers, list[Box]]]:
        """Pictures, with the regions that differ from the previous one if the background is the same."""
        composition = self.compose(scene, seed)
        count = round(scene.recipe.seconds * float(self.fps))
        projectors = [_ActorProjector(actor, composition, self.library, self.camera) for actor in composition.actors]
        layers = Layers(composition.background)
        for number in range(count):
            seconds = number / float(self.fps)
            order = sorted(projectors, key=lambda projector: -projector.distance(seconds))
            if number and composition.moving is not None:
                layers = Layers(next(composition.moving))
            yield layers, layers.show([projector.patch(seconds) for projector in order])

    def picture_at(self, scene: Scene, seed: int | np.random.SeedSequence, seconds: float) -> Frame:
        """The picture (H, W, 3) of a scene at a time; video backgrounds show their first frame."""
        composition = self.compose(scene, seed)
        projectors = [_ActorProjector(actor, composition, self.library, self.camera) for actor in composition.actors]
        projectors.sort(key=lambda projector: -projector.distance(seconds))
        layers = Layers(composition.background)
        layers.show([projector.patch(seconds) for projector in projectors])
        return layers.picture

    def compose(self, scene: Scene, seed: int | np.random.SeedSequence) -> PictureScene:
        """The empty room and the actors of a scene."""
        sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        # Not spawn(), which has state: the same sequence must always give the same pictures.
        children = [np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, n)) for n in range(3)]
        room_rng, source_rng, bystander_rng = (np.random.default_rng(child) for child in children)
        room = self.rooms[scene.recipe.room] if self.rooms else room_around(scene, room_rng)
        if self.panoramas:
            room = Room(room.size, room.rt60, room.band_factors, (*room.microphone[:2], _PHOTO_EYE_HEIGHT))
        turn = scene.recipe.view_deg
        actors = place_sources(scene, self.library, self.camera, room.microphone[2], source_rng)
        actors += place_bystanders(actors, self.library, self.camera, room, turn, self.bystanders, bystander_rng)
        if self.panoramas:
            panorama = self.panoramas[int(room_rng.integers(len(self.panoramas)))]
            frames = panorama.frames(self.camera, turn, self.fps, scene.recipe.seconds, room_rng)
            moving = None if isinstance(panorama, PanoramaPhoto) else frames
            return PictureScene(next(frames), None, tuple(actors), room.microphone[2], True, moving)
        interior = draw_interior(
            room.size,
            room.microphone,
            room_rng,
            keep_clear=lambda footprint: _in_the_way(footprint, actors, room, turn),
            stands=lambda style: _stands(style, actors, room, turn),
            pixels_per_metre=max(96.0, 0.36 * self.camera.focal_px),
        )
        background, depth = interior.view(self.camera, turn)
        return PictureScene(background, depth, tuple(actors), room.microphone[2], False)


def write_scene(
    path: str | Path, scene: Scene, frames: Iterable[Frame | VideoFrame], fps: Fraction | float = DCASE_FPS
) -> None:
    """Write a scene as a video with its stereo sound at 24 kHz.

    Args:
        path: .mp4, .mov or .mkv.
        scene: the scene with its sound.
        frames: its pictures from `PictureRenderer.video_frames` or `render`.
        fps: pictures per second.

    Raises:
        EncodingError: the file cannot be written.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        first = np.zeros((DCASE_CAMERA.height, DCASE_CAMERA.width, 3), dtype=np.uint8)
    height, width = (first.height, first.width) if isinstance(first, VideoFrame) else first.shape[:2]
    rate = Fraction(fps).limit_denominator(1001)
    with MediaWriter(
        path, width, height, rate, audio_rate=SAMPLE_RATE, preset="ultrafast", options=FAST_VIDEO, true_waves=True
    ) as writer:
        written = 0
        for number, picture in enumerate(chain([first], pictures)):
            if isinstance(picture, VideoFrame):
                writer.write_video_frame(picture, float(number / rate))
            else:
                writer.write_frame(picture, float(number / rate))
            # Sound and pictures are interleaved, so that the file can be streamed.
            upto = round((number + 1) / rate * SAMPLE_RATE)
            _write_sound(writer, scene, written, upto)
            written = upto
        _write_sound(writer, scene, written, scene.audio.shape[1])


def _write_sound(writer: MediaWriter, scene: Scene, start: int, end: int) -> None:
    block = scene.audio[:, start:end]
    if block.size:
        writer.write_audio(block)


class _ActorProjector:
    """Projects an actor over time; patches of static actors are cached."""

    def __init__(self, actor: Actor, composition: PictureScene, library: CutoutLibrary, camera: Camera) -> None:
        self._actor, self._composition, self._library, self._camera = actor, composition, library, camera
        self._kept: dict[tuple[State, int], Patch | None] = {}
        self._stays = actor.stays
        self._distance = math.hypot(*actor.place(0.0))
        self._orders = {state: _phase_order(actor, state) for state in actor.cutout.phases}
        self._trolley: Image.Image | None = None

    def distance(self, seconds: float) -> float:
        return self._distance if self._stays else math.hypot(*self._actor.place(seconds))

    def patch(self, seconds: float) -> Patch | None:
        actor = self._actor
        moving = not self._stays and actor.moving(seconds)
        state = actor.cutout.state(actor.sounding(seconds), moving)
        # The walking rate is that of footsteps.
        rate = 4.0 if state == "walking" else actor.cutout.rate
        order = self._orders[state]
        phase = int(order[int(seconds * rate) % len(order)])
        if not self._stays:
            return self._project(actor.board(seconds), state, phase)
        if (state, phase) not in self._kept:
            self._kept[state, phase] = self._project(actor.board(seconds), state, phase)
        return self._kept[state, phase]

    def _project(self, board: Billboard, state: State, phase: int) -> Patch | None:
        cutout, camera, composition = self._actor.cutout, self._camera, self._composition
        if board.ahead < NEAR:
            return None
        sharpness = camera.focal_px / board.ahead * board.width / cutout.width
        patch = project(board, self._library.picture(cutout, state, phase, sharpness), camera, composition.depth)
        height = board.base + composition.camera_height
        if height > 0.0 and (composition.trolleys or not self._stays):
            board = replace(board, base=-composition.camera_height, width=TROLLEY_WIDTH, height=height, mirrored=False)
            if self._trolley is None:
                self._trolley = draw_trolley(height, _TROLLEY_SHARPNESS).convert("RGBa")
            patch = _over(patch, project(board, self._trolley, camera, composition.depth))
        return _over(patch, shadow(board, camera, composition.depth))


def _over(top: Patch | None, below: Patch | None) -> Patch | None:
    if top is None or below is None:
        return top or below
    return top.over(below)


def _phase_order(actor: Actor, state: State) -> NDArray[np.intp]:
    """The order of the phases: random for speech, otherwise sequential."""
    count = actor.cutout.phases[state]
    if state != "sounding" or actor.cutout.kind not in ("female_speech", "male_speech") or count < 2:
        return np.arange(count)
    # Steps are never 0 modulo the number of phases, so that consecutive phases differ.
    return np.cumsum(np.random.default_rng(actor.seed).integers(1, count, 64)) % count


def _stands(style: RoomStyle, actors: Sequence[Actor], room: Room, turn: float) -> list[Furniture]:
    """Tables and plinths under static actors above the floor."""
    furniture = []
    for actor in actors:
        height = actor.base + room.microphone[2]
        if height > 0.0 and actor.stays:
            x, y = to_room(actor.path[:1], room, turn)[0]
            breadth = float(np.clip(actor.scale * actor.cutout.width * 1.15, *_STAND_BREADTH))
            furniture.append(stand(style, float(x), float(y), height, breadth))
    return furniture


def _in_the_way(footprint: Footprint, actors: Sequence[Actor], room: Room, turn: float, margin: float = 0.3) -> bool:
    """Whether furniture would touch an actor or be between an actor and the camera."""
    x0, y0, x1, y1 = footprint
    shares = np.linspace(0.1, 1.0, 12)[:, None, None]
    for actor in actors:
        sights = (actor.path[:: max(1, len(actor.path) // 12)] * shares).reshape(-1, 2)
        x, y = to_room(sights, room, turn).T
        if ((x > x0 - margin) & (x < x1 + margin) & (y > y0 - margin) & (y < y1 + margin)).any():
            return True
    return False
