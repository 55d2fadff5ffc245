"""The settings of a reproduction, and the files and folders that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from earwitness.core.errors import UsageError
from earwitness.encoders.protocol import Device, EncoderSpec
from earwitness.encoders.store.embed_job import EmbedJob
from earwitness.training.reproduction.data_splits import DataSplits
from earwitness.training.reproduction.scales import ReproductionScale

ENCODERS: Final[Mapping[str, str]] = {"sound": "clap", "picture": "owlvit"}
"""Modality -> encoder."""
PICTURE_SETTINGS: Final = {"rows": 1}
"""One row of columns: a twenty-fourth of the space of all cells."""


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
