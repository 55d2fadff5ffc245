"""Make the sample video that comes with earwitness: `python scripts/make_sample.py --bank BANK`.

The sounds are CC0 or CC-BY recordings of the bank's validation split, the room is one of those that the default model
was validated in: nothing in the sample was heard in training.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.files.atomic import atomic_file
from earwitness.core.geometry import Camera, wrap
from earwitness.data.dcase.labels import write_table
from earwitness.scenes import RirPool, Synthesizer
from earwitness.scenes.bank.sound_bank import BankSound, SoundBank
from earwitness.scenes.pictures import DCASE_FPS, PictureRenderer, write_scene
from earwitness.scenes.scene import EventRecipe, NoiseRecipe, SceneRecipe
from earwitness.training.data.training_sources import OpenSynthesizer
from earwitness.training.recipe_sections import DataSpec

SECONDS: Final = 24.0
CAMERA: Final = Camera(width=960, height=540)
PICTURE_SEED: Final = 13
ROOMS: Final = 14
LARGEST_BYTES: Final = 3_000_000
LICENCES: Final = ("CC0-1.0", "CC-BY-3.0", "CC-BY-4.0")
OUT: Final = Path(__file__).parents[1] / "src" / "earwitness" / "assets" / "sample"


@dataclass(frozen=True)
class Role:
    """A source of the sample: what it plays, when, and about where.

    Attributes:
        kind: slug of its class.
        sounds, onset, gap: as in `EventRecipe`.
        azimuth: range of degrees in which it should be.
        height: range of metres above the floor.
        distance: range of metres.
        level_db: as in `EventRecipe`.
        walks: whether it walks along one of the room's paths, within the azimuths.
    """

    kind: str
    sounds: tuple[str, ...]
    onset: float
    azimuth: tuple[float, float]
    height: tuple[float, float] = (0.5, 1.4)
    distance: tuple[float, float] = (1.4, 3.6)
    gap: float = 0.8
    level_db: float = -24.0
    walks: bool = False


_ABOUT: Final = (
    "Room, picture and mix are made by earwitness. This is not a real video: no real stereo video with known source",
    "positions comes with earwitness. The sounds are real recordings:",
)

ROLES: Final = (
    Role("female_speech", ("female_speech/librispeech_085.ogg", "female_speech/librispeech_086.ogg"), 0.8,
         (18, 40), height=(1.25, 1.8), distance=(1.5, 3.2), gap=14.5),
    Role("knock", ("knock/wis-realknock_004.ogg", "knock/wis-realknock_006.ogg"), 5.4, (-125, -68), height=(0.3, 2.1),
         distance=(1.0, 4.0)),
    Role("telephone", ("telephone/proc-mechbell_002.ogg",), 7.6, (-28, -6), height=(0.5, 1.2), distance=(1.2, 3.0)),
    Role("male_speech", ("male_speech/librispeech_014.ogg",), 11.0, (-80, 80), height=(1.25, 1.95), distance=(1.5, 5.0),
         walks=True),
    Role("music", ("music/gcompris_007.ogg",), 16.2, (-6, 18), height=(0.5, 1.25), distance=(1.5, 4.0)),
    Role("bell", ("bell/wis-bicycle-bell_001.ogg", "bell/wis-bicycle-bell_002.ogg"), 22.0, (-43, -22),
         height=(0.5, 1.3), distance=(1.2, 3.2), gap=0.3),
)  # fmt: skip


def cast(pool: RirPool) -> tuple[int, int, dict[str, tuple[int, ...]]]:
    """The room, the view and each role's RIRs that fit the roles best.

    Raises:
        SystemExit: no room has places for all roles.
    """
    best: tuple[float, int, int, dict[str, tuple[int, ...]]] | None = None
    for room, shape in enumerate(pool.rooms):
        if min(shape.size[:2]) < 3.5 or shape.rt60 > 0.6 or not 1.2 < shape.microphone[2] < 1.62:
            continue
        for view in range(0, 360, 2):
            placed, cost = _place_all(pool, room, view)
            if placed is not None and (best is None or cost < best[0]):
                best = cost, room, view, placed
    if best is None:
        raise SystemExit("no room of the pool has places for all roles; widen their ranges")
    return best[1:]


def _place_all(pool: RirPool, room: int, view: int) -> tuple[dict[str, tuple[int, ...]] | None, float]:
    placed: dict[str, tuple[int, ...]] = {}
    taken: list[float] = []
    total = 0.0
    for role in ROLES:
        groups = pool.paths(room) if role.walks else [np.array([index]) for index in pool.static(room)]
        costs = [_misfit(pool, room, view, role, group, taken) for group in groups]
        if not costs or not np.isfinite(min(costs)):
            return None, np.inf
        chosen = groups[int(np.argmin(costs))]
        placed[role.kind] = tuple(int(index) for index in chosen)
        total += min(costs)
        if not role.walks:
            taken.append(float(_polar(pool, room, view, chosen)[0][0]))
    return placed, total


def _misfit(pool: RirPool, room: int, view: int, role: Role, indices: NDArray[np.intp], taken: list[float]) -> float:
    azimuth, height, distance = _polar(pool, room, view, indices)
    for values, (low, high) in ((azimuth, role.azimuth), (height, role.height), (distance, role.distance)):
        if values.min() < low or values.max() > high:
            return np.inf
    if role.walks:
        # The more of the picture is crossed, the better; without turning round.
        shown = azimuth[np.abs(azimuth) < 46]
        return 60.0 - float(np.ptp(shown)) if shown.size > 7 else np.inf
    if taken and min(abs(float(azimuth[0]) - other) for other in taken) < 11:
        return np.inf
    middle = [abs(float(np.log(distance[0] / 2.2))) * 8, abs(float(azimuth[0]) - sum(role.azimuth) / 2) / 4]
    return sum(middle)


def _polar(pool: RirPool, room: int, view: int, indices: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
    """Azimuths (degrees), heights above the floor and distances (metres) of places."""
    ahead, left, up = pool.position[indices].astype(np.float64).T
    azimuth = np.asarray(wrap(np.degrees(np.arctan2(left, ahead)) + view), dtype=np.float64)
    return azimuth, up + pool.rooms[room].microphone[2], np.sqrt(ahead**2 + left**2 + up**2)


def recipe(pool: RirPool) -> SceneRecipe:
    """The sample as a scene recipe."""
    room, view, placed = cast(pool)
    events = []
    for role in ROLES:
        rirs = placed[role.kind]
        step = float(np.linalg.norm(pool.position[rirs[1]] - pool.position[rirs[0]])) if role.walks else 1.0
        speed = 0.75 / step if role.walks else 0.0
        events.append(
            EventRecipe(role.sounds, role.kind, role.onset, role.gap, 1.0, (0.0,) * 6, role.level_db, rirs, 0.0, speed)
        )
    noise = NoiseRecipe(sound=None, start=0.0, level_db=-58.0, hiss_db=-75.0, slope_db=-4.0, seed=1)
    return SceneRecipe(SECONDS, room, float(view), tuple(events), noise, gain_db=-3.0)


def credits(sounds: list[BankSound]) -> str:
    """Who made what, as Markdown."""
    lines = [f"- `{sound.name}`: {sound.attribution or 'unknown'}. {sound.licence}." for sound in sounds]
    return "\n".join(["# Credits of the sample", "", *_ABOUT, "", *lines, ""])


def used_sounds(bank: SoundBank) -> list[BankSound]:
    """The sample's sounds.

    Raises:
        SystemExit: one is not free enough to be passed on.
    """
    sounds = [bank.sound(name) for role in ROLES for name in role.sounds]
    for sound in sounds:
        if sound.licence not in LICENCES:
            raise SystemExit(
                f"{sound.name} is under {sound.licence or 'no known licence'}, not {' or '.join(LICENCES)}"
            )
    return sounds


def main() -> None:
    """Render and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True, help="the sound bank")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    arguments = parser.parse_args()
    bank = SoundBank.open(arguments.bank, "valid")
    sounds = used_sounds(bank)
    # A pool's first rooms are the same however many there are and however many places each has.
    dense = {"rooms": ROOMS, "positions": 240, "paths": 12}
    source = OpenSynthesizer(DataSpec(bank=str(arguments.bank), pool=dense), "valid")
    with TemporaryDirectory() as cache:
        pool = RirPool.open(source.pool(), cache)
        scene = Synthesizer(bank, pool, source.scene()).render(recipe(pool))
    for event in scene.labels.events():
        place = "on screen" if event.onscreen else "off screen"
        print(f"{event.start:5.1f}-{event.end:4.1f} s  {event.sound_class.name:20s} {event.azimuth:+4.0f} deg  {place}")
    renderer = PictureRenderer(camera=CAMERA, rooms=pool.rooms, bystanders=1.0)
    video = arguments.out / "sample.mp4"
    write_scene(video, scene, renderer.render(scene, PICTURE_SEED), DCASE_FPS)
    if video.stat().st_size > LARGEST_BYTES:
        raise SystemExit(f"{video} has {video.stat().st_size} bytes, more than {LARGEST_BYTES}")
    write_table(arguments.out / "sample.csv", scene.labels)
    text = credits(sounds)
    for name, content in (("sample.json", scene.recipe.to_json() + "\n"), ("CREDITS.md", text)):
        with atomic_file(arguments.out / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    print(f"{video}: {video.stat().st_size / 1e6:.1f} MB\n\n{text}")


if __name__ == "__main__":
    main()
