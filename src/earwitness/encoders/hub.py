"""Models of the `transformers` package from a folder: safely, offline, and only if all weights fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from earwitness.encoders.load import Device
from earwitness.errors import EncoderError, MissingExtraError, first_line
from earwitness.small_files import CARD_BYTES, read_json

CONFIG: Final = "config.json"
WEIGHT_FILES: Final = ("model.safetensors", "pytorch_model.bin")
EXTRA: Final = "semantic"


def load_pretrained(class_name: str, folder: Path, what: str, threads: int, device: Device) -> Any:
    """A frozen model of `transformers`, on `device`.

    Args:
        class_name: of the model in `transformers`.
        folder: with config.json and the weights; PyTorch files are read as tensors only.
        what: name of the encoder, for messages.
        threads: processor threads of torch in this process.
        device: where it runs.

    Raises:
        EncoderError: no such model in the folder, weights that are missing from it, or no such device.
        MissingExtraError: transformers or torch is not installed.
    """
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"the encoder '{what}'", EXTRA) from error
    if device == "cuda" and not torch.cuda.is_available():
        raise EncoderError(f"the encoder '{what}' cannot run on CUDA: torch finds no usable GPU here; use --device cpu")
    torch.set_num_threads(threads)
    try:
        with _silence(transformers.utils.logging):
            model, report = getattr(transformers, class_name).from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # transformers raises a dozen unrelated types for files that it cannot use
        raise EncoderError(f"{folder}: no usable weights of '{what}' ({first_line(error)})") from error
    lacking = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if lacking:
        raise EncoderError(
            f"{folder}: the weights do not fit '{what}': {len(lacking)} are missing or of another shape, the first "
            f"'{lacking[0]}'"
        )
    return model.eval().requires_grad_(False).to(device)


def refuse_other_weights(config: Path, folder: Path) -> None:
    """Refuse a configuration that names a file of weights itself, which then would not be the one that was checked.

    Raises:
        EncoderError: it does, or it is not readable; the message names `folder`.
    """
    values = read_json(config, CARD_BYTES, EncoderError)
    if not isinstance(values, dict) or any(key in values for key in ("transformers_weights", "auto_map")):
        raise EncoderError(f"{folder / CONFIG}: names other files; take a folder as save_pretrained writes it")


@contextmanager
def _silence(messages: Any) -> Iterator[None]:
    """No progress bars, and no warnings about weights that are left over; what is missing is reported anyway."""
    level, bars = messages.get_verbosity(), messages.is_progress_bar_enabled()
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    try:
        yield
    finally:
        messages.set_verbosity(level)
        if bars:
            messages.enable_progress_bar()
