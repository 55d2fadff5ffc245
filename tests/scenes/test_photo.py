from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import MediaError, UnreadableMediaError
from earwitness.scenes.pictures import photo
from earwitness.scenes.pictures.backgrounds import open_backgrounds
from earwitness.scenes.pictures.backgrounds import unused_files as unused_backgrounds
from earwitness.scenes.pictures.cutouts import CutoutLibrary
from earwitness.scenes.pictures.cutouts import unused_files as unused_cutouts
from earwitness.scenes.pictures.interior.panorama import load_panorama
from earwitness.scenes.pictures.photo import MOST_PICTURES, photo_size, read_animation, read_cutout, read_photo

ORIENTATION = 0x0112


def thing(size: tuple[int, int] = (40, 20), alpha: int = 255) -> Image.Image:
    """Red above, blue below, on a transparent ground."""
    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    pixels[2:-2, 2:-2] = (0, 0, 255, alpha)
    pixels[2 : size[1] // 2, 2:-2, :3] = (255, 0, 0)
    return Image.fromarray(pixels)


def turned(image: Image.Image, path: Path, orientation: int) -> Path:
    """The picture as a camera held otherwise stores it, with the tag that says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    path.parent.mkdir(parents=True, exist_ok=True)
    image.transpose(back).save(path, exif=exif, **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_cutouts_stand_upright_as_their_tag_says(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = turned(thing(), tmp_path / f"a{suffix}", orientation)
    assert photo_size(path) == (40, 20)
    (picture,), _ = read_cutout(path)
    assert picture.size == (40, 20)
    assert picture.getpixel((20, 4)) == (255, 0, 0, 255)
    assert picture.getpixel((20, 15)) == (0, 0, 255, 255)


@pytest.mark.parametrize("alpha", [0, 3])
def test_cutouts_that_nobody_can_see_are_refused(tmp_path: Path, alpha: int) -> None:
    thing(alpha=alpha).save(tmp_path / "a.png")
    with pytest.raises(UnreadableMediaError, match="completely transparent"):
        read_cutout(tmp_path / "a.png")


def test_an_empty_phase_does_not_count_for_the_size_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "bell").mkdir()
    phases = [thing(alpha=0), thing()]
    phases[0].save(tmp_path / "bell" / "a.webp", save_all=True, append_images=phases[1:], lossless=True)
    (cutout,) = CutoutLibrary(tmp_path).cutouts("bell")
    assert cutout.width / cutout.height == pytest.approx(36 / 16)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".bmp", ".tiff"])
def test_pictures_without_alpha_are_refused_not_left_out(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "female_speech").mkdir()
    thing().convert("RGB").save(tmp_path / "female_speech" / f"woman{suffix}")
    with pytest.raises(UnreadableMediaError, match="no transparent background"):
        CutoutLibrary(tmp_path)


def test_what_is_left_out_of_folders_of_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "bell").mkdir()
    thing().save(tmp_path / "bell" / "a.png")
    for name in ("bell/woman.heic", "b.png", "bell/.hidden"):
        (tmp_path / name).write_text("x")
    assert unused_cutouts(tmp_path) == ["b.png", "bell/woman.heic"]
    (tmp_path / "bell" / "a.png").unlink()
    with pytest.raises(MediaError, match="has no picture"):
        CutoutLibrary(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="has no folder of a class"):
        CutoutLibrary(tmp_path / "empty")
    (tmp_path / "empty").rmdir()
    Image.new("RGB", (64, 32)).save(tmp_path / "room.tif")
    (tmp_path / "b.png").unlink()
    assert unused_backgrounds(tmp_path) == ["bell/woman.heic"]
    assert len(open_backgrounds(tmp_path)) == 1


def test_linked_folders_of_pictures_are_taken(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    thing().save(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "cutouts").mkdir()
    (tmp_path / "cutouts" / "bell").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (cutout,) = CutoutLibrary(tmp_path / "cutouts").cutouts("bell")
    assert cutout.name == "a"


@pytest.mark.parametrize(
    ("name", "height"), [("a@1.2m", 1.2), ("a@120cm", 1.2), ("a@1,2m", 1.2), ("a@home", 0.35), ("me@5", 0.35)]
)
def test_heights_in_names(tmp_path: Path, name: str, height: float) -> None:
    (tmp_path / "bell").mkdir()
    thing().save(tmp_path / "bell" / f"{name}.png")
    assert CutoutLibrary(tmp_path).cutouts("bell")[0].height == pytest.approx(height)


@pytest.mark.parametrize("name", ["a@1000m", "a@0m", "a@-1m", "a@1e9m", "a@1e-9m", "a@1.2.3m", "a@99999cm"])
def test_heights_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "bell").mkdir()
    thing().save(tmp_path / "bell" / f"{name}.png")
    with pytest.raises(UnreadableMediaError, match="height"):
        CutoutLibrary(tmp_path)


def test_pictures_that_would_be_too_wide_are_refused(tmp_path: Path) -> None:
    (tmp_path / "door").mkdir()
    thing((800, 20)).save(tmp_path / "door" / "a.png")
    with pytest.raises(UnreadableMediaError, match="wide"):
        CutoutLibrary(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("kind", "full"), [(np.uint16, 65_535), (np.float32, 1.0), (np.int32, 65_535)])
def test_grey_panoramas_of_many_bits_keep_their_greys(tmp_path: Path, suffix: str, kind: type, full: float) -> None:
    if suffix == ".png" and kind is not np.uint16:
        pytest.skip("PNG has no such samples")
    ramp = np.tile(np.linspace(0, full, 64), (32, 1)).astype(kind)
    Image.fromarray(ramp).save(tmp_path / f"a{suffix}")
    picture = load_panorama(tmp_path / f"a{suffix}")
    assert picture.shape == (32, 64, 3)
    assert np.abs(picture[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


@pytest.mark.parametrize("mode", ["CMYK", "P", "LA", "L", "1", "YCbCr", "RGBA"])
def test_panoramas_of_other_colours_are_read(tmp_path: Path, mode: str) -> None:
    suffix = ".jpg" if mode in ("CMYK", "YCbCr") else ".png"
    Image.new("RGB", (64, 32), (255, 255, 255)).convert(mode).save(tmp_path / f"a{suffix}")
    assert load_panorama(tmp_path / f"a{suffix}").min() >= 250


def test_turned_panoramas_are_read(tmp_path: Path) -> None:
    path = turned(Image.new("RGB", (64, 32)), tmp_path / "a.png", 6)
    assert load_panorama(path).shape == (32, 64, 3)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"junk", png_header(60_000, 30_000), png_header(2**31 - 1, 2), png_header(64, 32)[:60],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 32\n%%EndComments\nshowpage\n",
        b"GIF89a" + bytes(20), b"II*\0" + b"\xff" * 40, b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(30),
    ],
)  # fmt: skip
def test_broken_and_huge_pictures_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.png"):
        load_panorama(tmp_path / "a.png")
    with pytest.raises(MediaError, match=r"a\.png"):
        read_cutout(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("mode", "value"), [("RGB", (200, 100, 50)), ("I;16", 40_000), ("P", 3), ("RGBA", (9, 8, 7, 255))]
)
def test_large_pictures_are_made_smaller_before_they_are_turned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, value: Any
) -> None:
    picture = Image.new(mode, (80, 40), value)
    if mode == "P":
        picture.putpalette([0, 0, 0] * 3 + [200, 100, 50])
    turned(picture, tmp_path / "a.png", 6)
    whole = read_photo(tmp_path / "a.png")
    monkeypatch.setattr("earwitness.scenes.pictures.photo._WORKED_ON", 1000)
    smaller = read_photo(tmp_path / "a.png")
    assert smaller.size == (40, 20)
    assert smaller.width * smaller.height <= 1000
    assert smaller.getpixel((5, 5)) == whole.getpixel((5, 5))


def test_backgrounds_are_looked_at_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"junk")
    with pytest.raises(UnreadableMediaError, match=r"a\.jpg"):
        open_backgrounds(tmp_path)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_long_animations_are_cut(tmp_path: Path, suffix: str) -> None:
    frames = [thing((16 + 2 * (n % 2), 12)).resize((16, 12)) for n in range(MOST_PICTURES + 10)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:], duration=50)
    assert len(read_animation(tmp_path / f"a{suffix}")) <= MOST_PICTURES


def test_animations_that_would_fill_the_memory_are_made_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo, "_KEPT_PIXELS", 5_000_000)
    frames = [thing((2000, 1000)), thing((2000, 1000)).transpose(Image.Transpose.ROTATE_180), thing((2000, 1000))]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:])
    assert [picture.size for picture in read_animation(tmp_path / "b.gif")] == [(1024, 512)] * 3
