"""What a reproduction of the paper's system is: its sizes, its settings and files, and the recipes that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from earwitness.core.errors import UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.encoders.protocol import Device, EncoderSpec
from earwitness.encoders.store.embed_job import EmbedJob
from earwitness.encoders.store.embedding_store import EmbeddingStore
from earwitness.training.data.data_splits import DataSplits

NETWORK: Final = "dcase2025-av"
"""The shipped recipe on which all networks of the reproduction are based."""
ENCODERS: Final[Mapping[str, str]] = {"sound": "clap", "picture": "owlvit"}
"""Modality -> encoder."""
PICTURE_SETTINGS: Final = {"rows": 1}
"""One row of columns: a twenty-fourth of the space of all cells."""
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
class ReproductionScale:
    """A size of the reproduction.

    Attributes:
        name: its name.
        about: what it is for.
        seeds: of the runs of each row of the table.
        synthetic, synthetic_valid: clips of the sets rendered for pre-training, and to validate it.
        rooms: simulated rooms of these sets.
        fps: pictures per second of rendered videos.
        rate: pictures per second that are embedded.
        pretraining_steps, steps: of the two stages.
        network: changes to `NETWORK`.
        finetuning: changes to `NETWORK` in the second stage.
        baseline: changes to the official baselines.
    """

    name: str
    about: str
    seeds: tuple[int, ...]
    synthetic: int
    synthetic_valid: int
    rooms: int
    fps: float
    rate: float
    pretraining_steps: int
    steps: int
    network: Mapping[str, Any] = field(default_factory=dict)
    finetuning: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)


_SMALL_NETWORK: Final = {
    "model.stem_width": 24, "model.stem_kernel": 5, "model.stem_stride": [5, 4], "model.widths": [32, 64, 96],
    "model.pools": [[1, 2], [1, 2], [1, 2]], "model.dim": 128, "model.heads": 4, "model.blocks": 2,
    "model.cross_heads": 4, "augment.mixup": 0.0, "optim.peak": 1.5e-3, "run.batch": 32, "run.ema": 0.995,
    "run.workers": 1, "data.valid_scenes": 1000,
}  # fmt: skip
_TINY_FEATURES: Final = {"mels": 16, "window": 512, "stpacc_bins": 16, "stpacc_lags": 128}
_TINY_RUN: Final = {
    "run.batch": 4, "run.workers": 0, "run.scaler_scenes": 4, "run.save_every": 1, "run.tensorboard": False,
    "run.precision": "fp32", "data.valid_scenes": 4,
}  # fmt: skip


def _finetuning(peak: float) -> dict[str, Any]:
    """A lower rate, as in the shipped recipes of second stages."""
    return {"optim.peak": peak, "optim.schedule": "cosine", "optim.warmup": 0.05}


SCALES: Final[Mapping[str, ReproductionScale]] = {
    scale.name: scale
    for scale in (
        ReproductionScale(
            "tiny", "a trial of every step in minutes; its scores mean nothing", (0, 1),
            synthetic=4, synthetic_valid=2, rooms=2, fps=5.0, rate=1.0, pretraining_steps=2, steps=2,
            network={
                **_TINY_RUN, "features": {**_TINY_FEATURES, "channels": ["logmel_m", "logmel_s", "intensity"]},
                "model.stem_width": 4, "model.widths": [4, 8], "model.pools": [[5, 2], [1, 2]], "model.dim": 16,
                "model.heads": 2, "model.blocks": 1, "model.conv_kernel": 3, "model.ffn_mult": 2,
                "model.cross_heads": 2,
            },
            baseline={**_TINY_RUN, "model.filters": 4, "model.rnn_width": 16, "model.head_width": 8},
        ),
        ReproductionScale(
            "small", "small networks, for one GPU and a day, or to compare rows with each other", (0, 1),
            synthetic=4000, synthetic_valid=300, rooms=120, fps=10.0, rate=1.0, pretraining_steps=4000, steps=4000,
            network=_SMALL_NETWORK, finetuning=_finetuning(3.0e-4),
            baseline={"run.batch": 32, "run.workers": 1, "data.valid_scenes": 1000},
        ),
        ReproductionScale(
            "paper", "the size of the reconstruction, for several GPUs", (0, 1, 2),
            synthetic=30_000, synthetic_valid=500, rooms=320, fps=10.0, rate=2.0, pretraining_steps=60_000,
            steps=15_000, finetuning=_finetuning(1.0e-4),
        ),
    )
}  # fmt: skip


def find_scale(name: str) -> ReproductionScale:
    """The scale of this name.

    Raises:
        UsageError: there is no such scale.
    """
    if name not in SCALES:
        raise UsageError(f"--scale must be one of {', '.join(SCALES)}, not '{name}'")
    return SCALES[name]


@dataclass(frozen=True, slots=True)
class ReproductionJob:
    """What to reproduce, from what, and where.

    Attributes:
        data: the data set.
        out: folder of all results.
        scale: size.
        bank: sound bank from which scenes for pre-training are rendered; None uses the synthetic clips of the data set.
        weights: encoder -> folder of the user's own weights.
        vision: visual detector of the post-processing; "auto" takes `pose` where it is installed, None none.
        device: where encoders and networks run.
        workers: processes that render, embed and compute features.
    """

    data: DataSplits
    out: Path
    scale: ReproductionScale
    bank: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    vision: str | None = "auto"
    device: Device = "cpu"
    workers: int = 1

    def __post_init__(self) -> None:
        """Check that there is something to pre-train on.

        Raises:
            UsageError: there is not.
        """
        if self.bank is None and not self.data.synthetic and self.scale.name != "tiny":
            raise UsageError(
                "pre-training needs synthetic clips: name a sound bank with --bank DIR, or add a split dev-train-synth "
                f"to {self.data.root}"
            )

    @property
    def source(self) -> Literal["bank", "split", "real"]:
        """The clips of the pre-training; `real` only for a trial."""
        return "bank" if self.bank is not None else "split" if self.data.synthetic else "real"

    @property
    def rendered(self) -> dict[str, tuple[Path, int]]:
        """Split of the bank -> folder and clips of the set rendered from it; empty without a bank."""
        if self.bank is None:
            return {}
        sets = self.out / "sets"
        return {
            "train": (sets / "synthetic", self.scale.synthetic),
            "valid": (sets / "synthetic-valid", self.scale.synthetic_valid),
        }

    def embedding(self, encoder: str, *, swap: bool) -> EmbedJob:
        """How clips are embedded."""
        settings = PICTURE_SETTINGS if encoder == ENCODERS["picture"] else {}
        spec = EncoderSpec(name=encoder, settings=settings, folder=self.weights.get(encoder))
        return EmbedJob(spec, rate=self.scale.rate, swap=swap, device=self.device)

    @property
    def ablation_file(self) -> Path:
        """The ablation recipe that it writes."""
        return self.out / "ablation.yaml"

    @property
    def network_file(self) -> Path:
        """The training recipe that it writes."""
        return self.out / "network.yaml"


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
