"""A benchmark set: clips to hand out, their description with the commitment, and the secret part.

OUT/set/benchmark.json            the description, to publish at once
OUT/set/stereo_eval/eval/*.wav    the clips, to hand out; with video_eval/eval/*.mp4
OUT/set/CREDITS.csv               the sounds of the bank, with their licences
OUT/secret/secret.json            seed and nonce
OUT/secret/clips/                 the rendered set with labels and recipes
OUT/revealed.json                 when the set was scored first, and so the seed published
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from earwitness.benchmark.commitment import HEX, Secret, commitment_of, files_sha256, read_model
from earwitness.core.errors import BenchmarkError
from earwitness.core.schema import StrictModel
from earwitness.core.version import __version__
from earwitness.scenes.writing.scene_clips import SPLIT

DESCRIPTION: Final = Path("set/benchmark.json")
CREDITS: Final = Path("set/CREDITS.csv")
SECRET: Final = Path("secret/secret.json")
RENDERED: Final = Path("secret/clips")
LABELS: Final = RENDERED / "metadata_dev" / SPLIT
REVEALED: Final = Path("revealed.json")
SOUND: Final = Path("set/stereo_eval/eval")
PICTURES: Final = Path("set/video_eval/eval")
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class SceneSettings(StrictModel):
    """How the scenes of a set are drawn; with the secret and the bank they give the same set again.

    Attributes:
        split: split of the bank; None: all sounds.
        seconds: length of a clip.
        rooms: number of simulated rooms, made for this set.
        preset, microphone, elevation_deg: as for `earwitness synthesize`.
        video: whether there are pictures.
    """

    split: str | None = Field(None, max_length=100)
    seconds: float = Field(5.0, ge=1, le=600)
    rooms: int = Field(20, ge=1, le=1000)
    preset: str | None = Field(None, max_length=100)
    microphone: str | None = Field(None, max_length=100)
    elevation_deg: float | None = Field(None, ge=1, le=90)
    video: bool = False


class Revealed(StrictModel):
    """When the seed of a set was published.

    Attributes:
        at: time of the first scoring, UTC.
        secret: the seed and the nonce.
    """

    at: datetime
    secret: Secret


class SetDescription(StrictModel):
    """Everything that is published about a set.

    Attributes:
        format: version of this file.
        name: name of the set.
        made: day on which it was made.
        version: version of earwitness.
        bank: name of the sound bank.
        bank_sounds, bank_sha256: number of its sounds, and a digest of their classes, names and sizes.
        classes: slugs of the classes, in the order of the indices in label files.
        clips: number of clips.
        clips_sha256: digest of all files that are handed out.
        settings: how the scenes are drawn.
        protocol: how it is scored.
        commitment: fixes all of this, and the secret.
    """

    format: Literal[1] = 1
    name: str = Field(pattern=NAME)
    made: date
    version: str = Field(__version__, max_length=100)
    bank: str = Field(min_length=1, max_length=200)
    bank_sounds: int = Field(ge=1)
    bank_sha256: str = Field(pattern=HEX)
    classes: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    clips: int = Field(ge=1, le=1_000_000)
    clips_sha256: str = Field(pattern=HEX)
    settings: SceneSettings = SceneSettings()
    protocol: Literal["strict"] = "strict"
    commitment: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    def committed(self, secret: Secret) -> str:
        """The commitment that belongs to this description and a secret."""
        return commitment_of(self.model_dump(mode="json", exclude={"commitment"}), secret)

    def check(self, secret: Secret, where: str) -> None:
        """Check that the commitment belongs to the secret.

        Raises:
            BenchmarkError: it does not; the message begins with `where`.
        """
        if self.commitment != self.committed(secret):
            raise BenchmarkError(
                f"{where}: the commitment is not that of this seed, these labels and these settings; one of them was "
                "changed after the set was made"
            )


def read_description(folder: Path) -> SetDescription:
    """The description of a set in `folder`, its "set" folder, or a file.

    Raises:
        BenchmarkError: there is none.
    """
    candidates = [folder] if folder.is_file() else [folder / DESCRIPTION, folder / DESCRIPTION.name]
    for path in candidates:
        if path.is_file():
            return read_model(SetDescription, path, "the description of a benchmark set")
    raise BenchmarkError(f"{folder}: no benchmark set; `earwitness benchmark make` makes one")


def handed_out(folder: Path) -> list[str]:
    """Names of the files in `folder`/set that are handed out, without the description."""
    top = folder / "set"
    found = [path.relative_to(top).as_posix() for part in (SOUND, PICTURES) for path in (folder / part).glob("*.*")]
    return sorted(found)


def check_set(folder: Path, description: SetDescription, secret: Secret) -> None:
    """Check clips, labels and commitment of a set.

    Raises:
        BenchmarkError: something was changed since it was made.
    """
    description.check(secret, str(folder))
    labels = [path.name for path in (folder / LABELS).glob("*.csv")]
    if files_sha256(folder / LABELS, labels) != secret.labels_sha256:
        raise BenchmarkError(f"{folder / LABELS}: the labels are not those that the commitment was made for")
    if files_sha256(folder / "set", handed_out(folder)) != description.clips_sha256:
        raise BenchmarkError(f"{folder / 'set'}: the clips are not those that the commitment was made for")
