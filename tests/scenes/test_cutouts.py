from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import LabelError, MediaError, UnreadableMediaError
from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.pictures.cutouts import DEFAULT_HEIGHTS, CutoutLibrary

SLUGS = [sound_class.slug for sound_class in CLASSES]


@pytest.fixture(scope="module")
def library() -> CutoutLibrary:
    return CutoutLibrary()


@pytest.mark.parametrize("slug", SLUGS)
def test_every_class_has_several_that_move_while_they_sound(library: CutoutLibrary, slug: str) -> None:
    cutouts = library.cutouts(slug)
    assert len(cutouts) >= 3
    appearance = set()
    for cutout in cutouts[:3]:
        assert 0.15 <= cutout.height <= 2.3
        assert 0 < cutout.sound <= cutout.height
        idle = cutout.draw("idle", 0, 90)
        assert idle.size == (round(cutout.width * 90), round(cutout.height * 90))
        alpha = np.asarray(idle.getchannel("A"))
        assert alpha[0, 0] == 0 or cutout.kind in ("door", "water_tap", "music")
        assert 0.04 < (alpha > 200).mean() < 0.99
        phases = [cutout.draw("sounding", phase, 90).tobytes() for phase in range(cutout.phases["sounding"])]
        assert len(set(phases)) >= 2
        assert any(phase != idle.tobytes() for phase in phases)
        appearance.add(idle.tobytes())
    assert len(appearance) == 3


def test_people_walk_and_things_do_not(library: CutoutLibrary) -> None:
    woman = library.cutouts("female_speech")[0]
    assert woman.state(sounding=True, moving=True) == "walking_sounding"
    assert woman.state(sounding=False, moving=True) == "walking"
    assert woman.draw("walking", 0, 60).tobytes() != woman.draw("idle", 0, 60).tobytes()
    bell = library.cutouts("bell")[0]
    assert bell.state(sounding=True, moving=True) == "sounding"
    assert bell.state(sounding=False, moving=True) == "idle"


def test_pictures_are_premultiplied_kept_and_near_the_resolution_asked_for(library: CutoutLibrary) -> None:
    cutout = library.cutouts("telephone")[0]
    picture = library.picture(cutout, "idle", 0, 150.0)
    assert picture.mode == "RGBa"
    assert 0.7 < picture.height / (cutout.height * 150.0) < 1.42
    assert library.picture(cutout, "idle", 0, 151.0) is picture
    huge = library.picture(cutout, "idle", 0, 9e9)
    assert huge.height <= cutout.height * library.max_pixels_per_metre * 1.01 + 1


def test_unknown_class_is_refused(library: CutoutLibrary) -> None:
    with pytest.raises(LabelError, match="dog"):
        library.cutouts("dog")


def _save(path: Path, size: tuple[int, int] = (40, 60), box: tuple[int, int, int, int] = (10, 10, 30, 60)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), box)
    image.save(path)


def test_reads_stills_numbered_phases_and_animations(tmp_path: Path) -> None:
    _save(tmp_path / "bell" / "gong.png")
    for number, left in ((1, 8), (2, 10), (10, 12)):
        _save(tmp_path / "bell" / f"chime@0.5m_{number}.png", box=(left, 10, left + 20, 60))
    frames = [Image.new("RGBA", (20, 30), (0, 0, 255, alpha)) for alpha in (255, 120)]
    frames[0].save(tmp_path / "bell" / "buzz.webp", save_all=True, append_images=frames[1:], lossless=True)
    (tmp_path / "bell" / "notes.txt").write_text("ignored")
    bells = {cutout.name: cutout for cutout in CutoutLibrary(tmp_path).cutouts("bell")}
    assert set(bells) == {"gong", "chime@0.5m", "buzz"}
    assert bells["gong"].phases["sounding"] == 1
    assert bells["gong"].height == DEFAULT_HEIGHTS["bell"]
    # The empty margin does not count: 20 by 50 pixels remain.
    assert bells["gong"].width == pytest.approx(bells["gong"].height * 20 / 50)
    assert bells["chime@0.5m"].height == 0.5
    assert bells["chime@0.5m"].phases["sounding"] == 3
    first, last = (np.asarray(bells["chime@0.5m"].draw("sounding", phase, 100))[25, :, 3] for phase in (0, 2))
    assert first[1] == 255
    assert last[1] == 0
    assert bells["buzz"].phases["sounding"] == 2


def _film(path: Path, codec: str, pixels: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 64, pixels
        for number in range(6):
            picture = np.zeros((64, 48, 4), np.uint8)
            picture[8:56, 8 + 2 * number : 20 + 2 * number] = (255, 0, 0, 255 if "a" in pixels else 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("suffix", "codec", "pixels"), [("webm", "libvpx-vp9", "yuva420p"), ("mov", "qtrle", "argb")])
def test_reads_short_videos_with_alpha(tmp_path: Path, suffix: str, codec: str, pixels: str) -> None:
    _film(tmp_path / "bell" / f"swing@0.4m.{suffix}", codec, pixels)
    (cutout,) = CutoutLibrary(tmp_path).cutouts("bell")
    assert (cutout.rate, cutout.phases["sounding"], cutout.height) == (10.0, 6, 0.4)
    # 48 rows and, over all phases, 22 columns are not empty.
    first, last = (np.asarray(cutout.draw("sounding", phase, 120))[24] for phase in (0, 5))
    assert cutout.width / cutout.height == pytest.approx(22 / 48, abs=0.05)
    assert first[2, 3] > 200
    assert first[2, 0] > 200
    assert first[-3, 3] < 50
    assert last[-3, 3] > 200


def test_says_what_is_wrong_with_a_video(tmp_path: Path) -> None:
    _film(tmp_path / "bell" / "swing.webm", "libvpx-vp9", "yuv420p")
    with pytest.raises(UnreadableMediaError, match="transparent"):
        CutoutLibrary(tmp_path)
    (tmp_path / "bell" / "swing.webm").write_bytes(b"junk")
    with pytest.raises(UnreadableMediaError, match=r"swing\.webm"):
        CutoutLibrary(tmp_path)


def test_classes_without_a_folder_are_drawn(tmp_path: Path) -> None:
    _save(tmp_path / "bell" / "gong.png")
    library = CutoutLibrary(tmp_path)
    assert [cutout.name for cutout in library.cutouts("bell")] == ["gong"]
    assert len(library.cutouts("knock")) >= 3


def test_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such folder"):
        CutoutLibrary(tmp_path / "missing")
    (tmp_path / "dog").mkdir()
    with pytest.raises(MediaError, match="not the name of a class"):
        CutoutLibrary(tmp_path)


def test_says_what_is_wrong_with_a_picture(tmp_path: Path) -> None:
    (tmp_path / "bell").mkdir()
    (tmp_path / "bell" / "a.png").write_bytes(b"junk")
    with pytest.raises(UnreadableMediaError, match=r"a\.png"):
        CutoutLibrary(tmp_path)
    Image.new("RGB", (20, 20), "red").save(tmp_path / "bell" / "a.png")
    with pytest.raises(UnreadableMediaError, match="transparent"):
        CutoutLibrary(tmp_path)
    _save(tmp_path / "bell" / "a_1.png")
    _save(tmp_path / "bell" / "a_2.png", size=(41, 60))
    (tmp_path / "bell" / "a.png").unlink()
    with pytest.raises(UnreadableMediaError, match="differ in size"):
        CutoutLibrary(tmp_path)
