"""Runs of an ablation: trained once, resumed when killed, skipped when finished; what they say is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import TrainingError
from earwitness.core.files.archives import ZIP_ERRORS
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.lock import locked_folder
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.models.build import parameter_count
from earwitness.models.checkpoint import load_model
from earwitness.models.configs.architectures import token_widths
from earwitness.models.network import Network
from earwitness.training.ablation.ablation_plan import AblationRun
from earwitness.training.ablation.ablation_tables import SetOutputs
from earwitness.training.data.clip_stream import VALID_STREAM, SceneStream
from earwitness.training.data.token_lookup import TokenLookup
from earwitness.training.data.training_sources import open_sources
from earwitness.training.loop.trainer import BEST_NAME, Trainer
from earwitness.training.loop.training_state import STATES
from earwitness.training.loop.validate import ValidSet
from earwitness.training.recipe import FolderSpec, Recipe

FACTS_NAME: Final = "run.json"
EVERY_CLIP: Final = 10**9

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is done.

    Attributes:
        run: what it was.
        folder: where it lies.
        facts: parameters, steps and the like.
    """

    run: AblationRun
    folder: Path
    facts: dict[str, Any]

    def outputs(self, part: str, only: Sequence[str] | None = None) -> SetOutputs:
        """What its best checkpoint says of the "valid" or the "test" set; computed once, then read.

        Args:
            part: "valid" or "test".
            only: the modalities that it has; None: all that it was trained with.
        """
        name = part if only is None else f"{part}-only-{'-'.join(only) or 'features'}"
        path = self.folder / f"{name}.npz"
        kept = _read(path)
        references = _Heard.open(self.run.recipe, self._root(part))
        if kept is None or kept[0] != references.names:
            kept = references.names, references.outputs(load_model(self.folder / BEST_NAME), only)
            with atomic_file(path) as temporary, temporary.open("wb") as file:
                np.savez(file, names=np.array(kept[0], dtype=np.str_), fields=kept[1].astype(np.float16))
        return SetOutputs(kept[0], kept[1].astype(np.float32), references.tables)

    def _root(self, part: str) -> str:
        if part == "test":
            assert self.run.test is not None
            return self.run.test
        assert self.run.recipe.data.valid_folder is not None
        return self.run.recipe.data.valid_folder.root


def finished(run: AblationRun, runs: Path) -> Finished | None:
    """The run, if it is done."""
    folder = runs / run.folder
    path = folder / FACTS_NAME
    if not path.exists():
        return None
    try:
        return Finished(run, folder, read_json(path, CARD_BYTES, TrainingError))
    except TrainingError as error:
        raise TrainingError(f"{error}; delete the folder to run it anew") from None


def train(run: AblationRun, runs: Path, workers: int = 1) -> Finished:
    """Train a run to its end, from where it was stopped if it was; a finished one is left as it is.

    Raises:
        EarwitnessError: as the trainer.
    """
    done = finished(run, runs)
    if done is not None:
        return done
    folder, recipe = runs / run.folder, run.recipe
    if run.before is not None:
        first = finished(run.before, runs) or train(run.before, runs, workers)
        begin = recipe.run.model_copy(update={"init_from": str(first.folder)})
        recipe = recipe.model_copy(update={"run": begin})
    with locked_folder(folder, "earwitness ablate"):  # as `earwitness train` holds it, if it is given this folder
        sources = open_sources(recipe.data, recipe.features, workers=workers)
        trainer = Trainer(recipe, folder, sources.train, sources.valid)
        scores = trainer.run(resume=any(folder.glob(STATES)))
    facts = {
        "row": run.row,
        "seed": run.seed,
        "parameters": parameter_count(trainer.averaged),
        "steps": recipe.run.steps,
        "clips_learnt": recipe.run.steps * recipe.run.batch,
        "training_clips": sources.train_clips,
        "last_valid_f_score": round(float(np.nan_to_num(scores.macro.f_score)), 4),
        "pretrained_by": run.before.folder if run.before else None,
    }
    with atomic_file(folder / FACTS_NAME) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return Finished(run, folder, facts)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A set as a run hears it; clips sorted by name."""

    stream: SceneStream
    order: tuple[int, ...]
    names: tuple[str, ...]
    tables: tuple[Any, ...]

    @classmethod
    def open(cls, recipe: Recipe, root: str) -> _Heard:
        data = recipe.data.model_copy(update={"valid_folder": FolderSpec(root=root)})
        sources = open_sources(data, recipe.features)
        tokens = TokenLookup.open(data, token_widths(recipe.model))
        stream = SceneStream(
            sources.valid, recipe.features, seed=data.valid_seed, swap="none", stream=VALID_STREAM, tokens=tokens
        )
        clips = [stream.scene(index)[0] for index in range(stream.available(EVERY_CLIP))]
        names = [clip.clip.name for clip in clips]  # type: ignore[attr-defined]
        order = sorted(range(len(names)), key=names.__getitem__)
        return cls(
            stream, tuple(order), tuple(names[index] for index in order), tuple(clips[index].labels for index in order)
        )

    def outputs(self, model: Network, only: Sequence[str] | None) -> NDArray[np.float32]:
        """Fields (N, T, 3, classes, 4) of all clips, in order."""
        heard = ValidSet.render(self.stream, len(self.order))
        fields = (heard if only is None else heard.only(only)).outputs(model)
        return fields[list(self.order)]


def _read(path: Path) -> tuple[tuple[str, ...], NDArray[np.float32]] | None:
    """Names and fields of a file of outputs; None if there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return tuple(arrays["names"].tolist()), arrays["fields"]
    except ZIP_ERRORS:
        return None
