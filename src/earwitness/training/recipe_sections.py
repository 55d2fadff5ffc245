"""The sections of training recipes, and their values with bounds: outside them lie typing errors and overflows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, field_validator, model_validator

from earwitness.core.multi_accddoa import Decoding
from earwitness.core.schema import PlainValues, StrictModel
from earwitness.training.loop.trackers import TrackerName

Share = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""The range of torch's seeds."""
Count = Annotated[int, Field(ge=1, le=10_000)]
MaybeCount = Annotated[int, Field(ge=0, le=10_000)]
Steps = Annotated[int, Field(ge=1, le=100_000_000)]
"""Far more than any training needs."""
Weight = Annotated[float, Field(ge=0, le=1e6)]
PositiveWeight = Annotated[float, Field(gt=0, le=1e6)]
Decibels = Annotated[float, Field(ge=0, le=120)]


def _nameable(name: str) -> str:
    """Refuse text that cannot name a folder or a file."""
    if not name.isprintable() or name in (".", "..") or set(name) & set("/\\") or len(name.encode()) > 200:
        raise ValueError("a name is printable text without slashes, at most 200 bytes: it names the run's folder")
    return name


def _path(text: str) -> str:
    """Refuse text that cannot be a path."""
    if not text or "\0" in text or len(text.encode("utf-8", "surrogatepass")) > 4096:
        raise ValueError("a path is text without null characters, at most 4096 bytes")
    return text


Name = Annotated[str, Field(min_length=1), AfterValidator(_nameable)]
PathText = Annotated[str, AfterValidator(_path)]


class FolderSpec(StrictModel):
    """A data set in the folder layout of DCASE2025 Task 3.

    Attributes:
        root: its folder, with stereo_dev and metadata_dev.
        splits: splits to use; None takes all whose name starts with dev-train. dev-test is refused.
        weight: share of the training clips drawn from this folder, relative to the other folders.
    """

    root: PathText
    splits: tuple[str, ...] | None = None
    weight: PositiveWeight = 1.0


class TokenSource(StrictModel):
    """Embeddings of the folders' clips, made by `earwitness dataset embed`.

    Attributes:
        encoder: name of the encoder.
        fingerprint: of weights and settings, where a folder has several embeddings; must be the same in all folders.
        rate: pictures per second, where a folder has several embeddings.
        missing: `error` refuses clips without tokens, `allow` accepts them, as for real recordings without video.
    """

    encoder: str
    fingerprint: str | None = None
    rate: float | None = Field(None, gt=0, le=1000)
    missing: Literal["error", "allow"] = "error"


class DataSpec(StrictModel):
    """Source of the training clips: scenes synthesized on the fly from a sound bank, or the clips of folders.

    Attributes:
        folders: data sets to train on, mixed by weight, for example real and synthetic; empty uses the bank only.
        valid_rooms: rooms of fold 3, in any folder, to validate on instead of training on them; `auto` holds out rooms
            with about a tenth of the clips.
        valid_folder: a separate data set to validate on, in addition to or in place of `valid_rooms`.
        shards: folder for cached features of the folders' clips; None computes them on the fly.
        bank_weight: with folders: share of scenes synthesized from the bank, relative to the folders' weights.
        tokens: name of the modality, as in model.tokens -> source of its tokens.
        bank: folder of the sound bank.
        classes: file with the classes of the bank, or `dcase2025`; None: those of the bank or of the folders.
        weights: pattern of names of the bank's sounds, as `bell/cdda-*` -> how often they are drawn, relative to
            others; the last matching pattern counts, and 0 leaves sounds out.
        pool: settings of the synthesizer's pool of simulated rooms; {} means its defaults.
        scene: settings of the synthesizer's scenes; {} means its defaults.
        cache: folder for cached simulated rooms; None uses the synthesizer's default.
        scenes: number of different training scenes; None never repeats one.
        seed: of the training scenes.
        swap: `double` makes two clips of a scene, the original and the left-right swapped one; `random` one of the two.
        valid_scenes: size of the validation set, generated once; with folders the largest number of clips.
        valid_seed: seed of the validation set.
    """

    folders: tuple[FolderSpec, ...] = ()
    valid_rooms: tuple[NonNegativeInt, ...] | Literal["auto"] = ()
    valid_folder: FolderSpec | None = None
    shards: PathText | None = None
    bank_weight: Weight = 0.0
    tokens: dict[str, TokenSource] = Field(default_factory=dict)
    bank: PathText = "soundbank"
    classes: PathText | None = None
    weights: dict[str, Weight] = Field(default_factory=dict)
    pool: PlainValues = Field(default_factory=dict)
    scene: PlainValues = Field(default_factory=dict)
    cache: PathText | None = None
    scenes: Steps | None = None
    seed: Seed = 1
    swap: Literal["double", "random", "none"] = "double"
    valid_scenes: int = Field(400, ge=1, le=1_000_000)
    valid_seed: Seed = 2

    @model_validator(mode="after")
    def _has_validation(self) -> DataSpec:
        if self.folders and not self.valid_rooms and self.valid_folder is None:
            raise ValueError("folders need valid_rooms (rooms of fold 3 to hold out, or auto) or a valid_folder")
        if not self.folders and (self.valid_rooms or self.valid_folder or self.shards or self.bank_weight):
            raise ValueError(
                "valid_rooms, valid_folder, shards and bank_weight need folders: set folders, or leave them out"
            )
        return self


