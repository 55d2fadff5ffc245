"""Training recipes: one typed value for everything that decides what a run becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import (
    Field,
    NonNegativeInt,
    ValidationError,
)
from pydantic import model_validator as _model_validator

from earwitness.core.errors import RecipeError, shortened
from earwitness.core.schema import PlainValues, StrictModel
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.features import TAGGER_CHANNELS, FeatureConfig
from earwitness.models.configs.architectures import ARCHITECTURES, ModelConfig, TaggedConfig, tagged, token_widths
from earwitness.models.configs.seld_config import SeldConfig
from earwitness.models.configs.symmetric_config import SymmetricConfig
from earwitness.training.recipe_values import (
    Count,
    Decibels,
    MaybeCount,
    Name,
    PathText,
    PositiveWeight,
    Seed,
    Share,
    Steps,
    Weight,
)
from earwitness.training.yaml_text import override, read_extended

_TAGS: Final = {(1, name) for name in ARCHITECTURES}


class FolderSpec(StrictModel):
    """A data set in the folder layout of DCASE2025 Task 3.

    Attributes:
        root: its folder, with stereo_dev and metadata_dev.
        splits: which of its splits; None takes all that begin with dev-train. Never dev-test.
        weight: share of the training clips that are drawn from it, relative to the other folders.
    """

    root: PathText
    splits: tuple[str, ...] | None = None
    weight: PositiveWeight = 1.0


class TokenSource(StrictModel):
    """Where the semantic tokens of the folders' clips come from: what `earwitness dataset embed` made.

    Attributes:
        encoder: its name.
        fingerprint: of weights and settings, where a folder has several embeddings; all folders must have the same.
        rate: pictures a second, likewise.
        missing: `error` where a clip has no tokens, or `allow`, as for real recordings without pictures.
    """

    encoder: str
    fingerprint: str | None = None
    rate: float | None = Field(None, gt=0, le=1000)
    missing: Literal["error", "allow"] = "error"


class DataSpec(StrictModel):
    """Where scenes come from: endless ones from a sound bank, or the clips of folders.

    Attributes:
        folders: data sets to train on, mixed by weight, say real : synthetic; empty takes the bank alone.
        valid_rooms: rooms of fold 3 that are validated on, and not trained on, in whichever folder they are.
        valid_folder: a data set of its own to validate on, besides or instead.
        shards: folder that keeps the features of the folders' clips between runs; None computes them on the fly.
        bank_weight: with folders: share of endless scenes from the bank, relative to the folders' weights.
        tokens: modality's name, as in model.tokens -> where its tokens come from.
        bank: folder of the sound bank.
        weights: pattern of names of the bank's sounds, as `bell/cdda-*` -> how often they are drawn, relative to
            others; the last pattern that fits counts, and 0 leaves them out.
        pool: settings of the simulated rooms, handed to the synthesizer's pool; {} means its defaults.
        scene: settings of the scenes, handed to the synthesizer; {} means its defaults.
        cache: folder that keeps simulated rooms between runs; None keeps them with the synthesizer's default.
        scenes: number of different training scenes; None never repeats one.
        seed: of the training scenes.
        swap: `double` makes two clips of a scene, as it is and left-right swapped; `random` one of the two.
        valid_scenes: size of the validation set, generated once; of folders' clips, at most so many.
        valid_seed: its seed.
    """

    folders: tuple[FolderSpec, ...] = ()
    valid_rooms: tuple[NonNegativeInt, ...] = ()
    valid_folder: FolderSpec | None = None
    shards: PathText | None = None
    bank_weight: Weight = 0.0
    tokens: dict[str, TokenSource] = Field(default_factory=dict)
    bank: PathText = "soundbank"
    weights: dict[str, Weight] = Field(default_factory=dict)
    pool: PlainValues = Field(default_factory=dict)
    scene: PlainValues = Field(default_factory=dict)
    cache: PathText | None = None
    scenes: Steps | None = None
    seed: Seed = 1
    swap: Literal["double", "random", "none"] = "double"
    valid_scenes: int = Field(400, ge=1, le=1_000_000)
    valid_seed: Seed = 2

    @_model_validator(mode="after")
    def _has_validation(self) -> DataSpec:
        if self.folders and not self.valid_rooms and self.valid_folder is None:
            raise ValueError("folders need valid_rooms (rooms of fold 3 to hold out) or a valid_folder")
        if not self.folders and (self.valid_rooms or self.valid_folder or self.shards or self.bank_weight):
            raise ValueError("valid_rooms, valid_folder, shards and bank_weight go with folders, and there are none")
        return self


class AugmentSpec(StrictModel):
    """Random changes of the features; each 0 switches one off.

    Attributes:
        filter_db: FilterAugment's largest gain, dB.
        filter_bands: its least and most bands.
        time_mask: longest time mask, feature frames.
        time_masks: number of time masks a clip.
        mel_mask: widest frequency mask, bins.
        mel_masks: number of frequency masks a clip.
        shift_bins: largest frequency shift, bins either way.
        gain_db: largest change of level, dB, the same in all log-mel channels.
        probability: chance that a clip is changed, for each kind of change on its own.
        mixup: alpha of the Beta distribution that a batch's share with its shuffled self is drawn from.
        mixup_probability: chance that a batch is mixed.
        modality_dropout: chance that a clip loses the tokens of a modality, for each on its own.
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

    @_model_validator(mode="after")
    def _least_before_most(self) -> AugmentSpec:
        if self.filter_bands[0] > self.filter_bands[1]:
            raise ValueError("filter_bands are the least and the most bands, in this order")
        return self


