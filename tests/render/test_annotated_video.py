from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.core.events import EventTable
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import read_audio
from earwitness.media.writer import write_wav
from earwitness.render.video import MARKER_STYLES
from earwitness.render.video.annotated_video import VideoOptions, render_video
from earwitness.render.video.frame_source import SIZE, KeptSound
from earwitness.results.detection import Detection, ModelId
from earwitness.results.visual import EventKey, EventVisual, Pictures, SavedVisual, VisibleObject

BROADCAST: Any = "broadcast"
MakeVideo = Callable[..., Path]
MakeTable = Callable[..., EventTable]


def result_of(table: EventTable) -> Detection:
    return Detection(table, ModelId("tiny", ""), table.duration, has_video=True)


def audio_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_sound_length_and_times_stay(make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path) -> None:
    source = make_video()
    done: list[float] = []
    out = render_video(result_of(make_steady(0, 20, 2)), source, tmp_path / "out.mp4", progress=done.append)
    assert out == tmp_path / "out.mp4"
    assert audio_packets(out) == audio_packets(source)
    assert probe(out).duration == pytest.approx(probe(source).duration, abs=0.02)
    assert [p.time for p in PictureReader(out)] == pytest.approx([p.time for p in PictureReader(source)], abs=1e-3)
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_variable_frame_times_stay(make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path) -> None:
    times = (0.0, 0.03, 0.4, 0.45, 1.2, 1.9)
    out = render_video(result_of(make_steady(0, 20, 2)), make_video(times=times), tmp_path / "out.mp4")
    got = [picture.time for picture in PictureReader(out)]
    assert got[: len(times)] == pytest.approx(times, abs=1e-3)


def test_marks_appear_only_while_it_sounds(make_video: MakeVideo, make_table: MakeTable, tmp_path: Path) -> None:
    source = make_video(width=640, height=360)
    table = make_table([(f, 11, 0, 30, 2, True) for f in range(8, 12)])
    pictures = list(PictureReader(render_video(result_of(table), source, tmp_path / "out.mp4")))
    marked = [picture.time for picture in pictures if np.ptp(picture.rgb[:360].astype(int).mean(axis=2)) > 60]
    assert min(marked) == pytest.approx(0.8, abs=0.051)
    assert max(marked) == pytest.approx(1.15, abs=0.051)
    shown = pictures[20].rgb[:360].astype(int)
    red = (shown[..., 0] - shown[..., 1]) > 80
    assert np.flatnonzero(red.any(axis=0)).max() < 320, "30 degrees left is left of the middle"


@pytest.mark.parametrize(
    ("width", "height", "turn"), [(640, 360, 0), (640, 360, 90), (360, 640, 0), (322, 182, 270), (64, 48, 0)]
)
def test_any_size_and_rotation(
    make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path, width: int, height: int, turn: int
) -> None:
    source = make_video(width=width, height=height, turn=turn, times=(0.0, 0.05, 0.1))
    video = probe(render_video(result_of(make_steady(4, -20, 1.5)), source, tmp_path / "out.mp4")).video
    assert video is not None
    shown = (height, width) if turn % 180 else (width, height)
    assert video.width == shown[0]
    assert video.height > shown[1]
    assert video.rotation == 0


def test_sound_only_gets_a_background(make_steady: MakeTable, tmp_path: Path) -> None:
    t = np.arange(36000) / 24000
    sound = 0.3 * np.stack([np.sin(700 * t * (1 + t)), np.sin(900 * t)]).astype(np.float32)
    write_wav(tmp_path / "in.wav", sound, 24000)
    out = render_video(result_of(make_steady(0, 20, 2, frames=15)), tmp_path / "in.wav", tmp_path / "out.mp4")
    info = probe(out)
    assert info.video is not None
    assert info.video.width == SIZE[0]
    assert info.video.height > SIZE[1]
    assert info.duration == pytest.approx(1.5, abs=0.05)
    heard = read_audio(out)
    assert heard.shape[1] == pytest.approx(36000, abs=1100)
    assert np.corrcoef(heard[0, :30000], sound[0, :30000])[0, 1] > 0.8