class AugmentSpec(StrictModel):
    """Random augmentation of the features; 0 switches an augmentation off.

    Attributes:
        filter_db: largest gain of FilterAugment, dB.
        filter_bands: smallest and largest number of its bands.
        time_mask: longest time mask, feature frames.
        time_masks: number of time masks per clip.
        mel_mask: widest frequency mask, bins.
        mel_masks: number of frequency masks per clip.
        shift_bins: largest frequency shift up or down, bins.
        gain_db: largest change of level, dB, the same in all log-mel channels.
        probability: probability of each augmentation per clip.
        mixup: alpha of the Beta distribution of the mixing share.
        mixup_probability: probability that a batch is mixed.
        modality_dropout: probability that a clip loses the tokens of a modality, for each modality.
    """

    filter_db: Decibels = 6.0
    filter_bands: tuple[Count, Count] = (3, 6)
    time_mask: MaybeCount = 20
    time_masks: MaybeCount = 2
    mel_mask: MaybeCount = 8
    mel_masks: MaybeCount = 2
    shift_bins: MaybeCount = 2
    gain_db: Decibels = 6.0
    probability: float = Field(0.5, ge=0, le=1)
    mixup: float = Field(0.0, ge=0, le=1000)
    mixup_probability: float = Field(0.5, ge=0, le=1)
    modality_dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _least_before_most(self) -> AugmentSpec:
        if self.filter_bands[0] > self.filter_bands[1]:
            raise ValueError("filter_bands must be the smallest and the largest number of bands, in this order")
        return self


class OptimSpec(StrictModel):
    """AdamW and its schedule.

    Attributes:
        peak: highest learning rate.
        schedule: `onecycle` or `cosine` (linear warm-up, then cosine), both over run.steps.
        warmup: share of the steps used for warm-up.
        final: last learning rate relative to `peak`.
        weight_decay: of matrices and kernels; biases and norms have none.
        betas: of Adam.
        clip: largest gradient norm.
    """

    peak: float = Field(1.5e-3, gt=0, le=100)
    schedule: Literal["onecycle", "cosine", "constant"] = "onecycle"
    warmup: float = Field(0.1, ge=0, lt=1)
    final: float = Field(1e-3, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0, le=100)
    betas: tuple[Share, Share] = (0.9, 0.99)
    clip: PositiveWeight = 5.0


class LossSpec(StrictModel):
    """Weights of the loss.

    Attributes:
        form: `adpit`, this project's, or `official`, that of the DCASE2025 baselines (metres, no masking).
        direction, distance, onscreen: weights of the parts.
        activity: weight of the cross-entropy of the activity logits, for networks that have them.
        several: weight of the cross-entropy of the logits of several sources of a class, for networks that have them.
        dense: weight of the errors of level difference and diffuseness, for networks trained with `model.dense`.
        active_weight: weight of active cells relative to inactive ones, in the activity part of networks that have
            one, else in the direction part.
        choice_distance: weight of |ln distance error| when assignments are compared.
        distance_beta: error at which smooth L1 changes from quadratic to linear, in ln(metres).
        class_weights: (classes,) weight of each class's active cells; none: all 1.
    """

    form: Literal["adpit", "official"] = "adpit"
    direction: Weight = 1.0
    distance: Weight = 0.02
    onscreen: Weight = 0.01
    activity: Weight = 1.0
    several: Weight = 0.1
    dense: Weight = 0.2
    active_weight: PositiveWeight = 1.0
    choice_distance: Weight = 0.05
    distance_beta: PositiveWeight = 0.5
    class_weights: tuple[Weight, ...] = ()

    @field_validator("class_weights")
    @classmethod
    def _none_if_equal(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        """Weights of 1 are the default, however many."""
        return () if all(weight == 1 for weight in weights) else weights


class RunSpec(StrictModel):
    """Settings of the training loop.

    Attributes:
        batch: clips per step (with swap `double` twice the number of scenes).
        steps: optimizer steps.
        ema: decay of the moving average of the weights; 0 switches it off.
        log_every, valid_every, save_every: intervals in steps.
        workers: processes that generate scenes; 0 generates them in the training process.
        prefetch: batches that a worker prepares in advance.
        seed: of initial weights, dropout and augmentation.
        precision: `auto` uses bf16 where the hardware has instructions for it.
        threads: of the training process.
        device: `auto` uses CUDA where available.
        compile: use torch.compile; measured without gain on CPU.
        scaler_scenes: number of scenes from which feature statistics are computed.
        tensorboard: write TensorBoard files in addition to log.jsonl.
        trackers: experiment trackers that get the log too: `tensorboard`, `wandb`, `mlflow`.
        thresholds: candidate thresholds in validation, common to all classes.
        decoding: how tracks are merged into events; `official` also leaves out tuned thresholds, calibration and
            smoothing, as the DCASE2025 baselines do: `thresholds` is then one value, for all classes.
        init_from: shipped (`default`) or pulled (`hf:USER/NAME`) model, run folder or checkpoint with initial weights
            and feature statistics.
    """

    batch: Count = 16
    steps: Steps = 20_000
    ema: float = Field(0.999, ge=0, lt=1)
    log_every: Steps = 50
    valid_every: Steps = 2000
    save_every: Steps = 500
    workers: int = Field(1, ge=0, le=1024)
    prefetch: int = Field(4, ge=1, le=1024)
    seed: Seed = 0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    threads: int = Field(1, ge=1, le=1024)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool = False
    scaler_scenes: int = Field(64, ge=1, le=1_000_000)
    tensorboard: bool = True
    trackers: tuple[TrackerName, ...] = Field((), max_length=10)
    thresholds: tuple[Share, ...] = Field((0.2, 0.3, 0.4, 0.5, 0.6), min_length=1, max_length=100)
    decoding: Decoding = "weighted"
    init_from: PathText | None = None

    @model_validator(mode="after")
    def _one_official_threshold(self) -> RunSpec:
        if self.decoding == "official" and len(self.thresholds) != 1:
            raise ValueError("decoding 'official' has one threshold: set thresholds to [0.5], or decoding to weighted")
        return self