class OptimSpec(StrictModel):
    """AdamW and its schedule.

    Attributes:
        peak: highest learning rate.
        schedule: `onecycle` or `cosine` (linear warm-up, then cosine), both over run.steps.
        warmup: share of the steps in which the rate rises.
        final: last learning rate relative to `peak`.
        weight_decay: on matrices and kernels; biases and norms have none.
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
        form: `adpit`, this project's, or `official`, that of the DCASE2025 baselines (metres, nothing masked).
        direction, distance, onscreen: weights of the parts.
        activity: weight of the cross-entropy of the activity logits, for networks that have them.
        active_weight: weight of sounding cells relative to silent ones, where silence is learnt: in the direction part,
            or in the activity part of networks that have one.
        choice_distance: weight of |ln distance error| when assignments are compared.
        distance_beta: where smooth L1 turns from square to straight, in ln(metres).
        class_weights: (classes,) weight of each class's sounding cells.
    """

    form: Literal["adpit", "official"] = "adpit"
    direction: Weight = 1.0
    distance: Weight = 0.02
    onscreen: Weight = 0.01
    activity: Weight = 1.0
    active_weight: PositiveWeight = 1.0
    choice_distance: Weight = 0.05
    distance_beta: PositiveWeight = 0.5
    class_weights: tuple[Weight, ...] = Field((1.0,) * NUM_CLASSES, min_length=NUM_CLASSES, max_length=NUM_CLASSES)