def test_pictures_that_end_early_are_held(make_video: MakeVideo, make_table: MakeTable, tmp_path: Path) -> None:
    source = make_video(width=640, height=360, times=(0.0, 0.05, 0.1), sound=2.0)
    table = make_table([(f, 11, 0, 30, 2, True) for f in range(15, 20)])
    pictures = list(PictureReader(render_video(result_of(table), source, tmp_path / "out.mp4")))
    assert [picture.time for picture in pictures[:6]] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25], abs=1e-3)
    assert pictures[-1].time == pytest.approx(2.0, abs=0.06)
    marked = [picture.time for picture in pictures if np.ptp(picture.rgb[:360].astype(int).mean(axis=2)) > 60]
    assert (marked[0], marked[-1]) == pytest.approx((1.5, 1.95), abs=0.001)


def test_long_pictures_are_drawn_again_while_something_sounds(
    make_video: MakeVideo, make_table: MakeTable, tmp_path: Path
) -> None:
    source = make_video(width=640, height=360, times=(0.0, 0.05, 1.9))
    table = make_table([(f, 11, 0, 30, 2, True) for f in range(8, 12)])
    pictures = list(PictureReader(render_video(result_of(table), source, tmp_path / "out.mp4")))
    assert np.diff([picture.time for picture in pictures]).max() < 0.06
    marked = [picture.time for picture in pictures if np.ptp(picture.rgb[:360].astype(int).mean(axis=2)) > 60]
    assert (min(marked), max(marked)) == pytest.approx((0.8, 1.15), abs=0.051)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_file_that_was_cut_short_is_not_held_to_its_declared_end(
    make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path, suffix: str
) -> None:
    def whole(name: str) -> Path:
        path = tmp_path / name
        noise = np.random.default_rng(0).uniform(-0.2, 0.2, (2, 8 * 48_000)).astype(np.float32)
        with av.open(str(path), "w", options={"movflags": "faststart"} if suffix == "mp4" else {}) as output:
            video: Any = output.add_stream("libx264", rate=20, options={"preset": "ultrafast", "bf": "0"})
            video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
            audio: Any = output.add_stream("aac", rate=48000, layout="stereo")
            for k in range(160):
                grey = np.random.default_rng(k).integers(90, 150, (180, 320, 3), dtype=np.uint8)
                output.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
                frame = av.AudioFrame.from_ndarray(noise[:, 2400 * k : 2400 * (k + 1)].copy(), "fltp", "stereo")
                frame.sample_rate = 48_000
                output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
            output.mux(video.encode(None))
        return path

    path = whole(f"whole.{suffix}")
    part = tmp_path / f"part.{suffix}"
    part.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(part).duration == pytest.approx(8, abs=0.1)
    there = PictureReader(part)
    list(there)
    assert 2 < there.duration < 6
    drawn = list(PictureReader(render_video(result_of(make_steady(0, 20, 2, frames=80)), part, tmp_path / "out.mp4")))
    assert drawn[-1].time < there.duration + 0.5


