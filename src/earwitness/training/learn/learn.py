"""Adding classes to the shipped model from a few recordings of each: scenes, columns, estimate, model file and card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.version import __version__, commit
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.model.card import ModelCard, card_path, check_words, file_sha256
from earwitness.detect.model.interval_model import IntervalModel
from earwitness.detect.model.model_files import DEFAULT_MODEL, find_model
from earwitness.models.seld import SeldNet
from earwitness.models.symmetric import MirroredNetwork
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.training.export.model_export import export_onnx
from earwitness.training.learn.class_columns import body_network, with_classes
from earwitness.training.learn.column_training import train_columns
from earwitness.training.learn.fold_estimate import FoldEstimate, estimate
from earwitness.training.learn.learn_scenes import SceneJob, render_scenes, scene_bank, scene_config
from earwitness.training.learn.unfinished import UnfinishedRun
from earwitness.training.learn.user_sounds import UserSounds

ProgressOf = Callable[[str], Callable[[int, int], None]]
"""Returns the progress callback, called with (done, total), of a named task."""

SCENES: Final = 640
SCENES_PER_CLASS: Final = 160
MOST_SCENES: Final = 2400
ROOMS: Final = 40
ENOUGH_RECORDINGS: Final = 20
_GOOD: Final = 0.5
"""F20/1 from which on a class needs no advice."""


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """How to learn.

    Attributes:
        out: the .onnx file to write; its card gets the same name with .json.
        name: of the model; None takes that of the file.
        beside: keep the classes of the shipped model; otherwise the new ones replace them.
        scenes: number of scenes; None chooses it by the number of classes.
        rooms: number of simulated rooms.
        workers: processes that render scenes.
        seed: of the scenes.
        base: name of the shipped model.
    """

    out: Path
    name: str | None = None
    beside: bool = True
    scenes: int | None = None
    rooms: int = ROOMS
    workers: int = 1
    seed: int = 1
    base: str = DEFAULT_MODEL

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            UsageError: a value is not usable.
        """
        if self.out.suffix != ".onnx":
            raise UsageError(f"--out {self.out}: must end in .onnx")
        check_words(self.name or self.out.stem, "--name")

    def scenes_for(self, classes: int) -> int:
        """Number of scenes for a number of new classes."""
        return self.scenes or min(SCENES + SCENES_PER_CLASS * classes, MOST_SCENES)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A learnt model.

    Attributes:
        card: its card.
        estimate: estimated scores of the new classes.
        counts: recordings of each new class, by slug.
        vocabulary: its classes.
    """

    card: ModelCard
    estimate: FoldEstimate
    counts: dict[str, int]
    vocabulary: Vocabulary

    def advice(self) -> list[str]:
        """What would help most, one sentence each, most helpful first."""
        scores = self.estimate.f_score
        unknown = [slug for slug in self.counts if slug not in scores]
        weak = sorted((slug for slug in scores if scores[slug] < _GOOD), key=lambda slug: scores[slug])
        sentences = []
        for slug in [*unknown, *weak]:
            name, count = self.vocabulary.by_slug(slug).name, self.counts[slug]
            more = max(3, min(count, ENOUGH_RECORDINGS - count))
            other = self.estimate.taken_for.get(slug, "")
            mixed = f"; it is often taken for '{self.vocabulary.by_slug(other).name}'" if other else ""
            if count < ENOUGH_RECORDINGS:
                sentences.append(f"{more} more recordings of '{name}', of other objects or at other places{mixed}")
            elif other:
                sentences.append(f"clearer recordings of '{name}', with nothing else in them{mixed}")
        return sentences


def run_record(user: UserSounds, options: LearnOptions) -> dict[str, Any]:
    """Everything that determines what is learnt, by what a user calls it, as plain values."""
    files = [(sound.name, sound.kind, user.fold.get(sound.name), file_sha256(user.folder / sound.name))
             for sound in user.sounds]  # fmt: skip
    return {
        "recordings": {"folder": str(user.folder.absolute()), "files": files},
        "classes": VocabularyRecord.of(user.vocabulary).model_dump(mode="json"),
        "--replace": not options.beside,
        "--scenes": options.scenes_for(len(user.vocabulary)),
        "--rooms": options.rooms,
        "--seed": options.seed,
        "model": find_model(options.base).card.sha256,
        "version": f"{__version__} {commit()}",
    }


def learn(user: UserSounds, options: LearnOptions, progress: ProgressOf, kept: UnfinishedRun) -> Learnt:
    """Learn the classes of a folder, and write the model and its card.

    The model is written at the end, so an interrupted run leaves an existing one unchanged. Its finished steps are in
    `kept`, from which the next run continues; it is removed at the end.

    Raises:
        ModelError: the shipped model cannot be extended.
        BankError: a recording or a room cannot be used.
        UsageError: the model would have too many classes.
        EncodingError: a file cannot be written.
    """
    torch.set_num_threads(1)
    base = find_model(options.base).card
    vocabulary = combined(base.vocabulary.vocabulary(), user.vocabulary, beside=options.beside)
    net = with_classes(body_network(options.base, base.features), base.vocabulary.vocabulary(), vocabulary)
    pool = PoolConfig(rooms=options.rooms)
    RirPool.open(pool, workers=options.workers, progress=progress("rooms"))
    job = SceneJob(
        tuple(scene_bank(user, fold, vocabulary) for fold in range(user.folds)),
        scene_config(user.vocabulary, vocabulary),
        options.base,
        base.features,
        pool,
        options.seed,
    )
    number = options.scenes_for(len(user.vocabulary))
    scenes = render_scenes(job, number, kept.scenes, options.workers, progress("scenes"))
    counts = {slug: user.count(slug) for slug in user.vocabulary.slugs}
    found = estimate(net, scenes, vocabulary, counts, base, progress("folds"), kept.network)
    new = [vocabulary.by_slug(slug).index for slug in counts]
    every, learning = np.arange(len(scenes.fold)), progress("learning")
    trained = kept.network("all", lambda: train_columns(net, scenes, every, new, learning))
    card = _card(base, vocabulary, found, counts, trained)
    about = {
        "kind": "new classes of a shipped model",
        "base": base.name,
        "recordings": counts,
        "scenes": len(scenes.fold),
    }
    card = card.model_copy(update={"name": options.name or options.out.stem, "data": about})
    learnt = Learnt(_write(trained, base, card, options.out), found, counts, vocabulary)
    kept.remove()
    return learnt


def combined(old: Vocabulary, new: Vocabulary, *, beside: bool) -> Vocabulary:
    """The classes of the learnt model: the new ones, after those of the shipped model that they do not replace.

    Raises:
        UsageError: there are too many.
    """
    kept = [one for one in old if new.find(one.slug) is None or beside] if beside else []
    added = [one for one in new if not any(one.slug == other.slug for other in kept)]
    classes = [replace(one, index=index) for index, one in enumerate([*kept, *added])]
    try:
        record = VocabularyRecord.of(Vocabulary(f"{old.name} and {new.name}" if beside else new.name, tuple(classes)))
    except ValueError as error:
        raise UsageError(
            f"{len(classes)} classes are too many for a model; use fewer, or --replace those of the shipped model"
        ) from error
    return record.vocabulary()


def _write(net: SeldNet, base: ModelCard, card: ModelCard, out: Path) -> ModelCard:
    mirrored = bool(base.model.get("mirrored"))
    with atomic_file(out) as new_model, atomic_file(card_path(out)) as new_card:
        export_onnx(MirroredNetwork(net, base.features) if mirrored else net, new_model, half=True)
        card = card.model_copy(update={"sha256": file_sha256(new_model)})
        ModelCard.model_validate_json(card.model_dump_json()).write(new_card)
    return card


def _card(
    base: ModelCard, vocabulary: Vocabulary, found: FoldEstimate, counts: dict[str, int], net: SeldNet
) -> ModelCard:
    """The card of the shipped model, with values for all classes: its own, or those that were estimated."""
    old = base.vocabulary.vocabulary()

    def values(own: tuple[float, ...], new: dict[str, float]) -> tuple[float, ...]:
        return tuple(new[one.slug] if one.slug in new else own[old.by_slug(one.slug).index] for one in vocabulary)

    names = ", ".join(f"{vocabulary.by_slug(slug).name} ({count})" for slug, count in counts.items())
    mirrored = {"mirrored": True} if base.model.get("mirrored") else {}
    changes: dict[str, Any] = {
        "vocabulary": VocabularyRecord.of(vocabulary),
        "model": net.config.model_dump(mode="json") | mirrored,
        "thresholds": values(base.thresholds, found.threshold),
        "smoothing": base.smoothing.for_classes([_place(old, one.slug) for one in vocabulary]),
        "calibration": _calibration(base.calibration, values, found),
        "intervals": None if base.intervals is None else _intervals(base.intervals, old, vocabulary),
        "scores": {f"folds/f_score/{slug}": round(score, 4) for slug, score in found.f_score.items()},
        "limits": (*base.limits, f"New classes were learnt from few recordings (their number): {names}."),
        "commit": commit(),
    }
    return base.model_copy(update=changes)


def _place(old: Vocabulary, slug: str) -> int | None:
    """Index of a class among those of the shipped model; None: it is new."""
    found = old.find(slug)
    return None if found is None else found.index


def _calibration(
    base: Calibration, values: Callable[[tuple[float, ...], dict[str, float]], tuple[float, ...]], found: FoldEstimate
) -> Calibration:
    changes = {"slope": values(base.slope, found.slope), "offset": values(base.offset, found.offset)}
    return base.model_copy(update=changes)


def _intervals(base: IntervalModel, old: Vocabulary, vocabulary: Vocabulary) -> IntervalModel:
    """The intervals of the shipped model; a new class has the widest ones of all classes."""

    def widened(values: tuple[float, ...], *, lower: bool = False) -> tuple[float, ...]:
        widest = min(values) if lower else max(values)
        places = [old.find(one.slug) for one in vocabulary]
        return tuple(widest if place is None else values[place.index] for place in places)

    parts = {
        name: getattr(base, name).model_copy(
            update={"classes": widened(getattr(base, name).classes, lower=name == "nearest")}
        )
        for name in ("azimuth", "nearest", "farthest")
    }
    return base.model_copy(update=parts)
