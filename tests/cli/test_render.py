from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.core.events import EventTable
from earwitness.media.containers.probe import probe
from earwitness.results.detection import Detection, ModelId
from earwitness.results.document import to_json
from earwitness.results.saved import read_result

MakeVideo = Callable[..., Path]
CSV = "frame,class,source,azimuth,distance,onscreen\n" + "".join(f"{f},0,0,20,150,1\n" for f in range(20))


def earwitness(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", "render", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_csv_gives_video_and_plot(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(CSV)
    out, plot = tmp_path / "deep" / "out.mp4", tmp_path / "plot.png"
    done = earwitness(make_video(), "--events", tmp_path / "e.csv", "--out", out, "--plot", plot, "--fov", 70)
    assert done.returncode == 0, done.stderr
    assert probe(out).audio is not None
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_json_events(make_video: MakeVideo, make_steady: Callable[..., EventTable], tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text(to_json(Detection(make_steady(0, 20, 1.5), ModelId("test", "0" * 64), 2.0)))
    done = earwitness(make_video(), "--events", path, "--out", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert probe(tmp_path / "out.mp4").video is not None


def test_errors_are_one_line(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video(times=(0.0, 0.05))
    (tmp_path / "bad.csv").write_text("frame,class\nx\n")
    (tmp_path / "e.csv").write_text(CSV)
    for source, events in ((video, "bad.csv"), (video, "none.csv"), (video, "e.txt"), (tmp_path / "no.mp4", "e.csv")):
        done = earwitness(source, "--events", tmp_path / events, "--out", tmp_path / "out.mp4")
        assert done.returncode == 1, events
        assert done.stderr.startswith("earwitness: ")
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.mp4").exists()


def test_a_usage_error_is_2(tmp_path: Path) -> None:
    assert earwitness("x.mp4", "--events", "e.csv").returncode == 2


def test_a_saved_json_gives_video_report_and_plots(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video()
    (tmp_path / "e.csv").write_text(CSV)
    table = read_result(tmp_path / "e.csv").table
    saved = tmp_path / "in.json"
    saved.write_text(to_json(Detection(table, ModelId("test", "0" * 64), 2.0, video, has_video=True)))
    out, page, picture, truth = (tmp_path / name for name in ("out.mp4", "r.html", "p.svg", "e.csv"))
    done = earwitness(saved, "--out", out, "--report", page, "--plot", picture, "--reference", truth)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out), str(page), str(picture)]
    assert "<title>in.mp4" in (tmp_path / "r.html").read_text(encoding="utf-8")
    plot = (tmp_path / "p.svg").read_text()
    assert "Reference" in plot
    assert "Prediction" in plot
    assert "Female speech" in plot


def test_marks_are_placed_by_the_camera_of_the_saved_events(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(CSV)
    table, video, page = read_result(tmp_path / "e.csv").table, make_video(), tmp_path / "r.html"
    found = Detection(table, ModelId("test", "0" * 64), 2.0, video, has_video=True, settings={"fov": 65.0})
    (tmp_path / "in.json").write_text(to_json(found))
    for options, fov in (([], 65.0), (["--fov", 40], 40.0)):
        done = earwitness(tmp_path / "in.json", "--report", page, *options)
        assert done.returncode == 0, done.stderr
        assert float(re.findall(r'"fov":\s*([\d.]+)', page.read_text(encoding="utf-8"))[0]) == pytest.approx(fov)


def test_wrong_combinations_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(CSV)
    events, page = tmp_path / "e.csv", tmp_path / "r.html"
    for arguments, message in (
        ([events], "nothing to make"),
        (["x.mp4", "--report", page], "x.mp4 needs its events"),
        ([events, "--events", events, "--report", page], "contains events itself"),
        ([events, "--report", page, "--reference", events], "give --plot too"),
        ([events, "--report", page, "--player", "tape"], "--player must be one of auto, embed"),
        ([events, "--out", "o.mp4", "--style", "neon"], "--style must be one of clean, broadcast, not 'neon'"),
        ([events, "--report", page, "--fov", 0], "--fov must lie in"),
        ([events, "--report", tmp_path / "r.pdf"], "name it .html"),
    ):
        done = earwitness(*arguments)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
        assert done.stderr.count("\n") == 1
    lost = earwitness(events, "--out", tmp_path / "out.mp4")
    assert lost.returncode == 1
    assert "--media FILE" in lost.stderr
    assert earwitness(events, "--plot", tmp_path / "p.bmp2").returncode == 1


def test_classes_that_are_not_wanted_are_not_drawn(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(CSV + "3,12,0,-20,150,1\n")
    video, report, plots = make_video(times=(0.0, 0.05)), tmp_path / "r.html", [tmp_path / "a.svg", tmp_path / "b.svg"]
    for plot, choice in zip(plots, ((), ("--exclude", "speech")), strict=True):
        done = earwitness(
            video, "--events", tmp_path / "e.csv", "--plot", plot, "--reference", tmp_path / "e.csv",
            "--report", report, "--player", "none", *choice,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    page = report.read_text()
    assert "Left out on request: Female speech, Male speech." in page
    assert plots[0].read_text().count("<path") > plots[1].read_text().count("<path")
    wrong = earwitness(video, "--events", tmp_path / "e.csv", "--plot", plots[0], "--classes", "speach")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_styles_and_a_picture_without_room(make_video: MakeVideo, tmp_path: Path) -> None:
    rows = [f"{frame},{c},0,{15 * (c - 6)},200,1" for frame in range(20) for c in range(13)]
    (tmp_path / "e.csv").write_text("\n".join([CSV.splitlines()[0], *rows, ""]))
    video = make_video(width=64, height=48, times=(0.0, 0.05))
    done = earwitness(tmp_path / "e.csv", "--media", video, "--out", tmp_path / "o.mp4", "--style", "broadcast")
    assert done.returncode == 0, done.stderr
    assert "had no room in the picture (64x48 pixels)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout.split() == [str(tmp_path / "o.mp4")]
