from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from earwitness.core.events import EventTable
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.pictures.cutouts import CutoutLibrary
from earwitness.scenes.pictures.scene_picture import DCASE_FPS, PictureRenderer, write_scene
from earwitness.scenes.scene import NoiseRecipe, Scene, SceneRecipe, SourceTrack

SMALL = Camera(width=320, height=180)


def _track(
    azimuth: float | np.ndarray,
    elevation: float = 0.0,
    distance: float | np.ndarray = 2.0,
    kind: str = "bell",
    active: bool | np.ndarray = False,
    frames: int = 5,
) -> SourceTrack:
    def spread(value: float | np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (frames,)).copy()

    sounding = np.broadcast_to(np.asarray(active, dtype=np.bool_), (frames,)).copy()
    return SourceTrack(kind, sounding, spread(azimuth), spread(elevation), spread(distance))


def _scene(*tracks: SourceTrack, view_deg: float = 0.0, seconds: float = 0.5, room: int = 0) -> Scene:
    noise = NoiseRecipe(None, 0.0, -60.0, -70.0, 0.0, 0)
    recipe = SceneRecipe(seconds, room, view_deg, (), noise, -3.0)
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.1, 0.1, (2, round(seconds * 24_000))).astype(np.float32)
    return Scene(recipe, audio, EventTable.empty(round(seconds * 10)), tracks)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> CutoutLibrary:
    """Narrow, symmetric cut-outs, whose columns can be measured."""
    folder = tmp_path_factory.mktemp("cutouts")
    for kind, height, colour in (
        ("bell", 0.3, (255, 0, 255, 255)),
        ("telephone", 0.3, (0, 255, 255, 255)),
        ("laughter", 1.7, (0, 0, 255, 255)),
    ):
        (folder / kind).mkdir()
        image = Image.new("RGBA", (24, 64), (0, 0, 0, 0))
        image.paste(colour, (2, 2, 22, 62))
        image.save(folder / kind / f"block@{height}m.png")
    return CutoutLibrary(folder)


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.full((64, 128, 3), 128, dtype=np.uint8)


def _plain(blocks: CutoutLibrary, grey: np.ndarray, camera: Camera = DCASE_CAMERA) -> PictureRenderer:
    return PictureRenderer(blocks, camera, 10, panoramas=[grey], bystanders=0)


def _seen(picture: np.ndarray, colour: tuple[int, int, int] = (255, 0, 255)) -> np.ndarray:
    """Weights (H, W) of a block's pixels."""
    return np.asarray(np.abs(picture.astype(int) - colour).max(axis=2) < 60, dtype=float)


