"""Writes the recipes of a reproduction: the network, and the ablation with its pre-training, rows and ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from earwitness.core.files.atomic import atomic_file
from earwitness.encoders.store.embedding_store import EmbeddingStore
from earwitness.training.reproduction.reproduction_job import ReproductionJob
from earwitness.training.reproduction.scales import NETWORK

SYSTEM: Final = "+ CLAP + OWL-ViT"
"""The row of the paper's system."""
REFERENCE: Final = "SELD"
ENSEMBLE: Final = "ensemble"
SEEN: Final = "ensemble, visual post-processing"
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    REFERENCE: (), "+ CLAP": ("sound",), "+ OWL-ViT": ("picture",), SYSTEM: ("sound", "picture"),
}  # fmt: skip
"""Rows of the network and their modalities."""
_SHARDS: Final = "features"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embeddings of a modality.

    Attributes:
        encoder, fingerprint, rate: identify them.
        dim: width of a token.
        positions: tokens per step.
    """

    encoder: str
    fingerprint: str
    rate: float | None
    dim: int
    positions: int

    @classmethod
    def of(cls, store: EmbeddingStore) -> Embedded:
        """Describe a store with at least one clip."""
        found = store.description
        positions = next(iter(store.records.values())).shape[1]
        return cls(found.encoder, found.fingerprint, found.rate, found.dim, positions)

    def source(self, *, required: bool) -> dict[str, Any]:
        """The entry in data.tokens."""
        chosen = {"encoder": self.encoder, "fingerprint": self.fingerprint, "rate": self.rate}
        return {**chosen, "missing": "error" if required else "allow"}


def write_recipes(job: ReproductionJob, embedded: Mapping[str, Embedded], detector: str | None) -> None:
    """Write `network.yaml` and `ablation.yaml`, which `earwitness train` and `ablate` can use too.

    Args:
        job: the reproduction.
        embedded: modality -> its embeddings.
        detector: visual detector of the post-processing; None for none.
    """
    network = _nested({"extends": NETWORK, "name": "network", **job.scale.network})
    for path, values in ((job.network_file, network), (job.ablation_file, ablation_recipe(job, embedded, detector))):
        with atomic_file(path) as temporary:
            temporary.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def ablation_recipe(job: ReproductionJob, embedded: Mapping[str, Embedded], detector: str | None) -> dict[str, Any]:
    """Plain values of an `AblationRecipe`."""
    second = {**_steps(job.scale.steps), **job.scale.finetuning}
    variants: dict[str, Any] = {
        name: {"pretrain": f"{name}, synthetic", "set": {**_tokens(embedded, modalities), **_real(job), **second}}
        for name, modalities in ROWS.items()
    }
    return {
        "name": f"reproduction-{job.scale.name}",
        "base": job.network_file.name,
        "train": str(job.data.root.resolve()),
        "valid_rooms": list(job.data.valid_rooms),
        "test": str(job.data.root.resolve()),
        "test_splits": list(job.data.test),
        "shards": str((job.out / _SHARDS).resolve()),
        "seeds": list(job.scale.seeds),
        "set": {"run.device": job.device, "data.swap": "double"},
        "reference": REFERENCE,
        "pretraining": {
            f"{name}, synthetic": {"set": {**_tokens(embedded, modalities), **_synthetic(job)}}
            for name, modalities in ROWS.items()
        },
        "variants": {**_baselines(job, embedded), **variants},
        "without": {f"{SYSTEM}, without pictures": {"variant": SYSTEM, "only": ["sound"]}},
        "ensembles": {ENSEMBLE: {"members": [SYSTEM], "about": "all seeds, weights tuned on the validation rooms"}},
        "seen": {} if detector is None else {SEEN: {"variant": ENSEMBLE, "detector": detector}},
    }


def _baselines(job: ReproductionJob, embedded: Mapping[str, Embedded]) -> dict[str, Any]:
    """The official baselines on the real clips; the audio-visual one needs the pictures of every clip."""
    changes = {**job.scale.baseline, **_steps(job.scale.steps), **_real(job), "data.swap": "none"}
    rows: dict[str, Any] = {"baseline, audio": {"recipe": "official-baseline-audio", "set": changes}}
    if job.data.all_seen:
        picture = embedded["picture"]
        visual = {"name": "picture", "dim": picture.dim, "grid": [1, picture.positions], "reduce": "channels"}
        tokens = {"data.tokens": {"picture": picture.source(required=True)}, "model.visual": visual}
        rows["baseline, audio-visual"] = {"recipe": "official-baseline-av", "set": {**changes, **tokens}}
    return rows


def _tokens(embedded: Mapping[str, Embedded], modalities: tuple[str, ...]) -> dict[str, Any]:
    widths: dict[str, dict[str, Any]] = {name: {"dim": embedded[name].dim} for name in modalities}
    if "picture" in widths:
        widths["picture"]["reach_s"] = 1.0
    sources = {name: embedded[name].source(required=name == "sound") for name in modalities}
    return {"model.tokens": widths, "data.tokens": sources}


def _real(job: ReproductionJob) -> dict[str, Any]:
    """Fine-tuning on real clips alone."""
    return {"data.folders": [{"root": str(job.data.root.resolve()), "splits": list(job.data.train)}]}


def _synthetic(job: ReproductionJob) -> dict[str, Any]:
    """Pre-training on synthetic clips, doubled by left-right swapping."""
    root, shards = str(job.data.root.resolve()), {"data.shards": str((job.out / _SHARDS).resolve())}
    common = {**_steps(job.scale.pretraining_steps), **shards}
    if job.source == "real":
        return {**common, **_real(job), "data.valid_rooms": list(job.data.valid_rooms)}
    if job.source == "split":
        return {
            **common, "data.folders": [{"root": root, "splits": list(job.data.synthetic)}],
            "data.valid_folder": {"root": root, "splits": list(job.data.train)}, "data.valid_rooms": [],
        }  # fmt: skip
    train, valid = (str(folder.resolve()) for folder, _ in job.rendered.values())
    return {
        **common, "data.folders": [{"root": train}], "data.valid_folder": {"root": valid}, "data.valid_rooms": [],
    }  # fmt: skip


def _steps(steps: int) -> dict[str, Any]:
    """Steps of a stage, validated twenty times; the schedule of the second stage follows from its steps."""
    return {"run.steps": steps, "run.valid_every": max(1, steps // 20)}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by section from values by dotted key."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *sections, last = key.split(".")
        node = nested
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = dict(value) if isinstance(value, Mapping) else value
    return nested
