"""Making of benchmark sets: scenes from a hidden seed, in rooms of their own."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from earwitness.benchmark.benchmark_set import (
    CREDITS,
    DESCRIPTION,
    LABELS,
    PICTURES,
    RENDERED,
    REVEALED,
    SECRET,
    SOUND,
    Revealed,
    SceneSettings,
    Secret,
    SetDescription,
    files_sha256,
    handed_out,
    new_nonce,
    new_seed,
    read_model,
    write_model,
)
from earwitness.core.classes.class_files import write_classes
from earwitness.core.errors import BenchmarkError, EarwitnessError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.lock import locked_folder
from earwitness.core.schema import StrictModel
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.writing.scene_clips import SPLIT
from earwitness.scenes.writing.synthesis import Log, ProgressOf, SynthesisOptions, synthesize

_PLAN = Path("secret/plan.json")


class _Plan(StrictModel):
    """What an interrupted run continues with."""

    name: str
    seed: str
    nonce: str
    clips: int
    settings: SceneSettings


@dataclass(frozen=True, slots=True)
class MakeOptions:
    """Settings of a set to make.

    Attributes:
        bank: sound bank.
        out: folder of the set.
        name: name of the set.
        clips: number of clips.
        settings: how the scenes are drawn.
        seed: the seed; None: a random one.
        nonce: of the set to make again; None: a random one.
        workers: number of processes.
    """

    bank: Path
    out: Path
    name: str
    clips: int
    settings: SceneSettings
    seed: int | None = None
    nonce: str | None = None
    workers: int = 1


def make_set(
    options: MakeOptions,
    *,
    warn: Log = lambda line: None,
    progress: ProgressOf = lambda task: lambda done, total: None,
) -> tuple[SetDescription, Secret]:
    """Render a set, and write its description and its secret; an interrupted run continues with the same seed.

    Args:
        options: settings.
        warn: called with lines about sounds that are left out.
        progress: creates a progress callback for each long task.

    Raises:
        BenchmarkError: the folder holds another set, or a finished one.
        BankError, SynthesisError, UsageError: as `synthesize`.
    """
    out = options.out
    if (out / DESCRIPTION).exists():
        raise BenchmarkError(f"{out}: holds a finished set; name another folder with --out")
    with locked_folder(out, "earwitness benchmark make"):
        plan = _plan(options)
        (out / _PLAN).parent.chmod(0o700)
        seed = int(plan.seed)
        synthesis = SynthesisOptions(
            bank=options.bank, out=out / RENDERED, clips=options.clips, seed=seed, split=plan.settings.split,
            seconds=plan.settings.seconds, rooms=plan.settings.rooms, room_seed=_room_seed(seed),
            microphone=plan.settings.microphone, preset=plan.settings.preset, video=plan.settings.video,
            elevation_deg=plan.settings.elevation_deg, workers=options.workers,
        )  # fmt: skip
        with _forgotten_without_clips(out):
            synthesize(synthesis, warn=warn, progress=progress)
        _hand_out(out)
        bank = SoundBank.open(options.bank, plan.settings.split)
        _write_credits(out, bank)
        write_classes(out / "set", bank.vocabulary)
        labels = files_sha256(out / LABELS, [path.name for path in (out / LABELS).glob("*.csv")])
        secret = Secret(seed=plan.seed, nonce=plan.nonce, labels_sha256=labels)
        description = SetDescription(
            name=plan.name, made=datetime.now(UTC).date(), bank=options.bank.resolve().name,
            bank_sounds=len(bank.sounds), bank_sha256=bank_sha256(bank), classes=bank.vocabulary.slugs,
            clips=options.clips, settings=plan.settings,
            clips_sha256=files_sha256(out / "set", handed_out(out)),
        )  # fmt: skip
        description = description.model_copy(update={"commitment": description.committed(secret)})
        write_model(secret, out / SECRET)
        write_model(description, out / DESCRIPTION)
    return description, secret


def bank_sha256(bank: SoundBank) -> str:
    """A digest of the sounds of a bank: their classes, names and sizes; reading all of them would take too long.

    Raises:
        BenchmarkError: a sound is missing.
    """
    try:
        lines = sorted(f"{one.kind} {one.name} {(bank.root / one.name).stat().st_size}" for one in bank.sounds)
    except OSError as error:
        raise BenchmarkError(f"{error.filename}: cannot be read ({error.strerror or error})") from None
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _plan(options: MakeOptions) -> _Plan:
    """The plan of this folder: that of an interrupted run, or a new one, which is written before any work."""
    path = options.out / _PLAN
    if path.is_file():
        plan = read_model(_Plan, path, "the plan of a benchmark set")
        same = (plan.name, plan.clips, plan.settings) == (options.name, options.clips, options.settings)
        if not same or options.seed not in (None, int(plan.seed)):
            raise BenchmarkError(
                f"{options.out}: holds an unfinished set of other options; give those, or another --out"
            )
        return plan
    seed = new_seed() if options.seed is None else options.seed
    plan = _Plan(
        name=options.name, seed=str(seed), nonce=options.nonce or new_nonce(), clips=options.clips,
        settings=options.settings,
    )  # fmt: skip
    write_model(plan, path)
    return plan


@contextmanager
def _forgotten_without_clips(out: Path) -> Iterator[None]:
    """Delete the plan if an error, such as a wrong option, ends the run before its first clip."""
    try:
        yield
    except EarwitnessError:
        if next((out / RENDERED).rglob("*.wav"), None) is None:
            (out / _PLAN).unlink(missing_ok=True)
            with suppress(OSError):  # it holds more
                (out / _PLAN).parent.rmdir()
        raise


def _room_seed(seed: int) -> int:
    """The seed of the rooms; a separate one, so that no model was trained in these rooms."""
    return int.from_bytes(hashlib.sha256(f"rooms {seed}".encode()).digest()[:4], "big")


def _hand_out(out: Path) -> None:
    """Copy sound and pictures of the rendered clips into the folder that is handed out."""
    rendered = out / RENDERED
    for source, target in (("stereo_dev", SOUND), ("video_dev", PICTURES)):
        for path in sorted((rendered / source / SPLIT).glob("*.*")):
            with atomic_file(out / target / path.name) as temporary:
                shutil.copyfile(path, temporary)


def _write_credits(out: Path, bank: SoundBank) -> None:
    """Credit all sounds of the bank: a list of those in the clips would reveal what they contain."""
    with atomic_file(out / CREDITS) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "class", "licence", "attribution"))
        writer.writerows((one.name, one.kind, one.licence, one.attribution) for one in bank.sounds)


def made_again(options: MakeOptions, description: SetDescription, secret: Secret, log: Callable[[str], None]) -> None:
    """Compare a set that was made again from a revealed secret with the published one, and take over its description.

    Raises:
        BenchmarkError: the bank or the labels differ.
    """
    found = read_model(Secret, options.out / SECRET, "the secret of a benchmark set")
    again = read_model(SetDescription, options.out / DESCRIPTION, "the description of a benchmark set")
    if again.bank_sha256 != description.bank_sha256:
        raise BenchmarkError(f"{options.out}: the bank is another one than that of '{description.name}'")
    if found.labels_sha256 != secret.labels_sha256:
        raise BenchmarkError(
            f"{options.out}: the labels differ from those of '{description.name}'; it was made with earwitness "
            f"{description.version}"
        )
    if again.clips_sha256 != description.clips_sha256:
        log("the labels are the same; the sound differs in its bytes, as it can between versions and processors")
    else:
        write_model(secret, options.out / SECRET)
        write_model(description, options.out / DESCRIPTION)
    write_model(Revealed(at=datetime.now(UTC), secret=secret), options.out / REVEALED)
