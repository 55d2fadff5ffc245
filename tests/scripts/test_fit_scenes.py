"""A preset fitted to labels that are known, and scenes laid beside them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from earwitness.core.vocabulary import CLASSES, class_by_slug
from earwitness.scenes.sampling.presets import ScenePreset

LABELS = Path(__file__).parents[3] / "shared" / "starss22_labels" / "labels.csv.gz"


@pytest.fixture
def scripts(load_script: Callable[[str], ModuleType]) -> dict[str, ModuleType]:
    return {name: load_script(name) for name in ("fit_scenes", "compare_scenes", "check_bank")}


def labels() -> list[tuple[str, int, int, int, float, float]]:
    """Each class alone for 2 s at its own elevation; music for 30 s, steps that walk, a voice that pauses for 1 s."""
    rows = []
    for sound in CLASSES:
        seconds = 30 if sound.slug == "music" else 2
        for repeat in range(30):
            recording = f"dev-train-x/{sound.slug}{repeat}"
            for frame in range(10 * seconds):
                azimuth = 3.0 * frame if sound.slug == "footsteps" else 40.0
                rows.append((recording, frame, sound.index, 0, azimuth, -3.0 * sound.index))
                if sound.slug == "female_speech":
                    rows.append((recording, frame + 30, sound.index, 0, azimuth, -3.0 * sound.index))
    return rows


def test_what_labels_say_is_what_the_preset_says(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    fit = scripts["fit_scenes"]
    text = "recording,frame,class,source,azimuth,elevation\n" + "".join(
        f"{recording},{frame},{sound},{source},{azimuth:g},{elevation:g}\n"
        for recording, frame, sound, source, azimuth, elevation in [*labels(), ("dev-test-x/a", 0, 0, 0, 0.0, 80.0)]
    )
    (tmp_path / "labels.csv.gz").write_bytes(gzip.compress(text.encode()))
    runs = fit.runs_of(fit.read_labels(tmp_path / "labels.csv.gz", "dev-train"))
    preset = ScenePreset.model_validate(fit.fit(runs, "own"))
    assert preset.classes["music"].run_seconds == (30.0,) * 7
    assert preset.classes["bell"].run_seconds == (2.0,) * 7
    assert preset.classes["footsteps"].moves == 1.0
    assert preset.classes["footsteps"].turn_deg_per_second[3] == pytest.approx(30, abs=6)
    assert preset.classes["bell"].moves == 0.0
    assert preset.classes["female_speech"].resumes == pytest.approx(0.5)
    assert preset.classes["female_speech"].pause_seconds[3] == pytest.approx(1.0)
    knock = class_by_slug("knock").index
    assert preset.classes["knock"].elevation_deg[3] == pytest.approx(-3.0 * knock, abs=6)
    assert max(preset.classes["knock"].elevation_deg) < 45  # test recordings are not looked at
    assert preset.source_weights[1] > 0.9


@pytest.mark.skipif(not LABELS.is_file(), reason="the labels of STARSS22 are not here")
def test_the_shipped_preset_is_what_the_script_makes_of_the_labels(scripts: dict[str, ModuleType]) -> None:
    from earwitness.scenes.sampling.presets import preset_values

    fit = scripts["fit_scenes"]
    assert fit.fit(fit.runs_of(fit.read_labels(LABELS, "dev-train")), "starss") == preset_values("starss")


def test_labels_beside_themselves_are_alike(scripts: dict[str, ModuleType]) -> None:
    compare = scripts["compare_scenes"]
    rows = compare.rows_of_windows(labels(), 50)
    lines = compare.table(rows, rows)
    assert len(lines) == len(CLASSES) + 3
    for line in lines[1:14]:
        _, own, other = line.split(" | ")
        assert own == other
    assert "1 100%" in lines[-1]
    assert lines[-1].removeprefix("scenes") == lines[-2].removeprefix("labels")


@pytest.mark.parametrize(
    ("kind", "likeliest", "doubtful"),
    [
        ("bell", "Church bell", ""),
        ("bell", "Speech", "female_speech"),
        ("bell", "Piano", ""),  # instruments may sound like bells
        ("footsteps", "Door", ""),
        ("male_speech", "Speech", ""),
        ("interference", "Laughter", "laughter"),
        ("interference", "Bark", ""),
        ("background", "Music", "music"),
    ],
)
def test_recordings_that_sound_like_another_class_are_doubtful(
    scripts: dict[str, ModuleType], kind: str, likeliest: str, doubtful: str
) -> None:
    names = ("Wind", "Bark", "Church bell", "Speech", "Piano", "Door", "Laughter", "Music")
    probability = np.where(np.array(names) == likeliest, 0.8, 0.01) + np.where(np.array(names) == "Wind", 0.01, 0)
    verdict = scripts["check_bank"].judge("a.ogg", kind, names, probability)
    assert verdict.doubtful == doubtful
    assert verdict.labels[0] == (likeliest, 0.8)


def test_unsure_interference_is_not_doubtful(scripts: dict[str, ModuleType]) -> None:
    verdict = scripts["check_bank"].judge("a.ogg", "interference", ("Laughter", "Wind"), np.array([0.3, 0.1]))
    assert verdict.doubtful == ""
