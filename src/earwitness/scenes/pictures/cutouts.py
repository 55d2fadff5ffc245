"""Cut-outs: pictures of sources with transparency, drawn or from the user's own files."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image

from earwitness.core.errors import MediaError, UnreadableMediaError
from earwitness.core.vocabulary import DCASE2025, SoundClass, Vocabulary
from earwitness.data.dcase.layout import walk_files
from earwitness.scenes.pictures.objects.appliances import APPLIANCES, TAPS
from earwitness.scenes.pictures.objects.bells import BELLS, TELEPHONES
from earwitness.scenes.pictures.objects.doors import DOORS
from earwitness.scenes.pictures.objects.drawn_object import CREAM, INK, SILENT, DrawnObject, Palette, Stance, plain_box
from earwitness.scenes.pictures.objects.instruments import INSTRUMENTS, PLAYERS
from earwitness.scenes.pictures.painter import SpriteCanvas
from earwitness.scenes.pictures.people import people
from earwitness.scenes.pictures.people.figure import PHASES, Action, Appearance
from earwitness.scenes.pictures.photo import CUTOUT_SUFFIXES, read_cutout

State = Literal["idle", "sounding", "walking", "walking_sounding"]
Draw = Callable[[State, int, float], Image.Image]

OBJECTS: Final[tuple[DrawnObject, ...]] = (
    *TELEPHONES,
    *APPLIANCES,
    *PLAYERS,
    *INSTRUMENTS,
    *TAPS,
    *BELLS,
    *DOORS,
)
"""All drawn objects."""
PEOPLE_PER_CLASS: Final = 12
_CACHE_BYTES: Final = 96 * 2**20
_LEVELS: Final = tuple(2.0 ** (step / 2) for step in range(8, 21))
"""Resolutions of cached pictures in pixels per metre: 16 to 1024."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """Pictures of an object or a person with transparency.

    Attributes:
        kind: slug of the class of its sound.
        name: name of the object or person.
        width, height: size of its picture in metres.
        sound: height of the sound source above the lower edge in metres; horizontally, it is at the centre.
        stance: "person" and "floor" stand on the floor, "table" on furniture.
        rate: phases per second while it is active.
        phases: number of phases of each state; always includes "idle".
        draw: draws its picture in a state and phase, at a number of pixels per metre.
    """

    kind: str
    name: str
    width: float
    height: float
    sound: float
    stance: Stance
    rate: float
    phases: Mapping[State, int]
    draw: Draw

    def state(self, sounding: bool, moving: bool) -> State:
        """The state to show."""
        wanted: tuple[State, ...] = ("idle",)
        if sounding:
            wanted = ("walking_sounding", "sounding") if moving else ("sounding",)
        elif moving:
            wanted = ("walking", "idle")
        return next((state for state in wanted if state in self.phases), "idle")


_ACTIONS: Final[dict[str, tuple[Action, float]]] = {
    "female_speech": ("talk", 7.0),
    "male_speech": ("talk", 7.0),
    "clapping": ("clap", 12.0),
    "laughter": ("laugh", 9.0),
    "footsteps": ("stand", 4.0),
}
"""Action of people of each class while active, and phases per second."""
_ACTIONS_OF_PARTS: Final[dict[str, tuple[Action, float]]] = {
    "mouth": ("talk", 7.0),
    "hands": ("clap", 12.0),
    "feet": ("stand", 4.0),
}
"""The same for other classes, by the part of the body that makes the sound."""
DEFAULT_HEIGHTS: Final[dict[str, float]] = {
    "female_speech": 1.65,
    "male_speech": 1.78,
    "clapping": 1.7,
    "telephone": 0.25,
    "laughter": 1.7,
    "domestic_sounds": 0.7,
    "footsteps": 1.7,
    "door": 2.05,
    "music": 0.5,
    "musical_instrument": 1.0,
    "water_tap": 1.1,
    "bell": 0.35,
    "knock": 2.05,
}
"""Heights in metres of the user's pictures of a class whose names do not state it ("radio@0.3m.png")."""
_HUMAN_HEIGHT: Final = 1.7
_OBJECT_HEIGHT: Final = 0.4
"""The same for other classes, which people or objects make."""


LOWEST_METRES: Final = 0.02
HIGHEST_METRES: Final = 5.0
WIDEST_METRES: Final = 10.0
"""Limits of the size of the user's pictures, which limit the memory for drawing."""


