"""Publishing a trained model: its page, the folder of its repository, and the push to the hub in one commit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any, Final

from earwitness.core.errors import (
    EarwitnessError,
    HubError,
    MissingExtraError,
    ModelError,
    UsageError,
    first_line,
    one_line,
    shortened,
)
from earwitness.core.files.atomic import atomic_file, atomic_folder
from earwitness.core.files.small_files import open_regular
from earwitness.core.version import __version__
from earwitness.detect.hub.hub_cache import DEFAULT_REVISION, MODEL_NAMES, HubAddress
from earwitness.detect.hub.hub_client import endpoint, hub_token
from earwitness.detect.hub.hub_pull import CARD, CHECKPOINT, LIMITS, MANIFEST, HubFile, HubManifest, check_hub_folder
from earwitness.detect.model.card import ModelCard, card_path, file_sha256
from earwitness.detect.model.ensemble_file import SUFFIX, read_ensemble
from earwitness.detect.model.model_files import find_model

TAGS: Final = (
    "earwitness", "sound-event-localization-and-detection", "seld", "sound-event-detection", "spatial-audio", "stereo",
    "audio", "onnx",
)  # fmt: skip
_LICENCES: Final = {
    "mit": "mit", "apache-2.0": "apache-2.0", "apache 2.0": "apache-2.0", "bsd-3-clause": "bsd-3-clause",
    "cc0-1.0": "cc0-1.0", "cc-by-4.0": "cc-by-4.0", "cc-by-sa-4.0": "cc-by-sa-4.0", "cc-by-nc-4.0": "cc-by-nc-4.0",
    "gpl-3.0": "gpl-3.0", "gpl-3.0-or-later": "gpl-3.0", "lgpl-3.0": "lgpl-3.0", "mpl-2.0": "mpl-2.0",
}  # fmt: skip
"""Identifiers of licences on the hub; every other licence is "other" there, with its name."""
_QUANTITIES: Final = {
    "f_score": ("f1", "F20/1 (20 degrees, 100 % of the distance), macro"),
    "f_score_onscreen": ("f1", "F20/1 with on/off screen, macro"),
    "doa_error_deg": ("doa_error_deg", "Direction error, degrees"),
    "distance_error": ("distance_error_cm", "Distance error, cm"),
    "relative_distance_error": ("relative_distance_error", "Relative distance error"),
    "onscreen_accuracy": ("accuracy", "On/off-screen accuracy"),
    "calibration_error": ("calibration_error", "Calibration error of the probabilities"),
}
"""Figures of a card that the hub shows: their types and names there."""
_PLAIN_CHARACTER: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
PAGE: Final = "README.md"


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The facts on the page.

    Attributes:
        card: the model's card.
        model: name of its file.
        files: size in bytes and SHA-256 of each file.
        address: where it will be found; None: not known yet.
    """

    card: ModelCard
    model: str
    files: Mapping[str, tuple[int, str]]
    address: HubAddress | None = None


def page(facts: PageFacts) -> str:
    """The page as Markdown."""
    front = "\n".join(_yaml(_front_matter(facts.card)))
    return f"---\n{front}\n---\n\n" + "\n".join(_body(facts)).rstrip() + "\n"


def _front_matter(card: ModelCard) -> dict[str, Any]:
    values: dict[str, Any] = {"library_name": "earwitness", "pipeline_tag": "audio-classification"}
    known = _LICENCES.get(card.licence.strip().lower())
    values |= {"license": known} if known else {"license": "other", "license_name": shortened(card.licence, 200)}
    values["tags"] = [*TAGS, *(one.slug for one in card.vocabulary.classes[:50])]
    results = list(_results(card))
    if results:
        values["model-index"] = [{"name": shortened(card.name, 200), "results": results}]
    return values


def _results(card: ModelCard) -> Iterator[dict[str, Any]]:
    """The card's figures by the data that they were measured on, as the hub's model-index holds them."""
    for data in dict.fromkeys(name.split("/")[0] for name in card.scores if "/" in name):
        metrics = [
            {"type": kind, "name": name, "value": card.scores[f"{data}/{key}"]}
            for key, (kind, name) in _QUANTITIES.items()
            if f"{data}/{key}" in card.scores
        ]
        if metrics:
            count = card.scores.get(f"{data}/scenes")
            size = "" if count is None else f", {count:.0f} clips"
            yield {
                "task": {"type": "audio-classification", "name": "Sound event localization and detection"},
                "dataset": {"type": shortened(data, 60), "name": shortened(f"{data} scenes{size}", 100)},
                "metrics": metrics,
            }


