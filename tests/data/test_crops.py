from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncodingError, LabelError, UnreadableMediaError
from earwitness.data.dcase.labels import CLIP_FRAMES
from earwitness.data.starss import crops as crops_module
from earwitness.data.starss.crops import (
    Crop,
    different,
    digest_of,
    first_picture,
    official_crops,
    random_crops,
    write_views,
)
from earwitness.data.starss.foa import Recording
from earwitness.media.pictures import PictureReader
from earwitness.media.writer import MediaWriter


def recording(split: str, room: int, mix: int, frames: int = 600) -> Recording:
    name = f"fold3_room{room}_mix{mix:03d}"
    return Recording(split, name, Path(f"{name}.wav"), Path(f"{name}.csv"), None, frames)


ONE, TWO = recording("dev-train-tau", 4, 1), recording("dev-train-tau", 4, 2, 300)


def test_draws_depend_on_the_seed_and_not_on_the_order_of_recordings() -> None:
    first = list(islice(random_crops([ONE, TWO], 5), 50))
    assert first == list(islice(random_crops([TWO, ONE], 5), 50))
    assert first != list(islice(random_crops([ONE, TWO], 6), 50))
    assert all(0 <= crop.start <= crop.recording.frames - CLIP_FRAMES and 0 <= crop.deg < 360 for crop in first)


def test_every_degree_gives_all_views_of_each_crop() -> None:
    crops = list(islice(random_crops([ONE], 1, every_deg=90), 8))
    assert [crop.deg for crop in crops] == [0, 90, 180, 270] * 2
    assert len({crop.start for crop in crops[:4]}) == 1


def test_short_recordings_are_never_drawn() -> None:
    short = replace(ONE, frames=CLIP_FRAMES - 1)
    assert {crop.recording for crop in islice(random_crops([short, TWO], 1), 20)} == {TWO}
    with pytest.raises(LabelError, match="as long as a clip"):
        next(random_crops([short], 1))


def test_official_draws_use_the_official_recordings_only() -> None:
    other = recording("dev-train-sony", 21, 12)
    crops = list(islice(official_crops([other, ONE, TWO]), 100))
    assert {crop.recording for crop in crops} == {ONE, TWO}
    with pytest.raises(LabelError, match="official set"):
        next(official_crops([other]))


def test_repeated_crops_are_dropped() -> None:
    crops = [Crop(ONE, start, 0) for start in (0, 1, 0, 0, 2, 0, 0, 0, 0, 3)]
    assert [crop.start for crop in different(iter(crops), patience=3)] == [0, 1, 2]


def test_the_digest_depends_on_names_and_lengths() -> None:
    assert digest_of([ONE, TWO]) == digest_of([TWO, ONE])
    assert digest_of([ONE, TWO]) != digest_of([ONE, replace(TWO, frames=301)])


FPS = 30000 / 1001
SECONDS = 20


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("recording") / "fold3_room1_mix001.mp4"
    with MediaWriter(path, 64, 32, Fraction(30000, 1001), preset="ultrafast") as writer:
        for number in range(round(SECONDS * FPS)):
            writer.write_frame(np.full((32, 64, 3), 16 + 7 * number % 211, dtype=np.uint8), number / FPS)
    return Recording("dev-train-tau", path.stem, path, path, path, SECONDS * 10, (64, 32), FPS)


def shown(path: Path) -> np.ndarray:
    return np.array([picture.rgb.mean() for picture in PictureReader(path)])


def path_of(folder: Path, crop: Crop) -> Path:
    return folder / "dev-train-tau" / f"{crop.name}.mp4"


def test_each_crop_has_its_own_pictures_and_the_same_bytes_as_alone(filmed: Recording, tmp_path: Path) -> None:
    starts = (0, 3, 58, 131)  # overlapping, near, and far away
    crops = [Crop(filmed, start, 30 * number) for number, start in enumerate(starts)]
    together, alone = tmp_path / "together", tmp_path / "alone"
    assert list(write_views(crops, together)) == crops
    for crop in crops:
        assert list(write_views([crop], alone)) == [crop]
        assert path_of(together, crop).read_bytes() == path_of(alone, crop).read_bytes()
        levels = shown(path_of(together, crop))
        assert len(levels) == 150
        first = round(crop.start * 0.1 * FPS)
        assert np.abs(levels - (16 + 7 * (first + np.arange(150)) % 211)).max() < 3


def test_a_picture_is_decoded_once_for_all_crops_that_show_it(
    filmed: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[tuple[int, int]] = []
    read = crops_module.numbered_frames

    def counted(path, first, count, fps):
        spans.append((first, count))
        return read(path, first, count, fps)

    monkeypatch.setattr(crops_module, "numbered_frames", counted)
    crops = [Crop(filmed, start, 0) for start in (0, 10, 60, 140)]
    assert list(write_views(crops, tmp_path)) == crops
    last = first_picture(crops[2]) + 150
    assert spans == [(0, last), (first_picture(crops[3]), 150)]  # 1 s is decoded on the way, 3 s are jumped over


def test_files_that_are_not_complete_go(filmed: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = [Crop(filmed, start, 0) for start in (0, 40, 45)]
    views = write_views(crops, tmp_path)
    assert next(views) == crops[0]
    views.close()  # nobody wants the rest
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{crops[0].name}.mp4"]

    def fail(self: MediaWriter, *_: object) -> None:
        raise EncodingError("disk full")

    monkeypatch.setattr(MediaWriter, "write_video_frame", fail)
    with pytest.raises(EncodingError, match="disk full"):
        list(write_views(crops[1:], tmp_path))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_crop_whose_pictures_are_not_there_is_named(filmed: Recording, tmp_path: Path) -> None:
    crops = [Crop(filmed, start, 0) for start in (150, 190, 205)]
    with pytest.raises(UnreadableMediaError, match="only 30 of the 150 pictures from 569 on"):
        list(write_views(crops, tmp_path))
    assert path_of(tmp_path, crops[0]).is_file()


def test_a_crop_that_lacks_pictures_is_named_and_not_written(
    filmed: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = crops_module.numbered_frames

    def damaged(*arguments):
        return (pair for pair in read(*arguments) if not 100 <= pair[0] < 120)

    monkeypatch.setattr(crops_module, "numbered_frames", damaged)
    crops = [Crop(filmed, start, 0) for start in (0, 45, 120)]
    views = write_views(crops, tmp_path)
    with pytest.raises(UnreadableMediaError, match="only 130 of the 150 pictures from 0 on can be decoded"):
        next(views)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert list(write_views(crops[2:], tmp_path)) == crops[2:]


def test_the_files_do_not_depend_on_how_many_pictures_are_decoded_together(
    filmed: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = [Crop(filmed, start, 30 * start) for start in (0, 7, 8, 60)]
    for together in (1, 7):
        monkeypatch.setattr(crops_module, "BATCH", together)
        assert list(write_views(crops, tmp_path / str(together))) == crops
    for crop in crops:
        assert path_of(tmp_path / "1", crop).read_bytes() == path_of(tmp_path / "7", crop).read_bytes()