class RunSpec(StrictModel):
    """How the loop runs.

    Attributes:
        batch: clips a step (with swap `double`: twice the scenes).
        steps: optimizer steps.
        ema: decay of the weights' moving average; 0 switches it off.
        log_every, valid_every, save_every: steps between.
        workers: processes that make scenes; 0 makes them in the loop.
        prefetch: batches that a worker makes ahead.
        seed: of initial weights, dropout and augmentation.
        precision: `auto` takes bf16 where the processor has instructions for it.
        threads: of the learning process.
        device: `auto` takes CUDA where it works.
        compile: use torch.compile; measured without gain on CPU.
        scaler_scenes: scenes from which feature statistics are taken.
        tensorboard: write TensorBoard files besides log.jsonl.
        thresholds: activities that validation tries, one for all classes.
        init_from: shipped model (`default`), run folder or checkpoint whose weights (and feature statistics) to start
            from: the second stage.
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
    thresholds: tuple[Share, ...] = Field((0.2, 0.3, 0.4, 0.5, 0.6), min_length=1, max_length=100)
    init_from: PathText | None = None


class Recipe(StrictModel):
    """A whole training run. The model's input size follows from the features; giving another one is an error."""

    name: Name = "seld"
    data: DataSpec = DataSpec()
    features: FeatureConfig = FeatureConfig()
    model: TaggedConfig = SeldConfig()
    augment: AugmentSpec = AugmentSpec()
    optim: OptimSpec = OptimSpec()
    loss: LossSpec = LossSpec()
    run: RunSpec = RunSpec()

    @_model_validator(mode="before")
    @classmethod
    def _size_input(cls, raw: Any) -> Any:
        """Fill in the model's input size from the features, where it is not given."""
        if not isinstance(raw, dict) or not isinstance(raw.get("model", {}), dict):
            return raw
        try:
            features = FeatureConfig.model_validate(raw.get("features", {}))
        except ValidationError:
            return raw  # named as an error of the features in a moment
        return {**raw, "model": tagged({**_input_size(features), **raw.get("model", {})})}

    @_model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.data.swap == "double" and self.run.batch % 2:
            raise ValueError(f"run.batch is {self.run.batch}, but data.swap 'double' needs an even batch")
        for name in token_widths(self.model):
            if name not in self.data.tokens:
                raise ValueError(f"the model takes '{name}' tokens: say in data.tokens.{name} which encoder makes them")
            if not self.data.folders:
                raise ValueError(f"the model takes '{name}' tokens, which only clips of data.folders have")
        if (self.loss.form == "official") != (self.model.architecture == "baseline"):
            raise ValueError("loss.form 'official' goes with model.architecture 'baseline', and the other way round")
        if self.features.closing_frames and self.model.architecture != "baseline":
            raise ValueError("features.logmel 'librosa' goes with model.architecture 'baseline' only")
        if getattr(self.model, "any_sound", False) and self.data.folders:
            raise ValueError("model.any_sound is learnt from scenes of a bank: train without data.folders")
        if self.features.has_tagger != getattr(self.model, "tagger", False):
            raise ValueError(
                f"model.tagger goes with features.channels that end with {', '.join(TAGGER_CHANNELS)}, and not without"
            )
        if isinstance(self.model, SymmetricConfig):
            self.model.check_channels(self.features.channels)
        for key, value in _input_size(self.features).items():
            if getattr(self.model, key) != value:
                raise ValueError(f"model.{key} is {getattr(self.model, key)}, but the features have {value}")
        return self

    @property
    def seld(self) -> ModelConfig:
        """The model's dimensions."""
        return self.model

    @property
    def scenes_per_batch(self) -> int:
        """Scenes that fill a batch."""
        return self.run.batch // 2 if self.data.swap == "double" else self.run.batch

    def dump(self) -> str:
        """The recipe as YAML, every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe.

    With a line `extends: other.yaml`, named from its own folder, a recipe says only what it has otherwise: sections are
    merged key by key, lists and values are replaced.

    Args:
        path: YAML file.
        overrides: `section.key=value`, the value in YAML.

    Raises:
        RecipeError: no such file, not YAML, or a key or value that is not valid (names the key).
    """
    raw = read_extended(path)
    for text in overrides or []:
        override(raw, text, whole_below="weights")  # names of sounds have dots
    return check_recipe(raw, str(path))


def check_recipe(raw: dict[str, Any], name: str) -> Recipe:
    """Make a recipe of plain values.

    Raises:
        RecipeError: names the first key that is wrong.
    """
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # The kind of network is in pydantic's path to a key, but not in the user's.
        place = [part for index, part in enumerate(first["loc"]) if (index, part) not in _TAGS]
        key = ".".join(map(str, place)) or "recipe"
        reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise RecipeError(f"{name}: {shortened(key, 100)}: {shortened(reason, 400)}") from None


def _input_size(features: FeatureConfig) -> dict[str, int]:
    return {
        "in_channels": len(features.channels),
        "mels": features.mels,
        "frames_per_label": features.frames_per_label,
    }
