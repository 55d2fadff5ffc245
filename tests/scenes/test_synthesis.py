from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from earwitness.core.errors import UsageError
from earwitness.scenes.pictures import DCASE_FPS
from earwitness.scenes.writing.synthesis import DEFAULT_ROOMS, SynthesisOptions, synthesize

BANK, OUT = Path(__file__).parents[1] / "data" / "bank", Path("out")


def options(**changes: object) -> SynthesisOptions:
    return SynthesisOptions(**{"bank": BANK, "out": OUT, "clips": 1, "seed": 1, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clips": None}, "--clips and --seed"),
        ({"stems": True}, "need --from"),
        ({"noise": False}, "need --from"),
        ({"recipe": Path("x.json")}, "omit --clips"),
        ({"preset": "starss", "sofa": Path("a.sofa")}, "omit --elevation and --sofa"),
        ({"fps": 2.0}, "need --video"),
        ({"sofa": Path("a.sofa"), "rooms": 3}, "either --sofa or --rooms"),
        ({"preview": Path("sheet.txt")}, r"ending in \.png"),
        ({"address": "127.0.0.1:1"}, "--engine ray"),
        ({"microphone": "theremin"}, "unknown microphone 'theremin'"),
    ],
)
def test_incompatible_options_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        options(**changes)


def test_defaults_of_the_job() -> None:
    job = options().job()
    assert (job.rooms.rooms, job.rooms.kind, job.fps) == (DEFAULT_ROOMS, "plain", DCASE_FPS)
    assert job.scene.elevation_deg == (-90.0, 90.0)
    assert job.scene.preset is None


def test_options_of_the_job() -> None:
    job = options(video=True, fps=2.2, fov_deg=60.0, elevation_deg=35.0, room_seed=4, licences=("cc0",)).job()
    assert (job.fps, job.video, job.rooms.seed, job.licences) == (Fraction(11, 5), True, 4, ("cc0",))
    assert (job.scene.fov_deg, job.scene.elevation_deg) == (60.0, (-35.0, 35.0))


@pytest.mark.parametrize(("microphone", "probability"), [("xy", 0.5), ("head", 0.0)])
def test_presets_have_varied_rooms_and_flaws_of_coincident_microphones(microphone: str, probability: float) -> None:
    job = options(preset="starss", microphone=microphone).job()
    assert job.rooms.kind == "varied"
    assert job.scene.flaw_probability == probability
    assert job.scene.preset is not None


def test_a_set_is_rendered_reported_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    wanted = options(out=tmp_path / "set", clips=2, rooms=1, seconds=1.0)
    lines: list[str] = []
    tasks: dict[str, tuple[int, int]] = {}

    def progress(task: str):  # type: ignore[no-untyped-def]
        return lambda done, total: tasks.update({task: (done, total)})

    synthesize(wanted, log=lines.append, progress=progress)
    assert tasks == {"rooms": (1, 1), "clips": (2, 2)}
    synthesize(wanted, log=lines.append)
    assert [line.rsplit("(", 1)[1] for line in lines] == ["2 new)", "0 new)"]