def _centre(weights: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(weights.shape)
    return float((weights * columns).sum() / weights.sum()) + 0.5, float((weights * rows).sum() / weights.sum()) + 0.5


@settings(max_examples=30, deadline=None)
@given(azimuth=st.floats(-47, 47), elevation=st.floats(-18, 18), distance=st.floats(1, 6), turn=st.floats(0, 360))
def test_sources_are_where_the_camera_sees_them(
    blocks: CutoutLibrary, grey: np.ndarray, azimuth: float, elevation: float, distance: float, turn: float
) -> None:
    scene = _scene(_track(azimuth, elevation, distance), view_deg=turn)
    x, _ = _centre(_seen(next(_plain(blocks, grey).render(scene, 0))))
    assert abs(x - float(DCASE_CAMERA.column(azimuth))) < 3.0


@pytest.mark.parametrize("elevation", [-15.0, 0.0, 15.0])
def test_the_place_that_sounds_is_at_the_right_height(
    blocks: CutoutLibrary, grey: np.ndarray, elevation: float
) -> None:
    scene = _scene(_track(20.0, elevation, 3.0))
    cutout = blocks.cutouts("bell")[0]
    _, y = _centre(_seen(next(_plain(blocks, grey).render(scene, 0))))
    below = float(DCASE_CAMERA.project(20.0, elevation)[1])
    level = 3.0 * np.cos(np.radians(elevation)) * np.cos(np.radians(20.0))
    lift = (cutout.height / 2 - cutout.sound) * DCASE_CAMERA.focal_px / level
    assert abs(y - (180 + below - lift)) < 3.0


def test_sources_are_seen_exactly_when_the_label_says_on_screen(blocks: CutoutLibrary, grey: np.ndarray) -> None:
    renderer = _plain(blocks, grey)
    for azimuth in [-179.9, -130, -90, -60, -55, -47, -20, 0, 33, 47, 56, 61, 89, 90, 120, 180]:
        picture = next(renderer.render(_scene(_track(azimuth, 0.0, 3.0)), 0))
        assert bool(_seen(picture).any()) == bool(DCASE_CAMERA.sees(azimuth, 0.0)), azimuth
    for elevation in [-50, -45, 48, 70]:
        picture = next(renderer.render(_scene(_track(0.0, elevation, 1.5)), 0))
        assert not _seen(picture).any()


def test_sources_behind_never_show_while_they_cross_the_back(blocks: CutoutLibrary, grey: np.ndarray) -> None:
    crossing = np.array([170.0, 175.0, 179.0, -179.0, -175.0])
    for picture in _plain(blocks, grey).render(_scene(_track(crossing)), 0):
        assert not _seen(picture).any()


def test_sources_pass_the_panoramas_seam_smoothly(blocks: CutoutLibrary, grey: np.ndarray) -> None:
    # Turned by 180 degrees, the middle of the picture is where the panorama's edges meet.
    azimuth = np.linspace(-8, 8, 5)
    scene = _scene(_track(azimuth), view_deg=180.0)
    columns = [_centre(_seen(picture))[0] for picture in _plain(blocks, grey).render(scene, 0)]
    # Labels hold for the middle of their 100 ms: the first picture is half a label early and shows the first place.
    expected = [float(DCASE_CAMERA.column(a)) for a in (-8, -6, -2, 2, 6)]
    assert np.abs(np.subtract(columns, expected)).max() < 3


@settings(max_examples=12, deadline=None)
@given(azimuth=st.floats(-48, 48), elevation=st.floats(-10, 0), distance=st.floats(0.8, 4))
def test_mirrored_scene_is_the_mirrored_picture(
    blocks: CutoutLibrary, grey: np.ndarray, azimuth: float, elevation: float, distance: float
) -> None:
    renderer = _plain(blocks, grey, SMALL)
    plain = next(renderer.render(_scene(_track(azimuth, elevation, distance, "laughter")), 0)).astype(int)
    mirrored = next(renderer.render(_scene(_track(-azimuth, elevation, distance, "laughter")), 0)).astype(int)
    assert np.abs(plain - 128).max() > 60
    assert np.abs(plain - mirrored[:, ::-1]).max() <= 6


def test_nearer_sources_hide_farther_ones(blocks: CutoutLibrary, grey: np.ndarray) -> None:
    renderer = _plain(blocks, grey)
    near, far = _track(0.0, 0.0, 1.5, "bell"), _track(0.0, 0.0, 3.0, "telephone")
    for tracks in ((near, far), (far, near)):
        picture = next(renderer.render(_scene(*tracks), 0))
        assert _seen(picture)[180, 320]
    picture = next(renderer.render(_scene(_track(0.0, 0.0, 4.0, "bell"), far), 0))
    assert _seen(picture, (0, 255, 255))[180, 320]


def test_size_follows_distance(blocks: CutoutLibrary, grey: np.ndarray) -> None:
    renderer = _plain(blocks, grey)
    heights = [
        int(_seen(next(renderer.render(_scene(_track(0.0, 0.0, distance)), 0))).any(axis=1).sum())
        for distance in (0.8, 1.6, 40.0)
    ]
    assert heights[0] == pytest.approx(0.3 * DCASE_CAMERA.focal_px / 0.8, abs=4)
    assert heights[0] == pytest.approx(2 * heights[1], abs=4)
    # However far, it can still be made out.
    assert heights[2] >= 14


@pytest.mark.parametrize("slug", [sound_class.slug for sound_class in CLASSES])
def test_drawn_sources_cover_the_direction_of_their_sound_and_move_while_they_sound(slug: str) -> None:
    renderer = PictureRenderer(camera=SMALL, fps=10, bystanders=0)
    active = np.array([False, False, True, True, True, True, True, True])
    scene = _scene(_track(18.0, -9.0, 2.2, slug, active, 8), seconds=0.8, view_deg=200)
    stage = renderer.compose(scene, 5)
    frames = list(renderer.render(scene, 5))
    x = int(SMALL.column(18.0))
    y = int(SMALL.height / 2 + float(SMALL.project(18.0, -9.0)[1]))
    changed = np.abs(frames[4].astype(int) - stage.background).max(axis=2) > 12
    assert changed[y - 10 : y + 11, x - 6 : x + 7].any()
    assert np.array_equal(frames[0], frames[1])
    assert any(not np.array_equal(frame, frames[0]) for frame in frames[2:])


def test_interference_is_heard_not_seen(grey: np.ndarray) -> None:
    renderer = PictureRenderer(camera=SMALL, fps=10, panoramas=[grey], bystanders=0)
    for picture in renderer.render(_scene(_track(0.0, kind="interference", active=True)), 0):
        assert (picture == 128).all()


def test_same_seed_same_pictures_in_any_order() -> None:
    tracks = (_track(10.0, kind="male_speech", active=True), _track(-20.0, kind="door", active=True))
    scene, other = _scene(*tracks), _scene(_track(0.0, kind="music", active=True))
    first = np.stack(list(PictureRenderer(camera=SMALL).render(scene, 7)))
    busy = PictureRenderer(camera=SMALL)
    list(busy.render(other, 1))
    sequence = np.random.SeedSequence(7)
    assert np.array_equal(first, np.stack(list(busy.render(scene, sequence))))
    assert np.array_equal(first, np.stack(list(busy.render(scene, sequence))))
    assert not np.array_equal(first[0], next(busy.render(scene, 8)))


def test_bystanders_do_not_hide_sources() -> None:
    renderer = PictureRenderer(camera=SMALL, bystanders=4.0)
    bystanders = 0
    for seed in range(12):
        scene = _scene(_track(12.0, -5.0, 3.0, "telephone"), _track(-25.0, -3.0, 2.0, "laughter"))
        actors = renderer.compose(scene, seed).actors
        bystanders += len(actors) - 2
        for actor in actors[2:]:
            assert not actor.active.any()
            place = actor.path[0]
            for source in actors[:2]:
                apart = np.degrees(abs(np.arctan2(*place[::-1]) - np.arctan2(*source.path[0][::-1])))
                half = np.degrees(actor.cutout.width / 2 / np.hypot(*place))
                assert apart > half * 0.9 or np.hypot(*place) > np.hypot(*source.path[0])
    assert bystanders > 6


def test_the_pools_room_is_the_room_that_is_seen() -> None:
    rooms = [Room((5.0, 4.0, 2.5), 0.4, (1.0,), (2.0, 2.0, 1.1)), Room((8.0, 6.0, 3.0), 0.4, (1.0,), (3.0, 3.0, 1.7))]
    renderer = PictureRenderer(camera=SMALL, rooms=rooms)
    assert renderer.compose(_scene(_track(0.0)), 0).camera_height == 1.1
    assert renderer.compose(_scene(_track(0.0), room=1), 0).camera_height == 1.7


def test_scenes_without_sources_are_rooms() -> None:
    frames = list(PictureRenderer(camera=SMALL, bystanders=0).render(_scene(), 3))
    assert len(frames) == 15
    assert np.ptp(frames[0]) > 40
    assert all(np.array_equal(frame, frames[0]) for frame in frames)


def test_writes_a_video_with_its_sound(tmp_path: Path) -> None:
    scene = _scene(_track(5.0, kind="clapping", active=True, frames=10), seconds=1.0)
    path = tmp_path / "scene.mp4"
    write_scene(path, scene, PictureRenderer(camera=SMALL).render(scene, 0))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height) == (320, 180)
        assert video.average_rate == DCASE_FPS
        assert audio.rate == 24_000
        assert audio.channels == 2
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(samples - 24_000) <= 2048


