"""Runs of an ablation: trained once, resumed when interrupted, skipped when finished; their outputs are cached."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import RecipeError, TrainingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.lock import locked_folder
from earwitness.core.files.small_files import CARD_BYTES, ZIP_ERRORS, read_json
from earwitness.models.architectures import token_widths
from earwitness.models.checkpoint import load_model, parameter_count
from earwitness.models.network import Network
from earwitness.training.ablation.ablation_plan import AblationPlan, AblationRun
from earwitness.training.ablation.ablation_tables import SetOutputs
from earwitness.training.data.clip_stream import VALID_STREAM, SceneStream
from earwitness.training.data.token_lookup import TokenLookup
from earwitness.training.data.training_sources import open_final_test, open_sources
from earwitness.training.loop.trainer import BEST_NAME, Trainer
from earwitness.training.loop.training_state import STATES
from earwitness.training.loop.validate import ValidSet
from earwitness.training.recipe import with_classes
from earwitness.training.recipe_sections import FolderSpec

FACTS_NAME: Final = "run.json"
EVERY_CLIP: Final = 10**9
Say = Callable[[str], None]
RUNS: Final = "runs"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run.

    Attributes:
        run: the run.
        folder: its folder.
        facts: number of parameters, steps and similar values.
    """

    run: AblationRun
    folder: Path
    facts: dict[str, Any]

    def outputs(self, part: str, only: Sequence[str] | None = None) -> SetOutputs:
        """Outputs of the best checkpoint for the "valid" or the "test" set; computed once, then cached.

        Args:
            part: "valid" or "test".
            only: the modalities to use; None uses all with which it was trained.
        """
        name = part if only is None else f"{part}-only-{'-'.join(only) or 'features'}"
        path = self.folder / f"{name}.npz"
        cached = _read(path)
        clips = _SetClips.open(self.run, part)
        if cached is None or cached[0] != clips.names:
            cached = clips.names, clips.outputs(load_model(self.folder / BEST_NAME), only)
            with atomic_file(path) as temporary, temporary.open("wb") as file:
                np.savez(file, names=np.array(cached[0], dtype=np.str_), fields=cached[1].astype(np.float16))
        spec = self.run.recipe.run
        fixed = spec.thresholds[0] if spec.decoding == "official" else None
        return SetOutputs(cached[0], cached[1].astype(np.float32), clips.tables, spec.decoding, fixed)


def finished(run: AblationRun, runs: Path) -> FinishedRun | None:
    """The run if it is finished, else None."""
    folder = runs / run.folder
    path = folder / FACTS_NAME
    if not path.exists():
        return None
    try:
        return FinishedRun(run, folder, read_json(path, CARD_BYTES, TrainingError))
    except TrainingError as error:
        raise TrainingError(f"{error}; delete the folder to train the run again") from None


def train(run: AblationRun, runs: Path, workers: int = 1) -> FinishedRun:
    """Train a run to its end, resuming an interrupted one; a finished run is not changed.

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
    recipe = with_classes(recipe)
    with locked_folder(folder, "earwitness ablate"):  # the lock that `earwitness train` takes, too
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
    return FinishedRun(run, folder, facts)


@dataclass(frozen=True, slots=True, eq=False)
class _SetClips:
    """The clips of a set with a run's features and tokens, sorted by name."""

    stream: SceneStream
    order: tuple[int, ...]
    names: tuple[str, ...]
    tables: tuple[Any, ...]

    @classmethod
    def open(cls, run: AblationRun, part: str) -> _SetClips:
        recipe, data = run.recipe, run.recipe.data
        if part == "test":
            assert run.test is not None
            test = FolderSpec(root=run.test, splits=run.test_splits)
            data = data.model_copy(update={"valid_folder": test})
            source = open_final_test(recipe.data, test, recipe.features)
        else:
            source = open_sources(data, recipe.features).valid
        tokens = TokenLookup.open(data, token_widths(recipe.model))
        stream = SceneStream(
            source, recipe.features, seed=data.valid_seed, swap="none", stream=VALID_STREAM, tokens=tokens
        )
        clips = [stream.scene(index)[0] for index in range(stream.available(EVERY_CLIP))]
        names = [clip.clip.name for clip in clips]  # type: ignore[attr-defined]
        order = sorted(range(len(names)), key=names.__getitem__)
        return cls(
            stream, tuple(order), tuple(names[index] for index in order), tuple(clips[index].labels for index in order)
        )

    def outputs(self, model: Network, only: Sequence[str] | None) -> NDArray[np.float32]:
        """Fields (N, T, 3, classes, 4) of all clips, in order."""
        valid = ValidSet.render(self.stream, len(self.order))
        fields = (valid if only is None else valid.only(only)).outputs(model)
        return fields[list(self.order)]


def _read(path: Path) -> tuple[tuple[str, ...], NDArray[np.float32]] | None:
    """Names and fields in a file of outputs; None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return tuple(arrays["names"].tolist()), arrays["fields"]
    except ZIP_ERRORS:
        return None


def ablate(
    plan: AblationPlan, out: Path, only: Collection[str] = (), say: Callable[[str], None] = print, workers: int = 1
) -> None:
    """Train every unfinished run: all variants with the first seed, then with the next.

    Args:
        plan: the runs.
        out: folder of the ablation.
        only: names of variants; empty runs all.
        say: called with progress messages.
        workers: processes that compute features.

    Raises:
        RecipeError: `only` holds an unknown variant.
        EarwitnessError: as training.
    """
    unknown = sorted(set(only) - set(plan.recipe.variants))
    if unknown:
        raise RecipeError(f"there is no variant '{unknown[0]}'; there are {', '.join(plan.recipe.variants)}")
    wanted = [run for run in plan.in_order() if run.test is not None and (not only or run.row in only)]
    for number, run in enumerate(wanted, start=1):
        head = f"{number}/{len(wanted)} {run.row}, seed {run.seed}"
        if finished(run, out / RUNS):
            say(f"{head}: finished already")
            continue
        say(f"{head}: training in {out / RUNS / run.folder}")
        done = train(run, out / RUNS, workers)
        for part in ("valid", "test"):
            done.outputs(part)
        say(f"{head}: final F20/1 {done.facts['last_valid_f_score']:.3f} on the validation clips")
