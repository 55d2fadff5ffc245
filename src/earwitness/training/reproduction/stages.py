"""The stages of a reproduction, run in order: each can be interrupted at any time and continues where it stopped.

Stages that are done are recorded with a fingerprint of their inputs.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import EncoderError, TrainingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.data.dcase.labels import write_table
from earwitness.data.dcase.layout import Clip, scan
from earwitness.encoders.store.embed_job import EmbedJob, embed
from earwitness.encoders.store.embedding_store import EmbeddingStore
from earwitness.fusion.visual_analysis import AUTO, open_visual_analysis
from earwitness.metrics import Protocol, score_tables
from earwitness.metrics.score_report import as_json
from earwitness.scenes.writing.synthesis import SynthesisOptions, synthesize
from earwitness.training.ablation.ablation_plan import AblationPlan, load_plan
from earwitness.training.ablation.ablation_report import (
    JSON_NAME,
    MARKDOWN_NAME,
    EnsembleOutputs,
    ensemble_outputs,
    tabulate,
    visual_fusion,
)
from earwitness.training.ablation.ablation_runs import RUNS, ablate, finished
from earwitness.training.ablation.ablation_tables import predictions_of, tuned_thresholds
from earwitness.training.export.calibrate import tune_and_score_outputs
from earwitness.training.export.ensemble_export import export_ensemble
from earwitness.training.export.model_export import ExportOptions, export_run
from earwitness.training.loop.trainer import BEST_NAME
from earwitness.training.reproduction.reproduction_job import (
    ENCODERS,
    ENSEMBLE,
    SEEN,
    SYSTEM,
    Embedded,
    ReproductionJob,
    write_recipes,
)
from earwitness.vision.detectors.detector_registry import LIGHT

SYSTEM_NAME: Final = "system.ensemble"
PREDICTIONS: Final = "predictions"
SCORES_NAME: Final = "scores.json"
_ROOM_SEED: Final = 7
"""Other rooms for the set that validates the pre-training."""
Say = Callable[[str], None]
STATE_NAME: Final = "reproduction.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Attributes:
        name: its name, also in the state.
        what: a sentence for the plan.
        inputs: plain values that determine its result, for its fingerprint.
        run: does the work that is not done yet.
        results: whether its results are there.
    """

    name: str
    what: str
    inputs: Callable[[], Any]
    run: Callable[[], None]
    results: Callable[[], bool]


def stages(job: ReproductionJob, say: Say) -> list[Stage]:
    """The stages in their order; inputs and work of a stage may need the results of those before."""
    made = [
        Stage(
            "embeddings",
            "tokens of CLAP and OWL-ViT for all clips, mirrored for training",
            lambda: _embedding_inputs(job),
            lambda: _embed(job, say),
            lambda: job.network_file.is_file() and job.ablation_file.is_file(),
        ),
        Stage(
            "training",
            "pre-training with channel swap, and fine-tuning, of every row and seed",
            lambda: [run.key for run in _plan(job).in_order()],
            lambda: ablate(_plan(job), job.out, say=say, workers=job.workers),
            lambda: all(finished(run, job.out / RUNS) for run in _plan(job).runs),
        ),
        Stage(
            "table",
            "ablation table with 95 % intervals, ensemble and visual post-processing",
            lambda: _recipe_values(job),
            lambda: _tabulate(job),
            lambda: all((job.out / name).is_file() for name in (MARKDOWN_NAME, JSON_NAME)),
        ),
        Stage(
            "system",
            "the ensemble as a file for `detect`, its predictions and scores",
            lambda: _recipe_values(job),
            lambda: _export(job, say),
            lambda: all((job.out / name).is_file() for name in (SYSTEM_NAME, SCORES_NAME)),
        ),
    ]
    if job.source == "bank":
        rendered = Stage(
            "synthetic",
            f"{sum(clips for _, clips in job.rendered.values()):,} clips with pictures from the sound bank",
            lambda: _rendering(job),
            lambda: _render(job, say),
            lambda: all(folder.is_dir() for folder, _ in job.rendered.values()),
        )
        made.insert(0, rendered)
    return made


def _recipe_values(job: ReproductionJob) -> list[Any]:
    plan = _plan(job)
    return [plan.recipe.model_dump(mode="json"), [run.key for run in plan.runs]]


def _rendering(job: ReproductionJob) -> list[Any]:
    return [
        str(job.bank),
        job.scale.rooms,
        job.scale.fps,
        [[str(path), count] for path, count in job.rendered.values()],
    ]


def _render(job: ReproductionJob, say: Say) -> None:
    assert job.bank is not None
    for split, (folder, clips) in job.rendered.items():
        options = SynthesisOptions(
            bank=job.bank, out=folder, clips=clips, seed=1 if split == "train" else 2, split=split,
            rooms=job.scale.rooms, room_seed=0 if split == "train" else _ROOM_SEED, video=True, fps=job.scale.fps,
            workers=job.workers,
        )  # fmt: skip
        synthesize(options, log=say, warn=say)


def _clips(job: ReproductionJob) -> list[tuple[Path, Sequence[Clip], bool]]:
    """Folder, clips, and whether they are swapped in training; clips without labels are not embedded."""
    data = job.data
    pretrained = data.synthetic_clips if job.source == "split" else ()
    parts: list[tuple[Path, Sequence[Clip], bool]] = [(data.root, (*data.train_clips, *pretrained), True)]
    parts.append((data.root, data.test_clips, False))
    parts += [(folder, scan(folder).clips, split == "train") for split, (folder, _) in job.rendered.items()]
    return parts


