"""Every kind of case: what makes it, what reads it, and how often it has its turn."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from fuzzing import commands, odd_banks, odd_documents, odd_media, odd_models, odd_waves, page
from fuzzing.damage import mutated

Make = Callable[[random.Random, Path, Path], Path]
Read = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case.

    Attributes:
        make: makes a case in a folder, given a source of chance and the folder of valid files.
        reader: which of `readers` reads it.
        turns: how often it comes in a round; what starts processes or computes for long comes once.
        refused: whether nothing but an error is right.
    """

    make: Make
    reader: str
    turns: int = 2
    refused: bool = False


def _damaged(name: str) -> Make:
    def make(chance: random.Random, valid: Path, folder: Path) -> Path:
        path = folder / f"case{Path(name).suffix}"
        path.write_bytes(mutated((valid / name).read_bytes(), chance))
        return path

    return make


_DAMAGED: Final = {
    "sound.wav": "sound", "flac.flac": "sound", "ogg.ogg": "sound", "surround.wav": "sound", "mp4.mp4": "video",
    "mkv.mkv": "video", "ts.ts": "video", "avi.avi": "sound", "caf.caf": "sound", "aiff.aiff": "sound",
    "w64.w64": "sound", "mp3.mp3": "sound", "labels.csv": "labels", "events.json": "result", "bank.csv": "bank",
    "scene.json": "scene", "recipe.yaml": "recipe", "weights.safetensors": "weights", "state.pt": "state",
    "journal.jsonl": "journal", "thing.png": "picture", "moving.webp": "picture", "around.jpg": "picture",
    "room.sofa": "room",
}  # fmt: skip
KINDS: Final[dict[str, Kind]] = {
    **{f"damaged {name}": Kind(_damaged(name), reader) for name, reader in _DAMAGED.items()},
    "damaged model.onnx": Kind(_damaged("model.onnx"), "model", 1),
    "damaged model.json": Kind(_damaged("model.json"), "card"),
    "damaged pair.ensemble": Kind(_damaged("pair.ensemble"), "ensemble"),
    "names others": Kind(odd_media.names_others, "sound", 3, refused=True),
    "wave header": Kind(odd_waves.wave_header, "sound", 4),
    "odd samples": Kind(odd_waves.odd_samples, "sound", 3),
    "layouts": Kind(odd_media.layouts, "sound", 2),
    "tracks": Kind(odd_media.tracks, "sound", 2),
    "ambisonics": Kind(odd_media.ambisonics, "sound", 2),
    "time stamps": Kind(odd_media.stamps, "sound", 2),
    "covers": Kind(odd_media.cover, "video", 1),
    "labels": Kind(odd_documents.labels, "labels", 3),
    "journals": Kind(odd_documents.journals, "journal", 3),
    "results": Kind(odd_documents.results, "result", 3),
    "cards": Kind(odd_documents.cards, "card", 3),
    "scenes": Kind(odd_documents.scenes, "scene", 2),
    "recipes": Kind(odd_documents.recipes, "recipe", 3),
    "banks": Kind(odd_documents.banks, "bank", 2),
    "onnx": Kind(odd_models.onnx_models, "model", 1),
    "ensembles": Kind(odd_models.ensembles, "ensemble", 1),
    "rooms": Kind(odd_banks.rooms, "room", 3),
    "cut-outs": Kind(odd_banks.cutouts, "cut-outs", 2),
    "panoramas": Kind(odd_banks.panoramas, "backgrounds", 2),
    "dcase sets": Kind(odd_banks.dcase_sets, "set", 2),
    "bank sounds": Kind(odd_waves.wave_header, "bank sound", 2),
    "requests": Kind(page.requests, "request", 3),
    "commands": Kind(commands.command_lines, "command", 3),
}
ROUND: Final = tuple(
    name
    for turn in range(max(kind.turns for kind in KINDS.values()))
    for name, kind in KINDS.items()
    if kind.turns > turn
)
"""Names of kinds in the order of their turns; then it begins again."""


def kind_of(number: int) -> str:
    """The kind of a case."""
    return ROUND[number % len(ROUND)]


def readers(valid: Path, folder: Path) -> dict[str, Read]:
    """What reads each kind, by `Kind.reader`."""
    return {**_media_readers(valid), **_document_readers(), **_model_readers(valid), **_bank_readers()} | {
        "request": page.requester(valid, folder),
        "command": commands.run_command,
    }