@dataclass(eq=False)
class CutoutLibrary:
    """Cut-outs of all classes.

    Attributes:
        folder: the user's pictures, with a subfolder for each class (named by its slug) of files with transparency:
            stills; phases numbered `name_1.png`, `name_2.png`, ...; animated WebP, PNG or GIF; short videos with alpha
            (WebM, MOV, MKV). The first phase is that of a silent source. `name@1.2m.png` states the real height.
            Classes without a folder are drawn.
        max_pixels_per_metre: maximum resolution of drawn pictures.
        vocabulary: the classes.
    """

    folder: str | Path | None = None
    max_pixels_per_metre: float = 512.0
    vocabulary: Vocabulary = DCASE2025
    _by_kind: dict[str, tuple[Cutout, ...]] = field(default_factory=dict, init=False, repr=False)
    _cache: OrderedDict[tuple[Cutout, State, int, float], Image.Image] = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    _cached_bytes: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the user's pictures.

        Raises:
            MediaError: the folder is missing or has a subfolder that is not of a class.
            UnreadableMediaError: a picture cannot be read or has no transparency.
        """
        own = _read_folder(Path(self.folder), self.vocabulary) if self.folder is not None else {}
        for sound_class in self.vocabulary:
            self._by_kind[sound_class.slug] = own.get(sound_class.slug) or _drawn(sound_class)

    def cutouts(self, kind: str) -> tuple[Cutout, ...]:
        """All cut-outs of a class.

        Raises:
            LabelError: there is no class with this slug.
        """
        return self._by_kind[self.vocabulary.by_slug(kind).slug]

    def pick(self, kind: str, rng: np.random.Generator) -> Cutout:
        """A random cut-out of a class."""
        choices = self.cutouts(kind)
        return choices[int(rng.integers(len(choices)))]

    def picture(self, cutout: Cutout, state: State, phase: int, pixels_per_metre: float) -> Image.Image:
        """The picture of a cut-out at about the given resolution, with premultiplied alpha (mode "RGBa")."""
        wanted = min(pixels_per_metre, self.max_pixels_per_metre)
        level = min(_LEVELS, key=lambda kept: abs(np.log(kept / wanted)))
        key = (cutout, state, phase % cutout.phases[state], level)
        found = self._cache.pop(key, None)
        if found is None:
            found = cutout.draw(state, phase % cutout.phases[state], level).convert("RGBa")
            self._cached_bytes += found.width * found.height * 4
        self._cache[key] = found
        while self._cached_bytes > _CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= oldest.width * oldest.height * 4
        return found


def _drawn(sound_class: SoundClass) -> tuple[Cutout, ...]:
    """Drawn cut-outs of a class: people, objects of its kind, or plain boxes in its colour."""
    if sound_class.human:
        return tuple(_person(sound_class, number) for number in range(PEOPLE_PER_CLASS))
    known = [drawn for drawn in OBJECTS if drawn.kind == sound_class.slug] or [plain_box(sound_class.slug)]
    own = sound_class.rgb
    return tuple(
        _object(drawn, palette)
        for drawn in known
        for palette in (drawn.palettes or (Palette(own, INK), Palette(CREAM, own)))
    )


def _person(sound_class: SoundClass, number: int) -> Cutout:
    kind, part = sound_class.slug, sound_class.made_by
    woman = kind == "female_speech" or (kind != "male_speech" and number % 2 == 0)
    appearance = Appearance.draw(woman, np.random.default_rng((sound_class.index, number)))
    action, rate = _ACTIONS.get(kind) or _ACTIONS_OF_PARTS[part]

    def draw(state: State, phase: int, pixels_per_metre: float) -> Image.Image:
        sounding = state in ("sounding", "walking_sounding")
        # Footsteps show a person walking, on the spot if the source does not move.
        walks = state in ("walking", "walking_sounding") or (sounding and part == "feet")
        return people.draw_person(appearance, action if sounding else "stand", walks, phase, pixels_per_metre)

    phases: dict[State, int] = {"idle": 1, "sounding": PHASES, "walking": PHASES, "walking_sounding": PHASES}
    name = f"{'woman' if woman else 'man'} {number}"
    sound = 0.1 if part == "feet" else 1.2 if part == "hands" else people.MOUTH
    return Cutout(kind, name, people.WIDTH, people.HEIGHT, sound, "person", rate, phases, draw)


def _object(drawn: DrawnObject, palette: Palette) -> Cutout:
    def draw(state: State, phase: int, pixels_per_metre: float) -> Image.Image:
        canvas = SpriteCanvas(drawn.width, drawn.height, pixels_per_metre)
        drawn.draw(canvas, palette, phase if state == "sounding" else SILENT)
        return canvas.finish()

    phases: dict[State, int] = {"idle": 1, "sounding": drawn.phases}
    return Cutout(
        drawn.kind, drawn.name, drawn.width, drawn.height, drawn.sound, drawn.stance, drawn.rate, phases, draw
    )


def _read_folder(folder: Path, vocabulary: Vocabulary) -> dict[str, tuple[Cutout, ...]]:
    if not folder.is_dir():
        raise MediaError(f"{folder}: no such folder; give a folder with a subfolder of RGBA pictures for each class")
    known = set(vocabulary.slugs)
    found: dict[str, tuple[Cutout, ...]] = {}
    for subfolder in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if subfolder.name not in known:
            raise MediaError(f"{subfolder}: not the name of a class; the classes are {', '.join(sorted(known))}")
        series: dict[tuple[Path, str], list[Path]] = {}
        for path in sorted(walk_files(subfolder), key=_by_number):
            if path.suffix.lower() in CUTOUT_SUFFIXES:
                series.setdefault((path.parent, re.sub(r"[_-]\d+$", "", path.stem)), []).append(path)
        cutouts = tuple(
            _from_files(vocabulary.by_slug(subfolder.name), name, paths) for (_, name), paths in series.items()
        )
        if not cutouts:
            raise MediaError(f"{subfolder}: has no picture; remove the folder to use drawn pictures")
        found[subfolder.name] = cutouts
    if not found:
        raise MediaError(f"{folder}: has no folder of a class; the classes are {', '.join(sorted(known))}")
    return found


def unused_files(folder: Path) -> list[str]:
    """Files in a folder of cut-outs that are neither pictures nor videos, or not in the folder of a class."""
    return [
        path.relative_to(folder).as_posix()
        for path in walk_files(folder)
        if path.parent == folder or path.suffix.lower() not in CUTOUT_SUFFIXES
    ]


def _height(path: Path, name: str, sound_class: SoundClass) -> float:
    """Height in metres from the name, as "radio@0.3m" or "radio@30cm", or the default of the class."""
    match = re.search(r"@([\d.,eE+-]+) ?(m|cm)$", name, re.IGNORECASE)
    if match is None:
        return DEFAULT_HEIGHTS.get(sound_class.slug, _HUMAN_HEIGHT if sound_class.human else _OBJECT_HEIGHT)
    try:
        metres = float(match[1].replace(",", ".")) * (0.01 if match[2].lower() == "cm" else 1.0)
    except ValueError:
        raise UnreadableMediaError(f"{path}: '@{match[1]}{match[2]}' is not a height; write it as @1.2m") from None
    if not LOWEST_METRES <= metres <= HIGHEST_METRES:
        raise UnreadableMediaError(
            f"{path}: the height in the name, {metres:g} m, must be {LOWEST_METRES:g} to {HIGHEST_METRES:g} m"
        )
    return metres


def _by_number(path: Path) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)[_-](\d+)", path.stem)
    return (match[1], int(match[2])) if match else (path.stem, -1)


def _from_files(sound_class: SoundClass, name: str, paths: list[Path]) -> Cutout:
    parts = [read_cutout(path) for path in paths]
    frames = [frame for part, _ in parts for frame in part]
    if len({frame.size for frame in frames}) > 1:
        raise UnreadableMediaError(f"{paths[0]}: the phases of '{name}' differ in size; make them equal")
    # Crop the empty margin around the object.
    boxes = np.array([bounds for frame in frames if (bounds := frame.getchannel("A").getbbox()) is not None])
    box = tuple(int(side) for side in (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)))
    frames = [frame.crop((box[0], box[1], box[2], box[3])) for frame in frames]
    size = frames[0].size
    height = _height(paths[0], name, sound_class)
    if height * size[0] / size[1] > WIDEST_METRES:
        raise UnreadableMediaError(
            f"{paths[0]}: would be {height * size[0] / size[1]:.3g} m wide; state its height in the name (@0.3m)"
        )

    def draw(state: State, phase: int, pixels_per_metre: float) -> Image.Image:
        rows = max(1, round(height * pixels_per_metre))
        columns = max(1, round(rows * size[0] / size[1]))
        return frames[phase].resize((columns, rows), Image.Resampling.LANCZOS)

    drawn = _drawn(sound_class)[0]
    return Cutout(
        sound_class.slug, name, height * size[0] / size[1], height, height * drawn.sound / drawn.height, drawn.stance,
        parts[0][1] or drawn.rate, {"idle": 1, "sounding": len(frames)}, draw,
    )  # fmt: skip
