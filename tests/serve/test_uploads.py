from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from earwitness.cli.serve import run
from earwitness.core.errors import MediaError, ModelError, NotStereoError, UsageError
from earwitness.detect.detector import Detector
from earwitness.media.writer import write_wav
from earwitness.serve.uploads import Limits, UploadOptions, UploadProcessor

SOUND_ONLY = UploadOptions(video=False)


@pytest.fixture
def upload(tmp_path: Path, make_burst) -> Path:  # type: ignore[no-untyped-def]
    path = tmp_path / "up" / "my take.wav"
    path.parent.mkdir()
    write_wav(path, make_burst(3, (1, 2, 40)), 24_000)
    return path


@pytest.fixture
def detector(meter_model: Path) -> Detector:
    return Detector.load(meter_model)


def test_an_upload_becomes_results(detector: Detector, upload: Path, tmp_path: Path) -> None:
    workshop, seen = UploadProcessor(detector, tmp_path / "results"), []
    outcome = workshop.process(upload, SOUND_ONLY, lambda share, what: seen.append((share, what)))
    assert [event.sound_class.name for event in outcome.detection.events] == ["Music"]
    assert sorted(outcome.files) == [f"my take.{end}" for end in ("csv", "json", "report.html", "srt", "vtt")]
    assert all(workshop.find(outcome.token, name) for name in outcome.files)
    assert [share for share, _ in seen] == sorted(share for share, _ in seen)
    assert seen[-1][1] == "writing the report"


def test_the_camera_that_was_named_is_the_one_that_looks(
    detector: Detector, upload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    detect = Detector.detect
    monkeypatch.setattr(Detector, "detect", lambda *a, fov, **more: (given.append(fov), detect(*a, fov=fov, **more))[1])
    workshop = UploadProcessor(detector, tmp_path / "results")
    outcome = workshop.process(upload, UploadOptions(video=False, fov=40.0), lambda share, what: None)
    assert given == [40.0]
    report = workshop.find(outcome.token, outcome.report)
    assert report is not None
    assert float(re.findall(r'"fov":\s*([\d.]+)', report.read_text(encoding="utf-8"))[0]) == pytest.approx(40)


def test_what_is_seen_in_uploads_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def load(model: str, **options: object) -> None:
        asked.append(options)
        raise ModelError("enough")

    monkeypatch.setattr(Detector, "load", load)
    for options in ({}, {"no_vision": True}):
        with pytest.raises(UsageError, match="enough"):
            run(**options)
    assert [(one["keep_seen"], one["vision"]) for one in asked] == [(False, "auto"), (False, None)]


def test_nothing_else_can_be_fetched(detector: Detector, upload: Path, tmp_path: Path) -> None:
    workshop = UploadProcessor(detector, tmp_path / "results")
    outcome = workshop.process(upload, SOUND_ONLY, lambda share, what: None)
    (tmp_path / "results" / "secret.txt").write_text("x")
    assert workshop.find(outcome.token, "../secret.txt") is None
    assert workshop.find("..", "secret.txt") is None
    assert workshop.find("", "secret.txt") is None
    assert workshop.find(outcome.token, "none.csv") is None


def test_results_are_kept_as_long_as_promised(
    detector: Detector, upload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = UploadProcessor(detector, tmp_path / "results", Limits(keep_minutes=10), upload.parent)
    outcome = workshop.process(upload, SOUND_ONLY, lambda share, what: None)
    begun, now = time.monotonic(), time.time()
    monkeypatch.setattr(time, "monotonic", lambda: begun + 9 * 60)
    monkeypatch.setattr(time, "time", lambda: now + 9 * 60)
    workshop.sweep()
    assert workshop.find(outcome.token, outcome.report)
    again = workshop.process(upload, SOUND_ONLY, lambda share, what: None)
    assert again.files, "another visitor may have sent the same file"
    monkeypatch.setattr(time, "monotonic", lambda: begun + 21 * 60)
    monkeypatch.setattr(time, "time", lambda: now + 21 * 60)
    workshop.sweep()
    assert not upload.exists()
    assert workshop.find(outcome.token, outcome.report) is None
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(megabytes=0.01), "has 0 MB; this server takes 0.01 MB"),
        (Limits(minutes=0.01), "this server takes 0.01"),
        (Limits(seconds=1e-6), "which is the limit; cut it"),
    ],
)
def test_limits(detector: Detector, upload: Path, tmp_path: Path, limits: Limits, message: str) -> None:
    workshop = UploadProcessor(detector, tmp_path / "results", limits)
    with pytest.raises(UsageError, match=message) as raised:
        workshop.process(upload, SOUND_ONLY, lambda share, what: None)
    assert str(tmp_path) not in str(raised.value)
    assert not any((tmp_path / "results").glob("*"))


def test_bad_uploads_leave_nothing_and_name_no_server_path(
    detector: Detector,
    tmp_path: Path,
    make_burst,  # type: ignore[no-untyped-def]
) -> None:
    workshop = UploadProcessor(detector, tmp_path / "results")
    junk, mono = tmp_path / "junk.mp4", tmp_path / "mono.wav"
    junk.write_bytes(b"not a video" * 50)
    write_wav(mono, make_burst(2, (0.5, 1, 0))[:1], 24_000)
    for path, kind in ((junk, MediaError), (mono, NotStereoError)):
        with pytest.raises(kind) as raised:
            workshop.process(path, SOUND_ONLY, lambda share, what: None)
        assert str(tmp_path) not in str(raised.value)
        assert path.name in str(raised.value)
    assert not any((tmp_path / "results").glob("*"))
    mono_wish = UploadOptions(video=False, mono=True)
    assert np.isnan(workshop.process(mono, mono_wish, lambda share, what: None).detection.events[0].azimuth)


def test_what_is_being_worked_on_is_broken_off(detector: Detector, upload: Path, tmp_path: Path) -> None:
    workshop = UploadProcessor(detector, tmp_path / "results")
    workshop.stop()
    with pytest.raises(UsageError, match="being stopped"):
        workshop.process(upload, SOUND_ONLY, lambda share, what: None)
    assert not any((tmp_path / "results").glob("*"))


def test_limits_must_be_possible() -> None:
    with pytest.raises(UsageError, match="minutes is 0"):
        Limits(minutes=0)