def _media_readers(valid: Path) -> dict[str, Read]:
    from earwitness.detect.detector import Detector
    from earwitness.doctor.diagnosis import diagnose
    from earwitness.media.pictures import PictureReader

    detector = Detector.load(valid / "model.onnx")

    def hear(path: Path) -> None:
        diagnose(path)
        detector.detect(path, allow_mono=True)

    def watch(path: Path) -> None:
        hear(path)
        for _ in PictureReader(path, fps=5):
            pass

    return {"sound": hear, "video": watch}


def _document_readers() -> dict[str, Read]:
    from earwitness.batch.formats import FORMATS, write
    from earwitness.batch.journal import JOURNAL_NAME, Journal
    from earwitness.batch.planning import read_claims
    from earwitness.data.dcase.check import check
    from earwitness.data.dcase.labels import read_rows, read_table
    from earwitness.results.saved import read_result
    from earwitness.scenes.bank.sound_bank import SoundBank
    from earwitness.scenes.scene import SceneRecipe
    from earwitness.training.recipe import load_recipe

    def read_labels(path: Path) -> None:
        read_rows(path)
        read_table(path, 50)

    def open_journal(path: Path) -> None:
        shutil.copy(path, path.parent / JOURNAL_NAME)
        read_claims(path.parent, (".csv", ".json"))
        journal = Journal(path.parent, {"version": "1"})
        journal.begin([(path, path.parent / "b")])
        journal.written(path, path.parent / "a")
        journal.add(path, path.parent / "b", [path], [1, 2])

    def use_result(path: Path) -> None:
        saved = read_result(path)
        assert saved.media_file is None or saved.media_file.parent == path.parent, "a file elsewhere is opened"
        for name, known in FORMATS.items():
            write(saved, path.parent / f"out{known.suffix}", name)

    def open_bank(path: Path) -> None:
        bank = SoundBank.open(path, split="train") if path.is_dir() else SoundBank.open(path)
        for sound in bank.sounds[:3] if path.is_dir() else ():
            bank.loudness(sound.name)

    def open_scene(path: Path) -> None:
        SceneRecipe.from_json(path.read_text(encoding="utf-8", errors="replace"))

    return {
        "labels": read_labels, "result": use_result, "journal": open_journal, "bank": open_bank, "scene": open_scene,
        "recipe": load_recipe, "set": check,
    }  # fmt: skip


def _model_readers(valid: Path) -> dict[str, Read]:
    from earwitness.detect.detector import Detector
    from earwitness.detect.model.card import file_sha256, read_card
    from earwitness.models.checkpoint import load_model
    from earwitness.training.loop.training_state import TrainingState

    def run_model(path: Path) -> None:
        if not path.with_suffix(".json").exists():  # with the right SHA-256, it gets as far as ONNX Runtime
            card = read_card(valid / "model.json").model_copy(update={"sha256": file_sha256(path)})
            card.write(path.with_suffix(".json"))
        Detector.load(path).detect(valid / "sound.wav")

    def run_card(path: Path) -> None:
        shutil.copy(valid / "model.onnx", path.with_suffix(".onnx"))
        Detector.load(path.with_suffix(".onnx")).detect(valid / "sound.wav")

    def run_ensemble(path: Path) -> None:
        Detector.load(path).detect(valid / "sound.wav")

    def open_state(path: Path) -> None:
        folder = path.parent / "run"
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder / "state-00000003.pt")
        TrainingState.latest(folder)

    return {
        "model": run_model, "card": run_card, "ensemble": run_ensemble, "weights": load_model, "state": open_state,
    }  # fmt: skip


def _bank_readers() -> dict[str, Read]:
    import numpy as np

    from earwitness.core.geometry import DCASE_CAMERA
    from earwitness.scenes.acoustics.measured_rooms import read_room
    from earwitness.scenes.bank.recording import read_recording
    from earwitness.scenes.pictures.backgrounds import open_backgrounds
    from earwitness.scenes.pictures.cutouts import CutoutLibrary
    from earwitness.scenes.pictures.photo import read_animation, read_photo

    def show_cutouts(path: Path) -> None:
        library = CutoutLibrary(path)
        for kind in ("bell", "music"):
            cutout = library.cutouts(kind)[0]
            library.picture(cutout, "idle", 0, 512.0)

    def show_backgrounds(path: Path) -> None:
        chance = np.random.default_rng(0)
        for background in open_backgrounds(path):
            next(background.frames(DCASE_CAMERA, 30.0, 10, 5.0, chance))

    def show(path: Path) -> Any:
        return read_photo(path), read_animation(path)

    return {
        "cut-outs": show_cutouts, "backgrounds": show_backgrounds, "picture": show, "room": partial(read_room),
        "bank sound": read_recording,
    }  # fmt: skip
