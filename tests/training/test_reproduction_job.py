from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("transformers", reason="CLAP and OWL-ViT need the extra 'semantic'")

from earwitness.training.data.data_splits import DataSplits
from earwitness.training.reproduction_job import (
    ENCODERS,
    SCALES,
    Embedded,
    ReproductionJob,
    ablation_recipe,
)


def test_without_a_bank_the_pre_training_uses_the_synthetic_split_or_in_a_trial_the_real_ones(at_work: Path) -> None:
    embedded = {name: Embedded(encoder, "f", None, 8, 3) for name, encoder in ENCODERS.items()}

    def pretraining(scale: str) -> dict[str, Any]:
        job = ReproductionJob(DataSplits.of(Path("DCASE2025")), Path("out"), SCALES[scale])
        first: dict[str, Any] = ablation_recipe(job, embedded, None)["pretraining"]["SELD, synthetic"]["set"]
        return first

    real = pretraining("tiny")
    assert real["data.folders"][0]["splits"] == ["dev-train-sony", "dev-train-tau"]
    for part, suffix in (("stereo_dev", ".wav"), ("metadata_dev", ".csv")):
        folder = Path("DCASE2025") / part
        (folder / "dev-train-synth").mkdir()
        clip = sorted((folder / "dev-train-tau").iterdir())[0]
        shutil.copy(clip, folder / "dev-train-synth" / f"fold1_room001_mix001_deg000_start0000{suffix}")
    made = pretraining("small")
    assert made["data.folders"][0]["splits"] == ["dev-train-synth"]
    assert made["data.valid_folder"]["splits"] == ["dev-train-sony", "dev-train-tau"]
    assert made["run.steps"] == SCALES["small"].pretraining_steps
