"""Cut photographed people out of pictures that free packages ship: `python scripts/photo_people.py --out DIR ...`.

    apt-get download opencv-doc tuxpaint-stamps-default && for f in *.deb; do dpkg-deb -x $f debs; done
    pip download --no-deps scikit-image && unzip -d wheel scikit_image-*.whl
    python scripts/photo_people.py --debian debs --wheel wheel --out people

Nothing of them is in this repository. The sources:

- pedestrians: `vtest.avi` of Debian's opencv-doc (OpenCV's samples, Apache 2.0 by Debian's copyright file; the scene is
  that of the PETS 2009 benchmark), cut out by their difference from the empty square;
- an astronaut: `astronaut.png` of scikit-image (NASA, public domain), by a polygon; she stands behind a drawn lectern;
- two firefighters: Debian's tuxpaint-stamps-default, which come cut out.

DIR/calibration and DIR/test hold different people, one folder a class, as `CutoutLibrary` reads them:
footsteps, clapping and laughter move (successive frames of the film), speech is a still.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from earwitness.media.pictures import PictureReader

FILM = "usr/share/doc/opencv-doc/examples/data/vtest.avi"
STAMPS = "usr/share/tuxpaint/stamps/people"
PHASES = 6
MOVING = ("footsteps", "clapping", "laughter")


@dataclass(frozen=True)
class Pedestrian:
    """Somebody in the film: the frame and place (pixels) where to find them, half the width to keep."""

    name: str
    woman: bool
    test: bool
    frame: int
    x: int
    y: int
    half_width: int = 32


PEDESTRIANS = (
    Pedestrian("hood", True, False, 200, 93, 184),
    Pedestrian("striped", False, False, 200, 233, 230),
    Pedestrian("bald", False, False, 200, 502, 181, 18),
    Pedestrian("black", False, False, 0, 663, 280),
    Pedestrian("leather", False, True, 200, 632, 317),
    Pedestrian("paper", False, True, 400, 717, 353, 40),
    Pedestrian("jeans", False, True, 400, 285, 242, 24),
    Pedestrian("blonde", True, True, 700, 118, 341),
    Pedestrian("red", True, True, 700, 485, 166, 16),
    Pedestrian("anorak", False, True, 700, 294, 253),
)
ASTRONAUT = (
    (154, 72), (163, 33), (196, 16), (235, 10), (281, 29), (303, 72), (298, 118), (281, 131), (313, 183), (311, 196),
    (359, 248), (359, 342), (326, 392), (320, 511), (26, 511), (29, 431), (26, 326), (59, 248), (111, 202), (115, 170),
    (170, 144), (157, 104),
)  # fmt: skip


def main() -> None:
    """Write the cut-outs and say how many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debian", type=Path, required=True, help="folder with the unpacked Debian packages")
    parser.add_argument("--wheel", type=Path, required=True, help="folder with the unpacked scikit-image wheel")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    film = np.stack([picture.rgb for picture in PictureReader(given.debian / FILM)])
    empty = np.median(film[::8], axis=0).astype(np.float32)
    people = 0
    for pedestrian in PEDESTRIANS:
        phases = cut_out(film, empty, pedestrian)
        save(given.out / ("test" if pedestrian.test else "calibration"), pedestrian.name, pedestrian.woman, phases)
        print(f"{pedestrian.name}: {len(phases)} phases of {phases[0].width}x{phases[0].height}")
        people += 1
    astronaut = Image.open(given.wheel / "skimage/data/astronaut.png").convert("RGB")
    save(given.out / "test", "astronaut", True, [at_lectern(astronaut)])
    for name, test in (("fireman200b", False), ("fireman240a", True)):
        stamp = Image.open(given.debian / STAMPS / f"{name}.png").convert("RGBA")
        save(given.out / ("test" if test else "calibration"), name, False, [stamp])
    print(f"{people + 3} people")


def cut_out(film: NDArray[np.uint8], empty: NDArray[np.float32], who: Pedestrian) -> list[Image.Image]:
    """Up to six successive pictures of a pedestrian, standing on one line; the first is always there."""
    phases: list[Image.Image] = []
    x, y, area = float(who.x), float(who.y), 0
    for frame in film[who.frame : who.frame + PHASES]:
        mask = figure(frame, empty, x, y, who.half_width)
        if mask is None or (phases and not 0.6 < mask.sum() / area < 1.6):
            break
        rows, columns = np.nonzero(mask)
        x, y, area = float(columns.mean()), float(rows.mean()), int(mask.sum())
        alpha = (ndimage.gaussian_filter(mask.astype(np.float32), 0.7) * 255).astype(np.uint8)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        phases.append(Image.fromarray(np.dstack([frame, alpha])).crop(box))
    if not phases:
        raise SystemExit(f"{who.name} is not where they should be: another film?")
    width, height = max(phase.width for phase in phases), max(phase.height for phase in phases)
    canvases = [Image.new("RGBA", (width, height)) for _ in phases]
    for canvas, phase in zip(canvases, phases, strict=True):
        canvas.paste(phase, ((width - phase.width) // 2, height - phase.height))
    return canvases


def figure(
    frame: NDArray[np.uint8], empty: NDArray[np.float32], x: float, y: float, half_width: int
) -> NDArray[np.bool_] | None:
    """Mask (H, W) of what differs from the empty square at a place; None where nothing does."""
    difference = ndimage.gaussian_filter(np.abs(frame.astype(np.float32) - empty).max(axis=2), 0.8)
    mask = ndimage.binary_closing(difference > 26, iterations=2)
    mask = ndimage.binary_opening(ndimage.binary_fill_holes(mask), iterations=1)
    mask[:, : max(0, round(x) - half_width)] = False
    mask[:, round(x) + half_width :] = False
    mask[: max(0, round(y) - 75)] = False
    labels, _ = ndimage.label(mask)
    near = labels[max(0, round(y) - 12) : round(y) + 12, max(0, round(x) - 12) : round(x) + 12]
    counts = np.bincount(near.ravel(), minlength=2)
    counts[0] = 0
    return labels == int(counts.argmax()) if counts.any() else None


def at_lectern(photo: Image.Image) -> Image.Image:
    """The astronaut's upper body behind a lectern, so that she is as high as somebody who stands."""
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).polygon(ASTRONAUT, fill=255)
    body = photo.copy()
    body.putalpha(mask)
    whole = Image.new("RGBA", (photo.width, 880))
    whole.paste(body, (0, 0))
    draw = ImageDraw.Draw(whole)
    draw.rectangle((20, 440, 365, 879), fill=(110, 78, 48, 255))
    draw.rectangle((5, 420, 380, 450), fill=(92, 62, 36, 255))
    return whole


def save(folder: Path, name: str, woman: bool, phases: list[Image.Image]) -> None:
    """Write one person as a cut-out of each class that they can play."""
    for kind in ("female_speech" if woman else "male_speech", *MOVING):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        shown = phases if kind in MOVING else phases[:1]
        for number, phase in enumerate(shown, start=1):
            phase.save(folder / kind / (f"{name}@1.72m_{number}.png" if len(shown) > 1 else f"{name}@1.72m.png"))


if __name__ == "__main__":
    main()
