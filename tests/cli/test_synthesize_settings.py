from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from earwitness.cli.synthesize_settings import SynthesizeSettings
from earwitness.core.errors import EarwitnessError, UsageError

NEW = SynthesizeSettings(bank=Path("bank"), out=Path("out"), clips=2, seed=1)
AGAIN = SynthesizeSettings(bank=Path("bank"), out=Path("out"), recipe=Path("scene.json"))


@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        (NEW, {"clips": None}, "--clips and --seed"),
        (NEW, {"seed": None}, "--clips and --seed"),
        (NEW, {"view": 0.0}, "need --from"),
        (NEW, {"no_noise": True}, "need --from"),
        (NEW, {"stems": True}, "need --from"),
        (AGAIN, {"clips": 1}, "--from keeps"),
        (AGAIN, {"fov": 90.0}, "--from keeps"),
        (AGAIN, {"preset": "starss"}, "--from keeps"),
        (NEW, {"preset": "starss", "elevation": 35.0}, "--preset"),
        (NEW, {"preset": "starss", "sofa": Path("rooms")}, "--preset"),
        (NEW, {"fps": 10.0}, "need --video"),
        (NEW, {"cutouts": Path("cut")}, "need --video"),
        (NEW, {"backgrounds": Path("photos")}, "need --video"),
        (NEW, {"sofa": Path("rooms"), "room_seed": 0}, "either --sofa or --rooms"),
        (NEW, {"preview": Path("sheet.jpg")}, "PNG"),
        (NEW, {"address": "auto"}, "--engine ray"),
    ],
)
def test_options_that_do_not_go_together(settings: SynthesizeSettings, change: dict[str, object], message: str) -> None:
    settings.check()
    with pytest.raises(UsageError, match=message):
        replace(settings, **change).check()


def test_options_become_a_job() -> None:
    job = replace(NEW, licence="cc0, cc-by,", video=True, fps=29.97, fov=80.0, elevation=35.0, rooms=3).job()
    assert [part.strip() for part in job.licences or ()] == ["cc0", "cc-by"]
    assert job.fps == Fraction(2997, 100)
    assert (job.rooms.rooms, job.rooms.kind, job.seed) == (3, "plain", 1)
    assert job.scene.elevation_deg == (-35.0, 35.0)
    assert job.scene.fov_deg == 80.0


def test_a_preset_varies_rooms_and_coincident_microphones() -> None:
    assert replace(NEW, preset="starss").job().rooms.kind == "varied"
    assert replace(NEW, preset="starss").job().scene.flaw_probability > 0
    assert replace(NEW, preset="starss", microphone="head").job().scene.flaw_probability == 0
    assert NEW.job().scene.preset is None


@pytest.mark.parametrize("change", [{"microphone": "gramophone"}, {"preset": "opera"}])
def test_unknown_names(change: dict[str, str]) -> None:
    with pytest.raises(EarwitnessError, match=next(iter(change.values()))):
        replace(NEW, **change).job()  # type: ignore[arg-type]