def _embedding_inputs(job: ReproductionJob) -> list[Any]:
    prints = [job.embedding(encoder, swap=False).load().fingerprint for encoder in ENCODERS.values()]
    clips = [[str(root), swap, [clip.id for clip in clips]] for root, clips, swap in _clips(job)]
    return [*prints, job.scale.rate, clips, _detector(job)[0]]


def _embed(job: ReproductionJob, say: Say) -> None:
    """Embed all clips, then write the recipes, which name the embeddings."""
    problems: dict[str, str] = {}
    for encoder in ENCODERS.values():
        for root, clips, swap in _clips(job):
            settings: EmbedJob = job.embedding(encoder, swap=swap)
            report = embed(root, clips, settings, job.workers)
            say(f"{root}: {encoder}, {report.made} new, {report.kept} kept")
            problems |= report.skipped
    if problems:
        name, reason = next(iter(problems.items()))
        raise EncoderError(
            f"{len(problems)} clips cannot be embedded; repair or remove them and start again. {name}: {reason}"
        )
    detector, reason = _detector(job)
    if detector is None:
        say(f"no visual post-processing: {reason}")
    write_recipes(job, _embedded(job), detector)


def _embedded(job: ReproductionJob) -> dict[str, Embedded]:
    """The embeddings of each modality, which are those of these weights and settings."""
    found: dict[str, Embedded] = {}
    for modality, encoder in ENCODERS.items():
        loaded = job.embedding(encoder, swap=False).load()
        store = EmbeddingStore.open(
            job.data.root,
            encoder,
            fingerprint=loaded.fingerprint,
            rate=job.scale.rate if modality == "picture" else None,
        )
        found[modality] = Embedded.of(store)
    return found


def _detector(job: ReproductionJob) -> tuple[str | None, str]:
    """Name of the visual detector; None and the reason where `auto` finds none."""
    analysis, reason = open_visual_analysis(job.vision)
    if analysis is None:
        return None, reason
    return (LIGHT if job.vision == AUTO else job.vision), ""


def _plan(job: ReproductionJob) -> AblationPlan:
    return load_plan(job.ablation_file)


def _tabulate(job: ReproductionJob) -> None:
    tabulate(_plan(job), job.out)


def _export(job: ReproductionJob, say: Say) -> None:
    """Write the ensemble of the system, and its predictions and scores of the test split."""
    plan = _plan(job)
    done = [one for run in plan.of(SYSTEM) if (one := finished(run, job.out / RUNS)) is not None]
    outputs = ensemble_outputs(plan, done, ENSEMBLE)
    assert outputs is not None, "the training stage has finished every run"
    names = []
    for one in done:
        valid = one.outputs("valid")
        path = job.out / "models" / f"seed{one.run.seed}.onnx"
        tuning = tune_and_score_outputs(valid.fields, valid.references)
        tuning = replace(
            tuning, scores={key.replace("synthetic/", "valid/"): value for key, value in tuning.scores.items()}
        )
        export_run(
            one.folder, path, tuning, ExportOptions(name=f"{job.scale.name}-seed{one.run.seed}", checkpoint=BEST_NAME)
        )
        names.append(str(path))
    export_ensemble(names, job.out / SYSTEM_NAME, name=f"reproduction-{job.scale.name}", weights=outputs.weights)
    say(f"{job.out / SYSTEM_NAME}: {len(names)} members")
    _predict(job, plan, outputs)


def _predict(job: ReproductionJob, plan: AblationPlan, outputs: EnsembleOutputs) -> None:
    seen = plan.recipe.seen.get(SEEN)
    after = None if seen is None else visual_fusion(plan.recipe.test, seen.detector)
    tables = predictions_of(outputs.test, tuned_thresholds(outputs.valid), after)
    for name, table in zip(outputs.test.names, tables, strict=True):
        write_table(job.out / PREDICTIONS / f"{name}.csv", table)
    scores: Mapping[str, Any] = {
        protocol.value: as_json(score_tables(outputs.test.references, tables, protocol, outputs.test.names), None)
        for protocol in Protocol
    }
    with atomic_file(job.out / SCORES_NAME) as temporary:
        temporary.write_text(json.dumps(scores, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def reproduce(job: ReproductionJob, say: Callable[[str], None] = print) -> None:
    """Run every stage whose inputs differ from those of its last complete run.

    Args:
        job: what to reproduce.
        say: called with progress messages.

    Raises:
        EarwitnessError: as the stages.
        TrainingError: the record of finished stages is damaged.
    """
    state = _read_state(job.out / STATE_NAME)
    made, changed = stages(job, say), False
    for number, stage in enumerate(made, start=1):
        head = f"stage {number}/{len(made)}, {stage.name}"
        done = state.get(stage.name, {}).get("fingerprint")
        if not changed and done == _fingerprint(stage.inputs()) and stage.results():
            say(f"{head}: finished already")
            continue
        changed = True  # those after it use its results
        say(f"{head}: {stage.what}")
        begun = time.monotonic()
        stage.run()
        state[stage.name] = {
            "fingerprint": _fingerprint(stage.inputs()),
            "seconds": round(time.monotonic() - begun, 1),
        }
        with atomic_file(job.out / STATE_NAME) as temporary:
            temporary.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


def _fingerprint(inputs: Any) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _read_state(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    state = read_json(path, CARD_BYTES, TrainingError)
    if not isinstance(state, dict) or not all(isinstance(entry, dict) for entry in state.values()):
        raise TrainingError(f"{path}: damaged; delete it, finished runs and embeddings are kept")
    return state