def test_other_rates_give_other_numbers_of_pictures() -> None:
    scene = _scene(seconds=1.0)
    for fps in (Fraction(25), 10.0):
        frames = list(islice(PictureRenderer(camera=SMALL, fps=fps).render(scene, 0), 100))
        assert len(frames) == round(fps)


def test_fewer_pictures_a_second_show_the_same_scene_at_their_own_times(
    blocks: CutoutLibrary, grey: np.ndarray
) -> None:
    walk = np.linspace(-30, 30, 20)
    scene = _scene(_track(walk, active=np.arange(20) > 8, frames=20), seconds=2.0)
    often, seldom = (
        PictureRenderer(blocks, SMALL, fps, panoramas=[grey], bystanders=0) for fps in (20, Fraction(5, 2))
    )
    every, few = list(often.render(scene, 1)), list(seldom.render(scene, 1))
    assert (len(every), len(few)) == (40, 5)
    for number, picture in enumerate(few):
        np.testing.assert_array_equal(picture, every[8 * number])


def test_the_film_is_the_pictures_of_render(blocks: CutoutLibrary) -> None:
    """In a drawn room, with somebody who walks past something that stays, and a phone that rings."""
    tracks = (
        _track(np.linspace(-40, 40, 10), -2.0, 2.0, "laughter", active=True, frames=10),
        _track(10.0, -8.0, 2.5, "telephone", active=np.arange(10) > 3, frames=10),
        _track(-25.0, -3.0, 1.5, "bell", active=True, frames=10),
    )
    scene = _scene(*tracks, seconds=1.0)
    renderer = PictureRenderer(camera=SMALL, fps=10)
    for picture, frame in zip(renderer.render(scene, 3), renderer.video_frames(scene, 3), strict=True):
        whole = VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        assert np.abs(frame.to_ndarray().astype(int) - whole.to_ndarray()).max() <= 1
