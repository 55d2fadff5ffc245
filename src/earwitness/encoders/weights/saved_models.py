"""The files of a model of `transformers`, as `save_pretrained` of the model and of its processor write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import EncoderError
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.encoders.weights.weight_files import Weights, find_weights, sha256_of

CONFIG: Final = "config.json"
PROCESSOR: Final = "processor_config.json"
PREPROCESSOR: Final = "preprocessor_config.json"
WEIGHT_FILES: Final = ("model.safetensors", "pytorch_model.bin")
INDEX: Final = ".index.json"
MOST_SHARDS: Final = 1000


def saved_files(folder: Path, what: str) -> tuple[str, ...]:
    """Names of the files of a saved model that affect its tokens: configuration, weights and preprocessing.

    Args:
        folder: contains the model.
        what: name of the model, for messages.

    Raises:
        EncoderError: the configuration or weights are missing, or the index of the weights is damaged.
    """
    weights = next((found for name in WEIGHT_FILES if (found := _weight_files(folder, name))), None)
    if not (folder / CONFIG).is_file() or weights is None:
        missing = " or ".join(WEIGHT_FILES) if (folder / CONFIG).is_file() else CONFIG
        raise EncoderError(
            f"{folder}: holds no weights for '{what}': {missing} is missing; use a folder that save_pretrained wrote"
        )
    return (CONFIG, *weights, *(name for name in (PREPROCESSOR, PROCESSOR) if (folder / name).is_file()))


def saved_weights(what: str, folder: Path | None) -> Weights:
    """The files of a model that affect its tokens, so that the same weights have one fingerprint wherever they lie.

    Args:
        what: name of the model.
        folder: folder of the user's own weights, with any sha256; None: the downloaded ones, which are verified.

    Raises:
        MissingWeightsError: the weights have not been downloaded.
        EncoderError: as `saved_files`, or a file cannot be read.
    """
    if folder is None:
        weights = find_weights(what)
        return weights.only(saved_files(weights.folder, what))
    return Weights(what, folder, {name: sha256_of(folder / name) for name in saved_files(folder, what)})


def preprocessing(weights: Weights, section: str) -> tuple[Path | None, dict[str, Any]]:
    """The settings of a model's preprocessing and their file; None and no settings if none were saved.

    A processor's file takes precedence, as in `transformers`.

    Args:
        weights: files of the model.
        section: of the processor's file: `feature_extractor` or `image_processor`.

    Raises:
        EncoderError: the file cannot be read.
    """
    for name in (PROCESSOR, PREPROCESSOR):
        if name not in weights.sha256:
            continue
        path = weights.path(name)
        values = read_json(path, CARD_BYTES, EncoderError)
        if name == PROCESSOR and isinstance(values, dict):
            values = values.get(section)  # older versions of transformers keep it in the other file
            if values is None:
                continue
        if not isinstance(values, dict):
            raise EncoderError(f"{path}: does not hold the settings of a preprocessor; save the processor again")
        return path, values
    return None, {}


def refuse_other_settings(path: Path | None, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    """Refuse preprocessing that differs from what an encoder does.

    Raises:
        EncoderError: names the first setting that differs.
    """
    other = [name for name, value in expected.items() if settings.get(name, value) != value]
    if other:
        raise EncoderError(f"{path}: {other[0]} is {settings[other[0]]}, expected {expected[other[0]]}")


def _weight_files(folder: Path, name: str) -> tuple[str, ...]:
    """The file `name`, or its index and parts; empty if there is neither."""
    if (folder / name).is_file():
        return (name,)
    index = folder / f"{name}{INDEX}"
    if not index.is_file():
        return ()
    values = read_json(index, CARD_BYTES, EncoderError)
    parts = values.get("weight_map") if isinstance(values, dict) else None
    names = sorted(set(parts.values())) if isinstance(parts, dict) and all(map(_is_plain, parts.values())) else []
    if not 0 < len(names) <= MOST_SHARDS:
        raise EncoderError(f"{index}: damaged: it does not list the parts of the weights; save the model again")
    missing = next((one for one in names if not (folder / one).is_file()), None)
    if missing is not None:
        raise EncoderError(f"{folder}: a part of the weights is missing: {missing}")
    return (index.name, *names)


def _is_plain(name: object) -> bool:
    """Whether a name in an index lies in the folder itself."""
    return isinstance(name, str) and Path(name).name == name and Path(name).suffix in (".safetensors", ".bin")