def _body(facts: PageFacts) -> Iterator[str]:
    card = facts.card
    classes = ", ".join(_escaped(one.name) for one in card.vocabulary.classes)
    address = facts.address or "hf:USER/NAME"
    yield from (
        f"# {_escaped(card.name)}", "",
        "A model for [earwitness](https://pypi.org/project/earwitness/): what sounds in a stereo recording or a video, "
        "when, from which direction, how far away, and whether it is in the picture.", "",
        f"**Classes** ({len(card.vocabulary)}): {classes}.", "",
        "## Use it", "",
        "```", "pip install earwitness", f"earwitness models pull {address}",
        f"earwitness detect VIDEO --model {address}", "```", "",
        "`pull` checks the SHA-256 of each file. `detect` never downloads anything. In Python:", "",
        "```python", "from earwitness import Detector", "",
        f'Detector.load("{address}").detect("clip.mp4").events', "```", "",
    )  # fmt: skip
    yield from _scores(card)
    if card.limits:
        yield from ("## Limits", "", *(f"- {_escaped(limit)}" for limit in card.limits), "")
    yield from _training(card)
    yield from ("## Licence", "", _escaped(card.licence), "")
    yield from ("## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|")
    yield from (f"| `{name}` | {size:,} | `{digest}` |" for name, (size, digest) in facts.files.items())
    yield from ("", f"This page was made from the model's card by earwitness {__version__}.")


def _scores(card: ModelCard) -> Iterator[str]:
    if not card.scores:
        yield from ("## Scores", "", "The card of this model holds no scores.", "")
        return
    yield from ("## Scores", "", "| on | figure | value |", "|---|---|---|")
    names = {one.slug: one.name for one in card.vocabulary.classes}
    for name, value in card.scores.items():
        data, quantity, part = (*name.split("/", 2), "", "")[:3] if "/" in name else ("", name, "")
        known = _QUANTITIES[quantity][1] if quantity in _QUANTITIES else quantity.replace("_", " ")
        figure = f"{known.split(' (')[0]}: {names.get(part, part)}" if part else known
        yield f"| {_escaped(data)} | {_escaped(figure)} | {value:.4g} |"
    yield ""


def _training(card: ModelCard) -> Iterator[str]:
    facts = {name: value for name, value in card.data.items() if isinstance(value, str | int | float)}
    facts["commit of the training code"] = card.commit
    if card.tokens:
        facts["semantic tokens"] = ", ".join(f"{name} ({need.made_by.encoder})" for name, need in card.tokens.items())
    yield from ("## Training", "", "| | |", "|---|---|")
    yield from (f"| {_escaped(str(name))} | {_escaped(str(value))} |" for name, value in facts.items())
    yield ""


def _escaped(text: str) -> str:
    """Text on one line, without meaning in Markdown or HTML."""
    return _PLAIN_CHARACTER.sub(r"\\\1", shortened(text, 1000)).replace("\\<", "&lt;").replace("\\&", "&amp;")


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """YAML lines of a mapping of plain values: enough for front matter, without a library."""
    for key, part in value.items():
        if isinstance(part, dict):
            yield f"{indent}{key}:"
            yield from _yaml(part, indent + "  ")
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            yield f"{indent}{key}:"
            for item in part:
                lines = list(_yaml(item, indent + "    "))
                yield f"{indent}  - {lines[0].strip()}"
                yield from lines[1:]
        elif isinstance(part, list):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_scalar(item)}" for item in part)
        else:
            yield f"{indent}{key}: {_scalar(part)}"


