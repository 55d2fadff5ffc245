from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.data.dcase.labels import HEADER, read_table
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.results.document import read_events
from in_process import Command, Result

Burst = Callable[..., NDArray[np.float32]]


def results(folder: Path) -> list[str]:
    """Names of a folder's files; the journal is hidden."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def clip(tmp_path: Path, make_burst: Burst) -> Path:
    path = tmp_path / "clip.wav"
    write_wav(path, make_burst(6, (1, 2, 40), (3, 5, -25)), 24_000)
    return path


def test_a_file_gives_a_table_a_csv_and_a_json(earwitness: Command, clip: Path, meter_model: Path) -> None:
    result = earwitness("detect", clip, "--model", meter_model)
    assert result.code == 0
    assert result.err == ""
    lines = [line.split() for line in result.out.splitlines()]
    assert ["0:01.0-0:02.0", "Music", "40°", "left", "2.5", "m", "100%"] in lines
    assert ["0:03.0-0:05.0", "Music", "25°", "right", "2.5", "m", "100%"] in lines
    assert "2 events in 0:06.0 of sound, 1 of 1 files" in result.out
    out = Path("earwitness-out")
    assert results(out) == ["clip.csv", "clip.json"]
    table = read_events(out / "clip.json")
    assert read_table(out / "clip.csv", 60).same_as(table.rounded().with_columns(score=1.0), tolerance=1e-5)


def test_more_formats_and_another_folder(earwitness: Command, clip: Path, meter_model: Path) -> None:
    result = earwitness(
        "detect", clip, "--model", meter_model, "--out", "a/b", "--format", "vtt,srt", "--format", "audacity"
    )
    assert result.code == 0
    names = results(Path("a/b"))
    assert names == ["clip.audacity.txt", "clip.csv", "clip.json", "clip.srt", "clip.vtt"]
    assert all(name in result.out for name in names)


def test_silence_has_a_csv_with_its_header(
    earwitness: Command, tmp_path: Path, make_burst: Burst, meter_model: Path
) -> None:
    write_wav(tmp_path / "silent.wav", np.zeros((2, 48_000), np.float32), 24_000)
    result = earwitness("detect", "silent.wav", "--model", meter_model)
    assert result.code == 0
    assert "no sound events found" in result.out
    assert result.problems == ["earwitness: silent.wav: warning: There is no sound, only silence."]
    assert Path("earwitness-out/silent.csv").read_text() == HEADER + "\n"
    assert json.loads(Path("earwitness-out/silent.json").read_text())["events"] == []


def test_bad_inputs_are_named_and_the_rest_is_done(
    earwitness: Command, clip: Path, tmp_path: Path, make_burst: Burst, meter_model: Path
) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"not a video" * 50)
    (tmp_path / "empty.wav").write_bytes(b"")
    write_wav(tmp_path / "mono.wav", make_burst(2)[:1], 24_000)
    with MediaWriter(tmp_path / "mute.mp4", 64, 48) as writer:
        for frame in range(5):
            writer.write_frame(np.zeros((48, 64, 3), np.uint8), frame / 25)
    (tmp_path / "papers").mkdir()
    inputs = ["none.mp4", "papers", "junk.mp4", "empty.wav", "mute.mp4", "mono.wav", "clip.wav", "*.mkv"]
    result = earwitness("detect", *inputs, "--model", meter_model)
    assert result.code == 1
    assert len(result.problems) == 7
    for bad in ("none.mp4", "papers", "junk.mp4", "empty.wav", "mute.mp4", "mono.wav", "*.mkv"):
        (line,) = [line for line in result.problems if f"{bad}: " in line]
        assert line.startswith("earwitness: ")
    assert any("no sound track" in line for line in result.problems)
    assert any("mono" in line and line.endswith("(--mono)") for line in result.problems)
    assert results(Path("earwitness-out")) == ["clip.csv", "clip.json"]
    assert "1 of 5 files" in result.out


def test_nothing_to_do_needs_no_model(earwitness: Command) -> None:
    result = earwitness("detect", "none.mp4", "--model", "none")
    assert result.code == 1
    assert result.problems == ["earwitness: none.mp4: no such file or folder; check the name"]


def test_mono_by_request(earwitness: Command, tmp_path: Path, make_burst: Burst, meter_model: Path) -> None:
    write_wav(tmp_path / "mono.wav", make_burst(3, (1, 2, 0))[:1], 24_000)
    result = earwitness("detect", "mono.wav", "--mono", "--model", meter_model)
    assert result.code == 0
    assert "unknown" in result.out
    assert result.problems == ["earwitness: mono.wav: warning: Mono: one channel carries no direction."]
    assert Path("earwitness-out/mono.csv").read_text().splitlines()[1] == "10,8,0,,250,0"
    assert np.isnan(read_events("earwitness-out/mono.json").azimuth).all()


def test_swapped_channels(earwitness: Command, clip: Path, meter_model: Path) -> None:
    assert "40° right" in earwitness("detect", clip, "--swap-channels", "--model", meter_model).out


def test_the_threshold_is_used(earwitness: Command, clip: Path, meter_model: Path) -> None:
    assert "0 events" in earwitness("detect", clip, "--threshold", "1", "--model", meter_model).out


def test_equal_names_are_kept_apart_and_mentioned(
    earwitness: Command, tmp_path: Path, make_burst: Burst, meter_model: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_wav(tmp_path / folder / "take.wav", make_burst(1), 24_000)
    result = earwitness("detect", "a", "b", "--model", meter_model)
    assert result.code == 0
    assert "take" in result.out.splitlines()[-1]
    assert Path("earwitness-out/a/take.csv").is_file()
    assert Path("earwitness-out/b/take.csv").is_file()


def test_quiet(earwitness: Command, clip: Path, meter_model: Path) -> None:
    assert earwitness("detect", clip, "--quiet", "--model", meter_model) == Result(0, "", "")


def test_what_is_done_is_not_done_again_but_shown(earwitness: Command, clip: Path, meter_model: Path) -> None:
    command = ["detect", clip, "--model", meter_model]
    first = earwitness(*command)
    csv = Path("earwitness-out/clip.csv")
    written = csv.stat().st_mtime_ns
    second = earwitness(*command)
    assert second.code == 0
    assert csv.stat().st_mtime_ns == written
    table = [line for line in first.out.splitlines() if "Music" in line]
    assert len(table) == 2
    assert [line for line in second.out.splitlines() if "Music" in line] == table
    assert "unchanged since an earlier run" in second.out
    again = earwitness(*command, "--again")
    assert "unchanged since an earlier run" not in again.out
    assert csv.stat().st_mtime_ns > written


def test_other_settings_do_everything_anew(earwitness: Command, clip: Path, meter_model: Path) -> None:
    earwitness("detect", clip, "--model", meter_model)
    assert (
        "unchanged since an earlier run"
        not in earwitness("detect", clip, "--model", meter_model, "--threshold", "0.4").out
    )
    assert "unchanged since an earlier run" not in earwitness("detect", clip, "--model", meter_model).out


def test_jobs_change_nothing_but_the_speed(
    earwitness: Command, tmp_path: Path, make_burst: Burst, meter_model: Path
) -> None:
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", make_burst(3, (1, 2, 15 * number + 10)), 24_000)
    (tmp_path / "junk.wav").write_bytes(b"junk" * 50)
    assert earwitness("detect", "*.wav", "--model", meter_model, "--out", "one").code == 1
    result = earwitness("detect", "*.wav", "--model", meter_model, "--out", "three", "--jobs", "3")
    assert result.code == 1
    assert result.problems[0].startswith("earwitness: junk.wav: ")
    assert "4 of 5 files" in result.out
    names = results(Path("one"))
    assert len(names) == 8
    assert results(Path("three")) == names
    assert all(Path("one", name).read_bytes() == Path("three", name).read_bytes() for name in names)


@pytest.mark.parametrize("columns", [20, 40, 60, 200])
def test_narrow_and_wide_terminals(
    earwitness: Command, clip: Path, meter_model: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = earwitness("detect", clip, "--model", meter_model)
    assert result.code == 0
    assert ("0:01.0-0:02.0" in result.out) or columns < 30
    assert ("confidence" in result.out) == (columns >= 72)


def test_a_video_with_its_picture_drawn(earwitness: Command, clip: Path, tmp_path: Path, meter_model: Path) -> None:
    from earwitness.media.containers.probe import probe

    with MediaWriter(tmp_path / "film.mp4", 480, 270, copy_audio_from=clip) as writer:
        for frame in range(6):
            wall = np.full((270, 480, 3), 40 * frame, np.uint8)
            wall[:, ::60] = 250  # a picture of one colour shows nothing
            writer.write_frame(wall, float(frame))
    result = earwitness("detect", "film.mp4", "--render", "--fov", "80", "--model", meter_model)
    assert result.code == 0
    assert "on screen" in result.out
    drawn = probe("earwitness-out/film.earwitness.mp4")
    assert drawn.video is not None
    assert drawn.audio is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "pdf"], "unknown format 'pdf'"),
        (["--threshold", "1.5"], "--threshold must lie in 0..1"),
        (["--threshold", "nan"], "--threshold must lie in 0..1"),
        (["--device", "abacus"], "unknown device 'abacus'"),
        (["--fov", "0"], "--fov must lie in 1..170"),
        (["--out", "clip.wav"], "--out clip.wav is a file"),
        (["--model", "none"], "unknown model 'none'"),
        (["--model", "none.onnx"], "none.onnx: no such model file"),
        (["--threads", "0"], "threads"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_wrong_usage_is_one_line(
    earwitness: Command, clip: Path, meter_model: Path, options: list[str], message: str
) -> None:
    model = [] if "--model" in options else ["--model", str(meter_model)]
    result = earwitness("detect", clip, *model, *options)
    assert result.code == 2
    assert result.out == ""
    (line,) = result.problems
    assert message in line
    assert not Path("earwitness-out").exists()


def test_a_format_that_cannot_be_written_is_told_before_anything_is_heard(
    earwitness: Command, clip: Path, meter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earwitness.batch.formats.find_spec", lambda name: None)
    result = earwitness("detect", clip, "--model", str(meter_model), "--format", "parquet")
    assert result.code == 2
    assert result.problems == [
        "earwitness: the format 'parquet' needs an optional install: pip install 'earwitness[parquet]'"
    ]
    assert not Path("earwitness-out").exists()


@pytest.mark.parametrize("arguments", [["detect"], ["detect", "clip.wav", "--bogus"], ["detect", "--threshold", "x"]])
def test_what_typer_refuses(earwitness: Command, arguments: list[str]) -> None:
    assert earwitness(*arguments).code == 2


def test_the_real_command_never_imports_torch(clip: Path, meter_model: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import earwitness, earwitness.cli.detect\n"
        "from earwitness import Detector\n"
        "from earwitness.cli.main import main\n"
        f"Detector.load({str(meter_model)!r}).detect({str(clip)!r})\n"
        f"sys.argv = ['earwitness', 'detect', {str(clip)!r}, '--model', {str(meter_model)!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {'torch', 'transformers', 'pyroomacoustics', 'matplotlib.pyplot', 'scipy.signal', 'scipy.stats',"
        " 'scipy.ndimage', 'earwitness.render.report_page'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "40° left" in done.stdout
    assert (tmp_path / "earwitness-out" / "clip.csv").is_file()


def test_importing_the_package_is_light() -> None:
    code = "import sys, earwitness, earwitness.cli.detect, earwitness.cli.doctor; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "av", "onnxruntime", "torch", "pydantic"} & set(done.stdout.split())


def test_a_single_file_is_within_limits_too(earwitness: Command, clip: Path, meter_model: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is read in /proc here")
    done = earwitness("detect", clip, "--model", meter_model, "--max-memory", "20")
    assert done.code == 1
    assert "took more memory than 20 MB" in done.err
    assert "--max-memory" in done.err
    assert earwitness("detect", clip, "--model", meter_model, "--max-seconds", "0").code == 2
    assert earwitness("detect", clip, "--model", meter_model, "--max-seconds", "nan").code == 2


def test_names_cannot_steer_the_terminal(earwitness: Command, clip: Path, meter_model: Path) -> None:
    folder = clip.parent / "in"
    folder.mkdir()
    for name in ("\x1b[31mred\x07\n.wav", "turned\u202e.wav", "[bold]b.wav"):
        (folder / name).write_bytes(clip.read_bytes())
    (folder / "bad\x1b]0;title\x07.wav").write_bytes(b"junk")
    (folder / "gone\x9b2J.wav").symlink_to("nowhere")
    (folder / "other.t\x1bxt").touch()
    result = earwitness("detect", folder, "--model", meter_model, "--out", "out")
    assert result.code == 1
    shown = result.out + result.err
    assert not {sign for sign in shown if not sign.isprintable() and sign != "\n"}
    for name in (r"\x1b[31mred\x07 .wav", r"turned\u202e.wav", "[bold]b.wav", r"bad\x1b]0;title\x07.wav"):
        assert name in shown
    assert any("skipped 1 broken link" in line for line in result.problems)
    assert any("skipped 1 file with another extension" in line for line in result.problems)


def test_what_is_left_out_by_its_name_is_not_told_to_those_who_asked_for_quiet(
    earwitness: Command, clip: Path, meter_model: Path
) -> None:
    (clip.parent / "notes.txt").touch()
    (clip.parent / "gone.wav").symlink_to("nowhere")
    quiet = earwitness("detect", clip.parent, "--model", meter_model, "--out", "out", "--quiet")
    assert len(quiet.problems) == 1
    assert "broken link" in quiet.err


def test_an_empty_name_and_names_with_a_tilde(earwitness: Command, clip: Path, meter_model: Path) -> None:
    clip.rename(clip.with_name("~clip.wav"))
    result = earwitness("detect", "", "~clip.wav", "--model", meter_model, "--out", "out", "--quiet")
    assert result.code == 1
    assert len(result.problems) == 1
    assert "the input name is empty" in result.err
    assert results(clip.parent / "out") == ["~clip.csv", "~clip.json"]


def test_classes_to_keep_and_to_leave_out(earwitness: Command, make_burst: Burst, meter_model: Path) -> None:
    write_wav(Path("a.wav"), make_burst(3, (0.5, 1.5, 30)), 24_000)
    done = earwitness("detect", "a.wav", "--model", meter_model, "--exclude", "Music", "--grow", "--format", "html")
    assert done.code == 0, done.err
    assert "no sound events found" in done.out
    assert "Left out on request: Music." in done.out
    assert json.loads(Path("earwitness-out/a.json").read_text())["classes_left_out"] == ["music"]
    assert "Left out on request: Music." in Path("earwitness-out/a.html").read_text()
    kept = earwitness("detect", "a.wav", "--model", meter_model, "--classes", "musical,bell", "--classes", "door")
    assert kept.code == 0, kept.err  # another choice repeats the file
    document = json.loads(Path("earwitness-out/a.json").read_text())
    assert {event["class"] for event in document["events"]} == {"music"}
    assert "music" not in document["classes_left_out"]
    for option, name, words in (
        ("--classes", "speach", "did you mean speech"),
        ("--exclude", "people,musik", "did you mean music"),
        ("--classes", "", "name a class or a group"),
    ):
        wrong = earwitness("detect", "a.wav", "--model", meter_model, option, name, "--out", "none")
        assert wrong.code == 2
        assert len(wrong.problems) == 1
        assert words in wrong.problems[0]
        assert not Path("none").exists() or not results(Path("none"))
