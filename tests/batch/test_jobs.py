from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.batch.formats import parse_formats
from earwitness.batch.jobs import BatchSettings, Done, Failure, run_batch
from earwitness.batch.planning import plan
from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.detect.detector import Detector
from earwitness.media.sound.wav import write_wav

Burst = Callable[..., NDArray[np.float32]]


SETTINGS = BatchSettings(parse_formats(["csv,json"]))


def test_a_bad_file_costs_only_itself(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    write_wav(source / "a.wav", make_burst(3, (1, 2, 30)), 24_000)
    (source / "b.mp4").write_bytes(b"junk" * 50)
    write_wav(source / "c.wav", make_burst(3)[:1], 24_000)
    write_wav(source / "d.wav", make_burst(3, (1, 2, -30)), 24_000)
    seen: list[tuple[str, float]] = []
    results = list(
        run_batch(
            Detector.load(meter_model),
            plan([source], out).jobs,
            SETTINGS,
            lambda job, share: seen.append((job.source.name, share)),
        )
    )
    assert [type(result) for result in results] == [Done, Failure, Failure, Done]
    assert isinstance(results[1], Failure)
    assert isinstance(results[1].error, UnreadableMediaError)
    assert isinstance(results[2], Failure)
    assert isinstance(results[2].error, NotStereoError)
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "a.json", "d.csv", "d.json"]
    assert seen[-1] == ("d.wav", 1.0)


def test_a_defect_is_reported_and_the_rest_is_done(
    meter_model: Path, make_burst: Burst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_wav(tmp_path / f"{name}.wav", make_burst(2), 24_000)
    detector = Detector.load(meter_model)
    detect = detector.detect

    def defective(path: Path, *args: object, **options: object) -> object:
        if path.name == "a.wav":
            raise ZeroDivisionError("division\nby zero")
        return detect(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(detector, "detect", defective)
    first, second = run_batch(detector, plan([tmp_path], tmp_path / "out").jobs, SETTINGS)
    assert isinstance(first, Failure)
    assert first.reason.startswith(f"{tmp_path / 'a.wav'}: unexpected error: ZeroDivisionError: division")
    assert isinstance(second, Done)


def test_what_the_system_refuses_is_no_defect(tmp_path: Path) -> None:
    full = Failure(Path("a\x1b[2J.wav"), OSError(28, "No space left on device"))
    assert full.reason == "a\\x1b[2J.wav: No space left on device; check folder, permissions and disk space"
    named = Failure(Path("a\n.wav"), UnreadableMediaError("a\n.wav: not a video"))
    assert named.reason == "a .wav: not a video"


def test_an_interrupt_is_no_failure_and_leaves_no_half_file(
    meter_model: Path, make_burst: Burst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earwitness.batch import jobs

    write_wav(tmp_path / "a.wav", make_burst(2), 24_000)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(run_batch(Detector.load(meter_model), plan([tmp_path], tmp_path / "out").jobs, SETTINGS))
    assert not list(tmp_path.glob("out/**/*.*"))


def test_after_a_long_file_the_next_one_is_heard_as_ever(
    meter_model: Path, make_burst: Burst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        write_wav(tmp_path / f"{name}.wav", make_burst(1, (0.2, 0.8, 30)), 24_000)
    monkeypatch.setattr("earwitness.detect.detector.LONG_SECONDS", 0.5)
    detector, rests = Detector.load(meter_model), []
    rest = detector.unload
    monkeypatch.setattr(detector, "unload", lambda: rests.append(rest()))
    settings = BatchSettings(parse_formats(["csv"]), render=True)
    first, second = run_batch(detector, plan([tmp_path], tmp_path / "out").jobs, settings)
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert len(rests) == 4, "after hearing and after looking"
    assert first.written[0].read_bytes() == second.written[0].read_bytes()


def test_rendering(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    from earwitness.media.containers.probe import probe

    write_wav(tmp_path / "a.wav", make_burst(1, (0.2, 0.8, 30)), 24_000)
    settings = BatchSettings(parse_formats(["csv"]), render=True)
    shares: list[float] = []
    (done,) = run_batch(
        Detector.load(meter_model),
        plan([tmp_path / "a.wav"], tmp_path / "out").jobs,
        settings,
        lambda _, share: shares.append(share),
    )
    assert isinstance(done, Done)
    assert [path.name for path in done.written] == ["a.csv", "a.earwitness.mp4"]
    assert probe(done.written[1]).video is not None
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