def _scalar(value: str | float) -> str:
    """A value as JSON writes it, which is YAML too; every text is quoted unless it is a plain word."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[a-z][a-z-]*[a-z]", value) and value not in {
            "yes",
            "no",
            "on",
            "off",
            "true",
            "false",
            "null",
        }
        return value if plain else json.dumps(one_line(value), ensure_ascii=False)
    return json.dumps(value)


def write_hub_folder(
    folder: Path, model: str | Path, address: HubAddress | None = None, checkpoint: Path | None = None
) -> HubManifest:
    """Write everything that a repository of the hub needs, and check it.

    Args:
        folder: an empty folder.
        model: a shipped model, an .onnx file with its card, or an .ensemble file.
        address: where it will be found; None: not known yet.
        checkpoint: checkpoint of the same model (.safetensors), for fine-tuning.

    Raises:
        ModelError: a file is missing, or not usable.
        UsageError: the checkpoint is no .safetensors file.
        EncodingError: the folder cannot be written.
    """
    source = Path(model)
    if source.suffix == SUFFIX:
        card, files = read_ensemble(source).card, {MODEL_NAMES[1]: source}
    else:
        found = find_model(model)
        card, files = found.card, {MODEL_NAMES[0]: found.path, CARD: card_path(found.path)}
    if checkpoint is not None:
        if checkpoint.suffix != ".safetensors":
            raise UsageError(f"--checkpoint {checkpoint}: must be a .safetensors file of a training run")
        files[CHECKPOINT] = checkpoint
    for name, path in files.items():
        with open_regular(path, ModelError):  # a pipe or a device is refused
            pass
        with atomic_file(folder / name) as temporary:
            copyfile(path, temporary)
    described = {name: _described(folder / name) for name in files}
    manifest = HubManifest(name=card.name, model=next(iter(files)), files=described)
    check_hub_folder(folder, manifest)
    sizes = {name: (file.size, file.sha256) for name, file in manifest.files.items()}
    text = page(PageFacts(card, manifest.model, sizes, address))
    for name, content in ((PAGE, text), (MANIFEST, manifest.model_dump_json(indent=1) + "\n")):
        with atomic_file(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8", newline="\n")
    return manifest


def save_hub_folder(
    out: Path, model: str | Path, address: HubAddress | None = None, checkpoint: Path | None = None
) -> HubManifest:
    """Write the files of a repository into the folder `out`, which must not hold other files; for upload by any tool.

    Raises:
        ModelError, UsageError, EncodingError: as `write_hub_folder`, or the folder is not empty.
    """
    known = {*LIMITS, MANIFEST, PAGE}
    if out.exists() and (not out.is_dir() or any(path.name not in known for path in out.iterdir())):
        raise ModelError(f"{out}: holds other files; name a new folder")
    with atomic_folder(out) as temporary:
        return write_hub_folder(temporary, model, address, checkpoint)


def _described(path: Path) -> HubFile:
    return HubFile(size=path.stat().st_size, sha256=file_sha256(path))


@dataclass(frozen=True, slots=True)
class Pushed:
    """A commit on the hub.

    Attributes:
        address: the model, pinned to the commit.
        url: page of the commit.
    """

    address: HubAddress
    url: str


def push_hub(
    model: str | Path, address: HubAddress, *, checkpoint: Path | None = None, private: bool = False,
    message: str | None = None,
) -> Pushed:  # fmt: skip
    """Upload a model with its card and its page; the repository is created if it does not exist.

    Args:
        model: a shipped model, an .onnx file with its card, or an .ensemble file.
        address: repository, and branch.
        checkpoint: checkpoint for fine-tuning (.safetensors).
        private: whether a new repository is private.
        message: commit message.

    Raises:
        MissingExtraError: `huggingface_hub` is not installed.
        ModelError: the model cannot be used.
        UsageError: the address is a commit, or there is no token.
        HubError: the hub cannot be reached, refuses, or the repository holds something else.
    """
    try:
        from huggingface_hub import HfApi
    except ModuleNotFoundError as error:
        raise MissingExtraError("pushing to the hub", "hub") from error
    if address.is_commit:
        raise UsageError(f"{address}: a commit cannot be changed; push to a branch, or without @REVISION")
    token = hub_token()
    if token is None:
        raise UsageError("pushing needs a token of the hub that may write: set HF_TOKEN, or run `hf auth login`")
    api = HfApi(endpoint=endpoint(), token=token)
    with TemporaryDirectory(prefix="earwitness-push-") as made:
        manifest = write_hub_folder(Path(made), model, address, checkpoint)  # a model that is not usable ends here
        with _told(address, api.endpoint):
            api.create_repo(address.repo, private=private or None, exist_ok=True)
            if address.revision != DEFAULT_REVISION:
                api.create_branch(address.repo, branch=address.revision, exist_ok=True)
            _refuse_foreign(set(api.list_repo_files(address.repo, revision=address.revision)), address)
            commit: Any = api.upload_folder(
                repo_id=address.repo,
                folder_path=made,
                revision=address.revision,
                commit_message=message or f"{manifest.name}: model, card and page",
                delete_patterns=["model.*"],  # what an earlier push left and this one lacks, such as a checkpoint
            )
    return Pushed(HubAddress(address.repo, str(commit.oid)), str(commit.commit_url))


def _refuse_foreign(names: set[str], address: HubAddress) -> None:
    """Keep from replacing the page of a repository that is not a model of earwitness."""
    if PAGE in names and MANIFEST not in names:
        raise HubError(f"{address}: the repository has a {PAGE} and no earwitness model; push to another one")


@contextmanager
def _told(address: HubAddress, base: str) -> Iterator[None]:
    """Turn an error of the hub's client into one line."""
    try:
        yield
    except EarwitnessError:
        raise
    except Exception as error:  # its own, its network library's and the system's errors
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise HubError(f"{address}: the token may not write there; make one with write access") from error
        if status is not None:
            reason = getattr(error, "server_message", None) or first_line(error)
            raise HubError(f"{address}: the hub refused ({first_line(ValueError(reason))})") from error
        raise HubError(f"{base} cannot be reached ({first_line(error)}); nothing was pushed") from error