def test_pictures_that_cannot_be_decoded_give_way_to_a_background(
    make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path
) -> None:
    broken = make_video()
    with av.open(str(broken)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(broken.read_bytes())
    for place, size in places:
        data[place : place + size] = bytes(size)
    broken.write_bytes(data)
    with pytest.raises(UnreadableMediaError):
        PictureReader(broken)
    for source in (broken, make_video(width=16, height=16, name="tiny.mp4"), make_video(8, 640, name="narrow.mp4")):
        out = render_video(result_of(make_steady(0, 20, 2)), source, tmp_path / "out.mp4")
        info = probe(out)
        assert info.video is not None
        assert info.video.width == SIZE[0], source.name
        assert info.duration == pytest.approx(2.0, abs=0.1)
        assert audio_packets(out) == audio_packets(source)


def test_the_sound_track_that_was_heard_goes_along(make_steady: MakeTable, tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=20, options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        tracks: list[Any] = [output.add_stream("aac", rate=48000, layout="stereo") for _ in range(2)]
        for _ in range(40):
            grey = np.full((180, 320, 3), 120, np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        for loudness, track in zip((0.02, 0.2), tracks, strict=True):
            noise = np.random.default_rng(0).uniform(-loudness, loudness, (2, 96_000)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
            frame.sample_rate = 48_000
            output.mux(track.encode(frame))
            output.mux(track.encode(None))
        output.mux(video.encode(None))
    peaks = []
    for number in (0, 1):
        options = VideoOptions(sound=KeptSound(number))
        heard = read_audio(render_video(result_of(make_steady(0, 20, 2)), path, tmp_path / "out.mp4", options))
        peaks.append(float(np.abs(heard).max()))
    assert peaks[0] < 0.05
    assert peaks[1] > 0.15


def test_mute_video(make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path) -> None:
    out = render_video(result_of(make_steady(0, 20, 2)), make_video(sound=None), tmp_path / "out.mp4")
    assert probe(out).audio is None
    assert len(list(PictureReader(out))) == 40


def test_hard_tables(make_video: MakeVideo, make_table: MakeTable, tmp_path: Path) -> None:
    source = make_video(times=(0.0, 0.05, 0.1))
    crowd = [(0, c, s, nan if c == 3 else (c - 6) * 15.0, nan if c == 4 else 1.0 + c, c % 2 == 0)
             for c in range(13) for s in range(3)]  # fmt: skip
    for table in (make_table([], num_frames=0), make_table(crowd), make_table([(500, 0, 0, 0, 1, True)], 600)):
        assert render_video(result_of(table), source, tmp_path / "out.mp4").stat().st_size > 0


def test_misuse(make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path) -> None:
    source, table = make_video(times=(0.0, 0.05)), make_steady(0, 0, 1)
    with pytest.raises(EncodingError, match="overwrite"):
        render_video(result_of(table), source, source)
    with pytest.raises(EncodingError, match="field of view"):
        render_video(result_of(table), source, tmp_path / "out.mp4", VideoOptions(fov=180))
    with pytest.raises(EncodingError, match=r"\.mp4"):
        render_video(result_of(table), source, tmp_path / "out.avi")
    with pytest.raises(UnreadableMediaError):
        render_video(result_of(table), tmp_path / "none.mp4", tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_broadcast_style_keeps_the_size(make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path) -> None:
    source, result = make_video(width=640, height=360, times=(0.0, 0.05)), result_of(make_steady(0, 20, 2))
    heights = {}
    for style, panel in ((BROADCAST, None), (BROADCAST, True), ("clean", False), ("clean", None)):
        options = VideoOptions(style, panel)
        video = probe(render_video(result, source, tmp_path / "out.mp4", options)).video
        assert video is not None
        assert video.width == 640
        heights[style, panel] = video.height
    assert heights[BROADCAST, None] == heights["clean", False] == 360
    assert heights[BROADCAST, True] == heights["clean", None] > 360


def test_pictures_without_room_are_reported_in_one_line(
    make_video: MakeVideo, make_table: MakeTable, tmp_path: Path
) -> None:
    crowd = result_of(make_table([(f, c, 0, (c - 6) * 12.0, 2, True) for f in range(20) for c in range(13)]))
    small, tiny = make_video(64, 48, name="small\n.mp4"), make_video(16, 16, name="tiny.mp4")
    for source, panel, words in (
        (small, True, "had no room in the picture (64x48 pixels) and were left out; the timeline lists all sounds"),
        (small, False, "--panel adds a timeline"),
        (tiny, True, "the picture (16x16 pixels) has no room for markers; they are drawn on a plain background"),
    ):
        notes: list[str] = []
        render_video(crowd, source, tmp_path / "out.mp4", VideoOptions(panel=panel), note=notes.append)
        (text,) = notes
        assert words in text
        assert "\n" not in text
    notes = []
    wide = make_video(640, 360, times=(0.0, 0.05), name="wide.mp4")
    render_video(crowd, wide, tmp_path / "out.mp4", note=notes.append)
    assert notes == []


def test_the_box_of_the_source_is_framed_and_its_face_is_free(
    make_video: MakeVideo, make_steady: MakeTable, tmp_path: Path
) -> None:
    source, table = make_video(width=640, height=360, times=(0.0, 0.05)), make_steady(0, 0, 2)
    person = VisibleObject(seen=0, what="person", start=0, end=2, boxes=[(0, 0.4, 0.2, 0.6, 1.0)])
    effect = EventVisual(seen=0, what="person", common_cause=0.9)
    visual = SavedVisual(Pictures(seen=[person]), {EventKey(0, 0, 0): effect})
    for style in MARKER_STYLES:
        options = VideoOptions(style)
        out = render_video(replace(result_of(table), visual=visual), source, tmp_path / "out.mp4", options)
        picture = next(iter(PictureReader(out))).rgb[:360].astype(int)
        marked = np.abs(picture - 120).sum(axis=2) > 60
        assert not marked[75:300, 262:378].any(), "the person is not covered"
        assert marked[60:120, 240:400].any(), "the frame is around it"
        assert marked[80:160].any(axis=0).sum() > 100, "the label is beside the face"
