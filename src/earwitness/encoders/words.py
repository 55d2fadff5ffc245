"""Embeddings of words, to find the sound that words mean; experimental.

The text tower of CLAP, or a sentence encoder such as those of `sentence-transformers`, from a folder of `transformers`.
Published weights could not be tried in this project; the tests use small networks of random weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, first_line
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.encoders.pretrained import load_pretrained, refuse_other_weights
from earwitness.encoders.weights.weight_files import CONFIG, Weights, saved_files, sha256_of

WORDS: Final = "words"
"""Name of the encoder in --weights."""
_TOKENIZER: Final = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt", "vocab.txt",
)  # fmt: skip
_VOCABULARIES: Final = ("tokenizer.json", "vocab.json", "vocab.txt")
_LONGEST: Final = 64
_BATCH: Final = 64


class WordEncoder:
    """Encodes short texts.

    Args:
        model: the network, in evaluation mode.
        tokenizer: its tokenizer.
        projected: whether it returns an embedding; otherwise the mean of its outputs is one.
    """

    def __init__(self, model: Any, tokenizer: Any, *, projected: bool) -> None:
        self._model, self._tokenizer, self._projected = model, tokenizer, projected

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> Self:
        """Load an encoder.

        Args:
            folder: what `save_pretrained` of the model and of its tokenizer wrote.
            threads: threads of torch.

        Raises:
            EncoderError: the folder holds no such model or tokenizer.
            MissingExtraError: transformers or torch is not installed.
        """
        names = [*saved_files(folder, WORDS), *(name for name in _TOKENIZER if (folder / name).is_file())]
        weights = Weights(WORDS, folder, {name: sha256_of(folder / name) for name in names})
        with weights.isolated() as only:
            refuse_other_weights(only / CONFIG, folder)
            projected = "audio_config" in read_json(only / CONFIG, CARD_BYTES, EncoderError)
            model = load_pretrained(
                "ClapTextModelWithProjection" if projected else "AutoModel", only, WORDS, threads, "cpu"
            )
            made = cls(model, _tokenizer(only, folder), projected=projected)
        made.encode(["a sound"])  # an unfit tokenizer fails now
        return made

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (texts, D) of length 1.

        Raises:
            EncoderError: model and tokenizer do not fit.
        """
        import torch

        parts = []
        for start in range(0, len(texts), _BATCH):
            try:
                given = self._tokenizer(
                    list(texts[start : start + _BATCH]), padding=True, truncation=True, max_length=_LONGEST,
                    return_tensors="pt",
                )  # fmt: skip
                with torch.inference_mode():
                    output = self._model(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
            except (IndexError, RuntimeError, ValueError, KeyError) as error:
                reason = first_line(error)
                raise EncoderError(f"--weights {WORDS}: model and tokenizer do not fit ({reason})") from error
            mask = given["attention_mask"][..., None]
            mean = None if self._projected else (output.last_hidden_state * mask).sum(1) / mask.sum(1)
            parts.append((output.text_embeds if mean is None else mean).float().numpy())
        found = np.concatenate(parts)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _tokenizer(files: Path, folder: Path) -> Any:
    from transformers import AutoTokenizer

    if not any((files / name).is_file() for name in _VOCABULARIES):  # the library would make an empty one
        raise EncoderError(f"{folder}: holds no tokenizer ({' or '.join(_VOCABULARIES)}); save it there too")
    try:
        return AutoTokenizer.from_pretrained(files, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many unrelated types for unusable files
        raise EncoderError(f"{folder}: no usable tokenizer ({first_line(error)}); save it there too") from error
